"""Video: analyse a clip frame by frame; watch, explore and download the result."""

import io
from typing import BinaryIO, NamedTuple

import pandas as pd
import streamlit as st

from fer import charts, report, sample, video
from fer.app import ensure_navigation, new_analyzer, plain, show_errors, show_status
from fer.types import EMOTIONS, VideoReport

KINDS = ("mp4", "mov", "mkv", "webm", "avi", "m4v", "gif")


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
        words = f"Frame {progress.done:,}"
        if progress.total:
            words += f" of {progress.total:,}"
        words += f", {progress.frames_per_s:.1f} frames/s"
        if progress.seconds_left is not None:
            words += f", about {progress.seconds_left:.0f} s left"
        bar.progress(min(1.0, progress.done / progress.total) if progress.total else 0.0, words)

    annotated = io.BytesIO()
    result = video.analyze_video(
        source, new_analyzer(), name=name, annotated=annotated, on_progress=show
    )
    return AnalysedVideo(result, report.to_table(result), annotated.getvalue())


def show_result(analysed: AnalysedVideo) -> None:
    """The annotated clip, who looks how and when, the table, and the downloads."""
    frames = analysed.table
    seen = frames.dropna(subset=["track"])
    settings = analysed.report.settings
    st.header(f"Result for {plain(analysed.report.source)}")
    if "broken_at_s" in settings:
        st.warning(
            f"The video is damaged or breaks off after {settings['broken_at_s']:.1f} s. "
            "Everything before that was analysed.",
            icon=":material/broken_image:",
        )
    clip, overview = st.columns([3, 2], gap="large")
    clip.video(analysed.annotated, alt="the clip with boxes and labels drawn on every face")
    with overview:
        st.markdown(f"**{len(analysed.report.frames):,}** frames analysed.")
        if seen.empty:
            st.info("No face was found in any frame.", icon=":material/visibility_off:")
        else:
            st.dataframe(people(seen), hide_index=True)
        downloads(analysed)
    if not seen.empty:
        timeline(frames, seen)
    with st.expander("Every frame as a table", icon=":material/table:"):
        st.dataframe(frames, hide_index=True, placeholder="")


def people(seen: pd.DataFrame) -> pd.DataFrame:
    """One row per followed face: when it was seen and what it looked like most."""
    by_track = seen.groupby("track")
    return pd.DataFrame(
        {
            "face": [f"face {track:.0f}" for track in by_track.groups],
            "seen (s)": by_track["time_s"].agg(lambda t: f"{t.min():.1f} to {t.max():.1f}").values,
            "frames": by_track.size().values,
            "looks most often": by_track["label"].agg(lambda labels: labels.mode()[0]).values,
        }
    )


def timeline(frames: pd.DataFrame, seen: pd.DataFrame) -> None:
    """Most probable expression of everyone, then the seven probabilities of one face."""
    st.subheader("Who looks how, and when")
    st.altair_chart(charts.expression_ribbon(frames), alt="most probable expression along time")
    tracks = seen["track"].value_counts().index.astype(int)
    track = st.selectbox(
        "Probabilities over time of", tracks, format_func=lambda t: f"face {t}", width=240
    )
    st.altair_chart(
        charts.expression_lines(seen[seen["track"] == track]),
        alt=f"probabilities of the {len(EMOTIONS)} expressions along time",
    )
    st.caption("Click an expression in the legend to single it out; double-click to undo.")


def downloads(analysed: AnalysedVideo) -> None:
    """The three files that ``python -m fer video`` writes too."""
    files = (
        ("annotated.mp4", analysed.annotated, "video/mp4"),
        ("frames.csv", report.format_csv(analysed.table), "text/csv"),
        ("report.json", report.to_json(analysed.report), "application/json"),
    )
    with st.container(horizontal=True):
        for name, content, kind in files:
            st.download_button(
                name, content, name, kind, icon=":material/download:", on_click="ignore"
            )


ensure_navigation()

st.title("Video")
st.markdown(
    "Every frame is analysed: each face gets a box, a number that follows it, and the "
    "probabilities of seven expressions along time."
)
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
