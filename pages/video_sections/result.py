"""What came of one video: the player, its figures, and all that follows below."""

import io
from typing import Any

import streamlit as st

from fer.app.common import plain
from fer.video import report
from fer.video.summary import summarize
from pages.video_sections import along_time
from pages.video_sections.analysed import AnalysedVideo
from pages.video_sections.downloads import show_downloads


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
        _jump(along_time.chosen_start(table_key, segments, video))
    with figures:
        _show_figures(summary)
        show_downloads(video)
    if summary["tracks"]:
        along_time.show_timeline(video, segments)
        along_time.show_segments(segments, table_key)
        along_time.show_moments(video)
    _show_frames(video)


def _warn(video: AnalysedVideo) -> None:
    settings = video.report.settings
    if (broken := settings.get("broken_at_s")) is not None:
        st.warning(f"The video is damaged after {broken:.1f} s. All before that was analysed.")
    if (stopped := settings.get("stopped_at_s")) is not None:
        st.warning(f"The analysis was stopped after {stopped:.1f} s. All before that is here.")
    length_s = settings["video"]["announced_duration_s"] or 0.0
    if not stopped and settings["end_s"] is not None and length_s - settings["end_s"] > 1:
        part = f"from {settings['start_s']:g} to {settings['end_s']:g} s"
        st.info(f"Only a part was analysed: {part} of {length_s:.0f} s.")


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
                "changes": track["changes"],
            }
            for track in summary["tracks"]
        ],
        hide_index=True,
        height="content" if len(summary["tracks"]) <= 5 else 212,
    )


def _show_frames(video: AnalysedVideo) -> None:
    """A table of every frame; of an hour it is 13 MB, so it is sent when it is asked for."""
    with st.expander(
        "Every frame as a table",
        icon=":material/table:",
        key=f"frames of {video.report.source}",
        on_change="rerun",
    ) as frames:
        if frames.open:
            st.dataframe(report.to_table(video.report), hide_index=True, placeholder="")


def _mostly(track: dict[str, Any]) -> str:
    """The expression that is seen longest, unless even longer none is clear."""
    shares = {**track["share"], "unclear": track["share_unclear"]}
    longest = max(shares, key=shares.__getitem__)
    return f"{longest} ({shares[longest]:.0%})"
