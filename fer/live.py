"""The webcam: a frame comes in, a frame with boxes goes out, the latest result waits under a lock.

streamlit-webrtc calls ``ExpressionProcessor.recv`` on a thread of its own, once at a
time, always with the newest frame: while one frame is analysed the ones that
arrive are dropped, never queued, so the answer stays young on a slow machine.
The page reads ``ExpressionProcessor.latest`` whenever it likes. Nothing is written to disk.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import av
import numpy as np
from streamlit_webrtc import VideoProcessorBase

from fer.annotate import draw
from fer.errors import FerError
from fer.pipeline import Analyzer
from fer.tracking import Tracker
from fer.types import FrameResult

_log = logging.getLogger(__name__)

#: Time constant in seconds with which the probabilities of each person are
#: smoothed: long enough to calm the label, short enough to follow a smile.
SMOOTHING_S: Final = 0.3

#: Frames per second and milliseconds per frame are means over this many seconds.
_WINDOW_S: Final = 3.0

#: Own ICE servers as a JSON list, see docs/webrtc.md.
ICE_SERVERS_VARIABLE: Final = "FER_ICE_SERVERS"


@dataclass(frozen=True)
class LiveState:
    """What a stream has come to.

    Attributes:
        result: the latest frame's faces; None before the first frame and after an error.
        frames_per_s: frames analysed per second; 0 when none arrives any more.
        ms_per_frame: mean time in milliseconds to analyse and draw one frame.
        error: why the latest frame went out without boxes, as a sentence; None when it did not.
    """

    result: FrameResult | None = None
    frames_per_s: float = 0.0
    ms_per_frame: float = 0.0
    error: str | None = None


class ExpressionProcessor(VideoProcessorBase):
    """Analyses one webcam stream.

    Args:
        make_analyzer: makes this stream's analyzer, with a detector of its own
            and the shared classifier. It is called on the video thread, with
            the first frame, and must not touch Streamlit.
        smoothing_s: time constant in seconds of the smoothing; 0 for none.
        least: confidence under which a face is drawn as unsure.
        clock: seconds that never run backwards. The stream is timed by it
            rather than by the browser's timestamps, which jump when a camera
            is switched.
    """

    def __init__(
        self,
        make_analyzer: Callable[[], Analyzer],
        *,
        smoothing_s: float = SMOOTHING_S,
        least: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make_analyzer = make_analyzer
        self._least = least
        self._clock = clock
        self._tracker = Tracker(smoothing_s=smoothing_s)
        self._analyzer: Analyzer | None = None
        self._started = clock()
        self._frames = 0
        # Guards everything below, which `latest` reads from the page's thread.
        self._lock = threading.Lock()
        self._result: FrameResult | None = None
        self._error: str | None = None
        self._recent: deque[tuple[float, float]] = deque()  # (finished at, seconds it took)

    def recv(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Draw the faces of one frame.

        An exception that left this method would freeze the picture for good, so
        whatever goes wrong the frame itself is returned and ``latest`` tells why.
        """
        begun = self._clock()
        result: FrameResult | None = None
        error: str | None = None
        annotated = frame
        try:
            image = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
            if self._analyzer is None:
                self._analyzer = self._make_analyzer()
            found = self._analyzer.analyze(image, index=self._frames, time_s=begun - self._started)
            result = self._tracker.update(found)
            drawn = draw(image, result, threshold=self._least)
            annotated = av.VideoFrame.from_ndarray(drawn, format="rgb24")
        except Exception as exc:  # noqa: BLE001 the picture must go on, see the docstring
            result, error = None, _explain(exc)
            if error != self._error:  # once, not 15 times a second
                _log.exception("A webcam frame could not be analysed")
        self._frames += 1
        finished = self._clock()
        with self._lock:
            self._result, self._error = result, error
            self._recent.append((finished, finished - begun))
            self._forget(finished)
        return annotated

    def latest(self) -> LiveState:
        """What is known now; safe to call from any thread."""
        now = self._clock()
        with self._lock:
            self._forget(now)
            seconds = [took for _, took in self._recent]
            result, error = self._result, self._error
        if not seconds:
            return LiveState(result=result, error=error)
        span = min(_WINDOW_S, now - self._started) or _WINDOW_S
        return LiveState(
            result=result,
            frames_per_s=len(seconds) / span,
            ms_per_frame=1000 * sum(seconds) / len(seconds),
            error=error,
        )

    def _forget(self, now: float) -> None:
        while self._recent and now - self._recent[0][0] > _WINDOW_S:
            self._recent.popleft()


def ice_servers() -> list[dict[str, Any]] | None:
    """The ICE servers that this installation sets itself.

    Returns:
        The list in ``FER_ICE_SERVERS`` (empty: connect directly, which only works
        within one network), or None when the variable is not set, so that
        streamlit-webrtc chooses.

    Raises:
        FerError: if the variable is not a JSON list of objects with ``urls``.
    """
    text = os.environ.get(ICE_SERVERS_VARIABLE)
    if not text:
        return None
    try:
        servers = json.loads(text)
    except ValueError:
        servers = None
    if not isinstance(servers, list) or not all(
        isinstance(server, dict) and "urls" in server for server in servers
    ):
        raise FerError(
            f"{ICE_SERVERS_VARIABLE} must be a JSON list of servers such as "
            '[{"urls": "turn:turn.example.org:3478", "username": "…", "credential": "…"}]. '
            "Correct it where the server is started, or unset it."
        )
    return servers


def _explain(exc: Exception) -> str:
    if isinstance(exc, FerError):
        return str(exc)
    return (
        f"This picture could not be analysed ({type(exc).__name__}), so it is shown without "
        "boxes. If that stays so, press Stop and Start again."
    )
