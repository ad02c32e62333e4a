"""After Stop: who looked how for how long, and the files of it."""

from typing import Any

import pandas as pd
import streamlit as st

from fer.charts import timeline
from fer.live import summary as live_summary
from fer.live.session import LiveSession
from fer.provenance import NOTE
from fer.types import EMOTIONS, VideoReport
from fer.video import report
from fer.video.summary import summarize


def show_summary(session: LiveSession, *, downloads: bool) -> None:
    """Sum the last recording up, if there is one.

    Args:
        session: whose camera has stopped.
        downloads: whether files are offered.
    """
    made = live_summary.make_report(session)
    if made is None:
        return
    st.header("Summary of this session")
    summary = summarize(made)
    st.markdown(
        f"**{summary['duration_s']:.0f} s**, people followed: **{len(summary['tracks'])}**, "
        f"changes of expression: **{summary['changes']}**."
    )
    if not summary["tracks"]:
        st.info("Nobody was in the picture.", icon=":material/visibility_off:")
        return
    st.dataframe(_shares(made), hide_index=True, column_config=_columns())
    segments = report.segments_table(made)
    longest = segments.groupby("track")["frames"].sum().sort_values(ascending=False)
    track = longest.index[0]
    if len(longest) > 1:
        track = st.selectbox(
            "Probabilities over time of", longest.index.astype(int), format_func="face {}".format
        )
    chart = timeline.draw_timeline(report.to_table(made), segments, int(track))
    st.altair_chart(chart, alt="expressions of every person along time, and of one in detail")
    if downloads:
        _show_downloads(made)
    st.caption(f"{NOTE} It stays in this tab's session only; Start replaces it.")


def _shares(made: VideoReport) -> pd.DataFrame:
    """One row per person; a column per expression that was seen."""
    tracks = summarize(made)["tracks"]
    table = pd.DataFrame(
        [
            {
                "person": f"face {track['track']}",
                "seen (s)": sum(s["end_s"] - s["start_s"] for s in track["segments"]),
                **{label: track["share"].get(label) for label in EMOTIONS},
                "unclear": track["share_unclear"],
            }
            for track in tracks
        ]
    )
    return table.dropna(axis="columns", how="all")


def _columns() -> dict[str, Any]:
    share = st.column_config.NumberColumn(format="percent")
    return {
        "seen (s)": st.column_config.NumberColumn(format="%.1f"),
        **dict.fromkeys((*EMOTIONS, "unclear"), share),
    }


def _show_downloads(made: VideoReport) -> None:
    files = {
        "live_summary.csv": (live_summary.summary_csv(made), "text/csv"),
        "live_timeline.csv": (live_summary.timeline_csv(made), "text/csv"),
        "live_report.json": (report.to_json(made), "application/json"),
    }
    with st.container(horizontal=True):
        for name, (text, kind) in files.items():
            st.download_button(
                name, text, name, kind, on_click="ignore", icon=":material/download:"
            )
