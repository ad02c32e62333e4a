"""The webcam: a frame comes in, a frame with boxes goes out, the latest result waits under a lock.

streamlit-webrtc calls ``ExpressionProcessor.recv_queued`` on a thread of its own, one call at a
time, with all frames that have arrived meanwhile: the newest is analysed, the others are
dropped, so that the answer stays young on a slow machine. A box is drawn into the very frame
that it was found in. Nothing is written to disk.
"""

from __future__ import annotations

import io
import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Final

import av
import numpy as np
from PIL import Image as PillowImage
from PIL.PngImagePlugin import PngInfo
from streamlit_webrtc import VideoProcessorBase

from fer.errors import FerError
from fer.live.labels import SteadyLabels
from fer.live.meter import STAGES, Speed, Waiting
from fer.live.picture import LivePicture
from fer.live.seats import SEATS, Seats
from fer.live.session import LiveSession
from fer.pipeline import Analyzer
from fer.provenance import NOTE
from fer.tracking import Tracker
from fer.types import FrameResult, Image

_log = logging.getLogger(__name__)

#: Seconds that a face may be out of sight and keep its number: a computer that stalls for a moment
#: does not make anybody else of it.
MAX_GAP_S: Final = 2.0

#: Seconds that a frame may have waited and still be analysed.
TOO_OLD_S: Final = 0.4

#: However late they are, a frame is analysed after so many seconds: better late than nothing.
LONGEST_PAUSE_S: Final = 1.0

#: Seconds that a call of the library's may take.
_PATIENCE_S: Final = 3.0

#: What a stream is told for which there is no place.
BUSY: Final = (
    "All places for live cameras are taken, so this picture is not analysed. It will be as soon "
    "as somebody leaves; the Photo page works meanwhile."
)


@dataclass(frozen=True)
class LiveState:
    """What a stream has come to.

    Attributes:
        result: the latest frame's faces; None before the first frame and after an error.
        labels: by track, what each face is labelled: an expression, or what speaks against one.
        speed: how the stream runs.
        error: why the latest frame went out without boxes, as a sentence; None when it did not.
    """

    result: FrameResult | None = None
    labels: Mapping[int, str] = field(default_factory=dict)
    speed: Speed = field(default_factory=Speed)
    error: str | None = None


