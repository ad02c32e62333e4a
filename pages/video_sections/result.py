"""What came of a video: watch, explore, download."""

import io
from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from fer import report, timeline
from fer.app import plain
from fer.bundle import ANNOTATED, write_zip
from fer.summary import summarize
from fer.types import EMOTIONS
from pages.video_sections.analysis import AnalysedVideo

_KINDS = {"csv": "text/csv", "vtt": "text/vtt", "json": "application/json", "png": "image/png"}

_download = partial(st.download_button, on_click="ignore")


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
    _download("Download videos.csv", report.format_csv(table), "videos.csv", "text/csv")


def show(video: AnalysedVideo) -> None:
    """Show one analysed video."""
    name = plain(video.report.source)
    summary = summarize(video.report)
    segments = report.segments_table(video.report)
    st.header(f"Result for {name}")
    _warn(video)
    # Keys carry the name, so that a choice made for one video is not taken for another's.
    table_key = f"segments of {video.report.source}"
    picture, figures = st.columns([3, 2], gap="large")
    with picture:
        st.video(
            video.annotated,
            subtitles={"expressions": io.BytesIO(video.parts["captions.vtt"])}
            if summary["tracks"]
            else None,
            alt="the clip with boxes and labels drawn on every face",
        )
        _jump(_chosen_start(table_key, segments, video))
    with figures:
        _show_figures(summary)
        _show_downloads(video)
    if summary["tracks"]:
        _show_timeline(video, segments)
        _show_segments(segments, table_key)
        _show_moments(video)
    with st.expander("Every frame as a table", icon=":material/table:"):
        st.dataframe(report.to_table(video.report), hide_index=True, placeholder="")


def _warn(video: AnalysedVideo) -> None:
    settings = video.report.settings
    if (broken := settings.get("broken_at_s")) is not None:
        st.warning(f"The video is damaged after {broken:.1f} s. All before that was analysed.")
    if (stopped := settings.get("stopped_at_s")) is not None:
        st.warning(f"The analysis was stopped after {stopped:.1f} s. All before that is here.")


def _chosen_start(key: str, segments: pd.DataFrame, video: AnalysedVideo) -> float | None:
    """Where the segment begins that is selected in the table below, on the player's clock."""
    chosen: Any = st.session_state.get(key)
    if not chosen or not chosen["selection"]["rows"]:
        return None
    start = float(segments["start_s"].iloc[chosen["selection"]["rows"][0]])
    return max(start - video.report.frames[0].time_s, 0.0)


def _jump(start_s: float | None) -> None:
    """Send the player to a moment. Its own start time knows whole seconds only."""
    if start_s is not None:
        # Into the middle of a frame: a player may show the one before its very beginning.
        st.html(
            "<script>const video = document.querySelector('video');"
            f"video.currentTime = {start_s + 0.01:.3f};"
            "video.scrollIntoView({block: 'center', behavior: 'smooth'});</script>",
            unsafe_allow_javascript=True,
        )


def _show_figures(summary: dict[str, Any]) -> None:
    st.markdown(f"**{summary['frames']:,}** frames analysed, {summary['duration_s']:.1f} s.")
    if not summary["tracks"]:
        st.info("No face was found in any frame.", icon=":material/visibility_off:")
        return
    without, unclear = summary["share_without_face"], summary["share_unclear"]
    st.markdown(
        f"Faces followed: **{len(summary['tracks'])}**. Changes of expression: "
        f"**{summary['changes']}**. No face in **{without:.0%}** of the time; where there is "
        f"one, no clear expression in **{unclear:.0%}** of its time."
    )
    st.dataframe(
        [
            {
                "face": f"face {track['track']}",
                "seen (s)": f"{track['first_s']:.1f} to {track['last_s']:.1f}",
                "looks mostly": _mostly(track),
            }
            for track in summary["tracks"]
        ],
        hide_index=True,
        height="content" if len(summary["tracks"]) <= 5 else 212,
    )


def _mostly(track: dict[str, Any]) -> str:
    """The expression that is seen longest, unless even longer none is clear."""
    shares = {**track["share"], "unclear": track["share_unclear"]}
    longest = max(shares, key=shares.__getitem__)
    return f"{longest} ({shares[longest]:.0%})"


def _show_downloads(video: AnalysedVideo) -> None:
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


def _show_timeline(video: AnalysedVideo, segments: pd.DataFrame) -> None:
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


def _show_segments(segments: pd.DataFrame, key: str) -> None:
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


def _show_moments(video: AnalysedVideo) -> None:
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
