"""Several videos: a table over all, and the choice of one."""

from collections.abc import Sequence

import streamlit as st

from fer.app.common import offer_download
from fer.types import EMOTIONS
from fer.video import report
from pages.video_sections.analysed import AnalysedVideo


def choose(videos: Sequence[AnalysedVideo]) -> AnalysedVideo:
    """Let the visitor choose a video, where there are several."""
    if len(videos) == 1:
        return videos[0]
    chosen = st.selectbox(
        "Show", range(len(videos)), format_func=lambda i: str(videos[i].report.source)
    )
    return videos[chosen]


def show_overview(videos: Sequence[AnalysedVideo]) -> None:
    """One row per video."""
    table = report.videos_table(video.report for video in videos)
    st.header("All videos")
    st.dataframe(
        table,
        hide_index=True,
        placeholder="",
        column_config={
            **{name: st.column_config.NumberColumn(format="percent") for name in EMOTIONS},
            "duration_s": st.column_config.NumberColumn("seconds", format="%.1f"),
            "share_without_face": st.column_config.NumberColumn("no face", format="percent"),
            "share_unclear": st.column_config.NumberColumn("unclear", format="percent"),
        },
    )
    offer_download("Download videos.csv", report.format_csv(table), "videos.csv", "text/csv")
