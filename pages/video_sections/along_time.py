"""What was seen along time: timeline, segments, key moments."""

from typing import Any

import pandas as pd
import streamlit as st

from fer.charts import timeline
from fer.video import report
from pages.video_sections.analysed import AnalysedVideo


def chosen_start(key: str, segments: pd.DataFrame, video: AnalysedVideo) -> float | None:
    """Where the segment begins that is selected in the table below, on the player's clock."""
    chosen: Any = st.session_state.get(key)
    if not chosen or not chosen["selection"]["rows"]:
        return None
    start = float(segments["start_s"].iloc[chosen["selection"]["rows"][0]])
    return max(start - video.report.frames[0].time_s, 0.0)


def show_timeline(video: AnalysedVideo, segments: pd.DataFrame) -> None:
    """Segments of every face, and the probabilities of a chosen one."""
    st.subheader("Who looks how, and when")
    longest = segments.groupby("track")["frames"].sum().sort_values(ascending=False)
    track = st.selectbox(
        "Probabilities over time of",
        longest.index.astype(int),
        format_func="face {}".format,
        key=f"face of {video.report.source}",
    )
    chart = timeline.draw_timeline(report.to_table(video.report), segments, int(track), video.strip)
    st.altair_chart(chart, alt="segments of every face, and the probabilities of one, along time")
    st.caption(
        "Drag across the bars at the top to look at a part; double-click there to see all. "
        "Pale bars: no clear expression."
    )


def show_segments(segments: pd.DataFrame, key: str) -> None:
    """A table whose selected row ``chosen_start`` finds under the same key."""
    st.subheader("Segments", help="Select one, and the player above goes there.")
    st.dataframe(
        segments,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key=key,
        placeholder="",
        column_config={
            "track": "face",
            "start_s": st.column_config.NumberColumn("from (s)", format="%.2f"),
            "end_s": st.column_config.NumberColumn("to (s)", format="%.2f"),
            "expression": "looks",
            "probability": st.column_config.ProgressColumn(
                "mean probability", format="percent", min_value=0, max_value=1
            ),
            "reason": "unclear because",
        },
    )


def show_moments(video: AnalysedVideo) -> None:
    """Each face where an expression is most probable."""
    if not video.moments:
        return
    st.subheader("Key moments", help="Each face where an expression is most probable.")
    with st.container(horizontal=True, gap="medium"):
        for moment in video.moments:
            st.image(
                moment.jpeg,
                f"face {moment.track} looks {moment.expression} ({moment.probability:.0%}) "
                f"at {moment.time_s:.1f} s",
                width=140,
            )
