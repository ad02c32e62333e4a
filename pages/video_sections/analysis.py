"""Analyse one video after another, showing progress; keep what was done when interrupted."""

import base64
import hashlib
import io
import math
import threading
import time
from typing import BinaryIO, Final, NamedTuple

import cv2
import numpy as np
import streamlit as st
from streamlit.runtime.scriptrunner import RerunException, StopException

from fer import video
from fer.app import new_analyzer, plain
from fer.bundle import make_parts
from fer.errors import FerError
from fer.moments import KeyMoment, Moments, key_moments
from fer.pipeline import Analyzer
from fer.types import Image, VideoReport
from fer.video_settings import VideoSettings

#: Bytes of annotated videos that a session remembers, besides those that it shows.
_REMEMBERED: Final = 200_000_000

#: Seconds between two looks at the progress, and between two preview pictures.
_PROGRESS_S, _PREVIEW_S = 0.1, 1.0

_PREVIEW_WIDTH: Final = 400

#: Seconds that an interrupted analysis may take to end.
_LONGEST_END_S: Final = 10.0


class AnalysedVideo(NamedTuple):
    """A video that has been analysed, kept for the session."""

    report: VideoReport
    annotated: bytes
    parts: dict[str, bytes]
    moments: tuple[KeyMoment, ...]
    strip: tuple[tuple[float, bytes], ...]


class Work:
    """One analysis under way: shows how far it is, and notices when it is not wanted any more."""

    def __init__(self, number: int) -> None:
        self._bar = st.progress(0.0, "Opening the video…")
        self._preview = st.empty()
        # Any click, here or elsewhere, ends the analysis: Streamlit then wants to run anew.
        st.button(
            "Cancel",
            icon=":material/close:",
            help="What was analysed until then is kept.",
            key=f"cancel {number}",
        )
        self._next_look = self._next_preview = 0.0
        self.interruption: RerunException | StopException | None = None
        self.finished = threading.Event()

    def show(self, progress: video.Progress) -> None:
        """Show progress ten times a second, and a picture once a second."""
        now = time.monotonic()
        if now < self._next_look or self.interruption is not None:
            return
        self._next_look = now + _PROGRESS_S
        total = f" of {progress.total:,}" if progress.total else ""
        left = progress.seconds_left
        try:
            self._bar.progress(
                min(1.0, progress.done / (progress.total or math.inf)),
                f"Frame {progress.done:,}{total}, {progress.frames_per_s:.1f} frames/s"
                + (f", about {left:.0f} s left" if left is not None else ""),
            )
            if progress.picture is not None and now >= self._next_preview:
                self._next_preview = now + _PREVIEW_S
                self._preview.html(_as_html(progress.picture))
        except (RerunException, StopException) as wanted:  # a click, another page, a closed tab
            self.interruption = wanted

    def is_unwanted(self) -> bool:
        """Whether the analysis should stop, and keep what was done."""
        return self.interruption is not None


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
    key = (name, _digest(source), settings, run.name, tuple(run.files.items()))
    if key in known:
        videos.append(known[key])
        return
    work = st.session_state["work"] = Work(number)
    try:
        done = _run(work, name, source, settings, analyzer)
        videos.append(done)
    finally:
        work.finished.set()
    if work.interruption is not None:
        raise work.interruption
    known[key] = done
    while len(known) > 1 and sum(len(kept.annotated) for kept in known.values()) > _REMEMBERED:
        del known[next(iter(known))]


def _run(
    work: Work, name: str, source: BinaryIO, settings: VideoSettings, analyzer: Analyzer
) -> AnalysedVideo:
    annotated, moments = io.BytesIO(), Moments()
    report = video.analyze_video(
        source,
        analyzer,
        name=name,
        settings=settings,
        annotated=annotated,
        moments=moments,
        on_progress=work.show,
        should_stop=work.is_unwanted,
    )
    return AnalysedVideo(
        report,
        annotated.getvalue(),
        make_parts(report, moments),
        key_moments(report, moments),
        moments.strip,
    )


def _digest(source: BinaryIO) -> str:
    source.seek(0)
    digest = hashlib.sha256()
    while block := source.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()


def _as_html(picture: Image) -> str:
    """The picture within the page itself: Streamlit would keep a file of each until the end."""
    height, width = picture.shape[:2]
    size = (_PREVIEW_WIDTH, max(1, round(height * _PREVIEW_WIDTH / width)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    jpeg = cv2.imencode(".jpg", np.ascontiguousarray(small[..., ::-1]))[1].tobytes()
    data = base64.b64encode(jpeg).decode()
    return f'<img alt="the latest frame" src="data:image/jpeg;base64,{data}">'
