"""The files of one video: all in a zip, or each alone."""

import io
from functools import partial

import streamlit as st

from fer.bundle import ANNOTATED, write_zip
from pages.video_sections.analysis import AnalysedVideo

_KINDS = {"csv": "text/csv", "vtt": "text/vtt", "json": "application/json", "png": "image/png"}

_download = partial(st.download_button, on_click="ignore")


def show_downloads(video: AnalysedVideo) -> None:
    """Buttons for the zip and for the single files."""

    def bundle() -> bytes:
        target = io.BytesIO()
        write_zip(target, video.parts, video.annotated)
        return target.getvalue()

    stem = video.report.source.rpartition(".")[0] or video.report.source
    with st.container(horizontal=True):
        _download(
            "Everything as a zip",
            bundle,
            f"{stem}.zip",
            "application/zip",
            icon=":material/folder_zip:",
            type="primary",
        )
        with st.popover("Single files", icon=":material/download:"):
            _download(ANNOTATED, video.annotated, ANNOTATED, "video/mp4")
            for name, data in video.parts.items():
                if "/" not in name:
                    _download(name, data, name, _KINDS[name.rpartition(".")[2]])