class ExpressionProcessor(VideoProcessorBase):
    """Analyses one webcam stream.

    Args:
        make_analyzer: makes this stream's analyzer, with a detector of its own
            and the shared classifier. It is called on the video thread, with
            the first frame, and must not touch Streamlit.
        session: where settings come from and what is seen is recorded.
        limit: how many streams of this process may be analysed at once.
        seats: the places that they hold.
        clock: seconds that never run backwards. The stream is timed by it
            rather than by the browser's timestamps, which jump when a camera
            is switched.
    """

    def __init__(
        self,
        make_analyzer: Callable[[], Analyzer],
        *,
        session: LiveSession | None = None,
        limit: int = 8,
        seats: Seats = SEATS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make_analyzer = make_analyzer
        self._session = session or LiveSession()
        self._recording, self._meter = self._session.begin()
        self._limit, self._seats, self._seat = limit, seats, seats.new()
        self._clock = clock
        self._tracker = Tracker(MAX_GAP_S)
        self._labels = SteadyLabels()
        self._drawing = LivePicture()
        self._waiting = Waiting()
        self._analyzer: Analyzer | None = None
        self._started_s: float | None = None
        self._analysed_s = -math.inf
        self._frames = 0
        # The library gives a stream up for good when a call takes 10 seconds, as the first may on a
        # machine that is very busy: so analysis has a thread of its own.
        self._thread = ThreadPoolExecutor(1, "live analysis")
        self._running: Future[av.VideoFrame] | None = None
        # Guards everything below, which the page's thread reads.
        self._lock = threading.Lock()
        self._state = LiveState()
        self._picture: Image | None = None
        seats.hold(self._seat, limit)  # from the start: whoever comes next must know

    async def recv_queued(self, frames: list[av.VideoFrame]) -> list[av.VideoFrame]:
        """Analyse the newest of the frames that have arrived; the others are too old to matter.

        Returns:
            The frame with its boxes; nothing where even the newest is too old, because decoding
            itself does not keep up: leaving it out lets that catch up.
        """
        now_s = self._clock()
        waited_s = self._waiting.seconds(frames[-1].time, now_s)
        if waited_s > TOO_OLD_S and now_s - self._analysed_s < LONGEST_PAUSE_S:
            self._meter.drop(len(frames))
            return []
        if self._running is None:
            self._running = self._thread.submit(self._analyze, frames[-1], waited_s)
            self._meter.drop(len(frames) - 1)
        else:  # still at the frame before
            self._meter.drop(len(frames))
        try:
            annotated = self._running.result(_PATIENCE_S)
        except TimeoutError:
            return []
        self._running = None
        return [annotated]

    def recv(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Draw the faces of one frame."""
        return self._analyze(frame, self._waiting.seconds(frame.time, self._clock()))

    def latest(self) -> LiveState:
        """What is known now; safe to call from any thread."""
        with self._lock:
            state = self._state
        return replace(state, speed=self._meter.read(self._clock()))

    def snapshot(self) -> bytes | None:
        """The latest picture as it is shown, as a PNG; None when there is none.

        Safe to call from any thread.
        """
        with self._lock:
            picture = self._picture
        if picture is None:
            return None
        about = PngInfo()
        about.add_text("Description", NOTE)
        target = io.BytesIO()
        PillowImage.fromarray(picture).save(target, "PNG", pnginfo=about)
        return target.getvalue()

    def on_ended(self) -> None:
        """Make room for somebody else; called on another thread when the stream is over."""
        self._seats.free(self._seat)
        self._thread.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            self._picture = None

    def _analyze(self, frame: av.VideoFrame, waited_s: float) -> av.VideoFrame:
        """Draw the faces of one frame.

        An exception that left this method would freeze the picture for good, so
        whatever goes wrong the frame itself is returned and ``latest`` tells why.
        """
        begun_s = self._clock()
        watch = _Stopwatch(self._clock, waited_s)
        before = self._state
        state, picture, annotated = LiveState(), None, frame
        try:
            self._hold()
            image = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
            watch.lap("decode")
            result, labels = self._read(image, begun_s, watch)
            picture = self._drawing.draw(image, result, labels, self._session.settings)
            annotated = av.VideoFrame.from_ndarray(picture, format="rgb24")
            watch.lap("draw")
            state = LiveState(result, labels)
            self._recording.add(result, labels)
        except Exception as exc:  # noqa: BLE001 the picture must go on, see the docstring
            state = LiveState(error=_explain(exc))
            if state.error != before.error:  # once, not 15 times a second
                _log.exception("A webcam frame could not be analysed")
        self._frames += 1
        self._analysed_s = self._clock()
        self._meter.add(self._analysed_s, watch.seconds)
        with self._lock:
            self._state, self._picture = state, picture
        return annotated

    def _hold(self) -> None:
        if not self._seats.hold(self._seat, self._limit):
            raise FerError(BUSY)

    def _read(
        self, image: Image, now_s: float, watch: _Stopwatch
    ) -> tuple[FrameResult, dict[int, str]]:
        """Find, read and follow the faces, and decide what each is labelled."""
        if self._analyzer is None:
            self._analyzer = self._make_analyzer()
            self._session.detector = self._analyzer.detector.name
            self._session.run = self._analyzer.classifier.run
        if self._started_s is None:
            self._started_s = now_s
        settings = self._session.settings
        self._tracker.smoothing_s = settings.smoothing_s
        self._tracker.least_confidence = settings.least_confidence
        faces = self._analyzer.detector.detect(image)
        watch.lap("find faces")
        found = self._analyzer.read(image, faces, self._frames, now_s - self._started_s)
        watch.lap("read faces")
        result = self._tracker.update(found)
        return result, self._labels.update(result, settings.dwell_s)


class _Stopwatch:
    """Seconds by stage of one frame."""

    def __init__(self, clock: Callable[[], float], waited_s: float) -> None:
        self._clock = clock
        self._last_s = clock()
        self.seconds = dict.fromkeys(STAGES, 0.0) | {"wait": waited_s}

    def lap(self, stage: str) -> None:
        """End a stage, and begin the next."""
        now_s = self._clock()
        self.seconds[stage] = now_s - self._last_s
        self._last_s = now_s


def _explain(exc: Exception) -> str:
    if isinstance(exc, FerError):
        return str(exc)
    return (
        f"This picture could not be analysed ({type(exc).__name__}), so it is shown without "
        "boxes. If that stays so, press Stop and Start again."
    )
