"""Analyse one video after another, showing progress; keep what was done when interrupted."""

from typing import BinaryIO, Final

import streamlit as st

from fer.app.common import new_analyzer, plain
from fer.errors import FerError
from fer.video.settings import VideoSettings
from pages.video_sections.analysed import AnalysedVideo, analyze, digest
from pages.video_sections.work import Work

#: Bytes of annotated videos that a session remembers, besides those that it shows.
_REMEMBERED: Final = 200_000_000

#: Seconds that an interrupted analysis may take to end: a fraction of one, unless the server
#: has far more to do than it can.
_LONGEST_END_S: Final = 60.0


def analyze_all(queue: list[tuple[str, BinaryIO]], settings: VideoSettings) -> None:
    """Analyse videos one after another, then run the page anew to show them.

    The session's ``videos`` are what was analysed, and ``refused`` the name and error of
    what could not be read.
    """
    # From here on these are plain lists: an interrupted run may not touch the session any more.
    videos: list[AnalysedVideo] = []
    refused: list[tuple[str, FerError]] = []
    st.session_state["videos"], st.session_state["refused"] = videos, refused
    for number, (name, source) in enumerate(queue, start=1):
        place = st.empty()
        with place.container():
            if len(queue) > 1:
                st.markdown(f"Video {number} of {len(queue)}: **{plain(name)}**")
            try:
                _analyze(number, name, source, settings, videos)
            except FerError as error:
                refused.append((name, error))
        place.empty()
    st.rerun()


def wait_for_interrupted() -> None:
    """Wait until an analysis that a click has ended has put away what was done.

    Streamlit begins the next run of a page while the one before it has yet to notice.
    """
    work: Work | None = st.session_state.get("work")
    if work is not None:
        work.finished.wait(_LONGEST_END_S)


def _analyze(
    number: int,
    name: str,
    source: BinaryIO,
    settings: VideoSettings,
    videos: list[AnalysedVideo],
) -> None:
    """Analyse a video, or remember it from before; nothing touches the disk.

    Raises:
        MediaError: if it cannot be read.
    """
    analyzer = new_analyzer()
    known: dict[tuple[object, ...], AnalysedVideo] = st.session_state.setdefault("analysed", {})
    run = analyzer.classifier.run
    key = (name, digest(source), settings, run.name, tuple(run.files.items()))
    if key in known:
        videos.append(known[key])
        return
    work = st.session_state["work"] = Work(number)
    try:
        done = analyze(work, name, source, settings, analyzer)
        videos.append(done)
    finally:
        work.finished.set()
    if work.interruption is not None:
        raise work.interruption
    known[key] = done
    while len(known) > 1 and sum(len(kept.annotated) for kept in known.values()) > _REMEMBERED:
        del known[next(iter(known))]
