"""Video: analyse a clip frame by frame; watch, explore and download the result."""

import io
import math
from functools import partial
from typing import BinaryIO, NamedTuple

import pandas as pd
import streamlit as st

from fer import charts, report, sample, video
from fer.app import ensure_navigation, new_analyzer, plain, show_errors, show_status
from fer.summary import summarize
from fer.types import VideoReport

KINDS = ("mp4", "mov", "mkv", "webm", "avi", "m4v", "gif")

download = partial(st.download_button, icon=":material/download:", on_click="ignore")


class AnalysedVideo(NamedTuple):
    """The last analysed video, kept for the session until the next one replaces it."""

    report: VideoReport
    table: pd.DataFrame
    annotated: bytes


def analyze(name: str, source: BinaryIO) -> AnalysedVideo:
    """Analyse a clip, showing progress; nothing touches the disk."""
    bar = st.progress(0.0, "Opening the video…")
    st.button("Cancel", icon=":material/close:")  # any click ends the analysis under way

    def show(progress: video.Progress) -> None:
        total = f" of {progress.total:,}" if progress.total else ""
        left = progress.seconds_left
        bar.progress(
            min(1.0, progress.done / (progress.total or math.inf)),
            f"Frame {progress.done:,}{total}, {progress.frames_per_s:.1f} frames/s"
            + (f", about {left:.0f} s left" if left is not None else ""),
        )

    annotated = io.BytesIO()
    result = video.analyze_video(
        source, new_analyzer(), name=name, annotated=annotated, on_progress=show
    )
    return AnalysedVideo(result, report.to_table(result), annotated.getvalue())


def show_result(analysed: AnalysedVideo) -> None:
    """The annotated clip, who looks how and when, the table, and the downloads."""
    frames, broken = analysed.table, analysed.report.settings.get("broken_at_s")
    seen = frames.dropna(subset=["track"])
    st.header(f"Result for {plain(analysed.report.source)}")
    if broken is not None:
        st.warning(f"The video is damaged after {broken:.1f} s. All before that was analysed.")
    clip, overview = st.columns([3, 2], gap="large")
    clip.video(analysed.annotated, alt="the clip with boxes and labels drawn on every face")
    with overview:
        st.markdown(f"**{len(analysed.report.frames):,}** frames analysed.")
        if seen.empty:
            st.info("No face was found in any frame.", icon=":material/visibility_off:")
        else:
            st.dataframe(people(analysed.report), hide_index=True)
        # The three files that `python -m fer video` writes too.
        with st.container(horizontal=True):
            download("annotated.mp4", analysed.annotated, "video/mp4")
            download("frames.csv", report.format_csv(frames), "text/csv")
            download("report.json", report.to_json(analysed.report), "application/json")
    if not seen.empty:
        timeline(frames, seen)
    with st.expander("Every frame as a table", icon=":material/table:"):
        st.dataframe(frames, hide_index=True, placeholder="")


def people(analysed: VideoReport) -> list[dict[str, str]]:
    """One row per followed face: when it was seen, and how it looked for most of that time."""
    return [
        {
            "face": f"face {track['track']}",
            "seen (s)": f"{track['first_s']:.1f} to {track['last_s']:.1f}",
            "looks mostly": max(track["share"], key=track["share"].get),
        }
        for track in summarize(analysed)["tracks"]
    ]


def timeline(frames: pd.DataFrame, seen: pd.DataFrame) -> None:
    """Most probable expression of everyone, then the seven probabilities of one face."""
    most = f"At most {charts.MOST_FACES} faces: those that are seen longest."
    st.subheader("Who looks how, and when", help=most)
    st.altair_chart(charts.expression_ribbon(frames), alt="most probable expression along time")
    tracks = seen["track"].value_counts().index.astype(int)
    track = st.selectbox("Probabilities over time of", tracks, format_func="face {}".format)
    st.altair_chart(
        charts.expression_lines(seen[seen["track"] == track]),
        alt="probabilities of the seven expressions along time",
    )
    st.caption("Click an expression in the legend to single it out; double-click to undo.")


ensure_navigation()

st.title("Video")
st.markdown("Each face gets a box, a number that follows it, and seven probabilities along time.")
with show_errors():
    show_status()
    upload = st.file_uploader("A video with faces", type=KINDS)
    with st.container(horizontal=True):
        chosen = st.button("Analyse", type="primary", disabled=upload is None)
        sampled = st.button("Use the sample clip")
    st.caption("The video stays in this server's memory and goes with your session.")
    if chosen and upload is not None:
        st.session_state["video"] = analyze(upload.name, upload)
        st.rerun()
    if sampled:
        st.session_state["video"] = analyze("sample.mp4", sample.open_clip())
        st.rerun()
    if "video" in st.session_state:
        show_result(st.session_state["video"])
