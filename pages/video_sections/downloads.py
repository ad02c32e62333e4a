"""The files of one video: all in a zip, or each alone."""

import io

import streamlit as st

from fer.app.common import offer_download
from fer.operator import load_operator
from fer.video.bundle import ANNOTATED, write_zip
from pages.video_sections.analysed import AnalysedVideo

_KINDS = {"csv": "text/csv", "vtt": "text/vtt", "json": "application/json", "png": "image/png"}


def show_downloads(video: AnalysedVideo) -> None:
    """Buttons for the zip and for the single files, unless the operator lets nothing out."""
    if not load_operator().features.download:
        return

    def bundle() -> bytes:
        target = io.BytesIO()
        parts = ((name, [data]) for name, data in video.parts.items())
        write_zip(target, parts, video.annotated)
        return target.getvalue()

    stem = video.report.source.rpartition(".")[0] or video.report.source
    with st.container(horizontal=True):
        icon = ":material/folder_zip:"
        offer_download(
            "Everything as a zip", bundle, f"{stem}.zip", "application/zip", main=True, icon=icon
        )
        with st.popover("Single files", icon=":material/download:"):
            offer_download(ANNOTATED, video.annotated, ANNOTATED, "video/mp4")
            for name, data in video.parts.items():
                if "/" not in name:
                    offer_download(name, data, name, _KINDS[name.rpartition(".")[2]])
