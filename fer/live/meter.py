"""How a live stream runs: frames per second, milliseconds per stage, age of a result, losses."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

#: Figures are over so many seconds.
WINDOW_S: Final = 3.0

#: What a frame goes through, in order.
STAGES: Final = ("wait", "decode", "find faces", "read faces", "draw")

#: Two clocks drift apart, by up to 0.1 ms per second: what is known of how they stand to each
#: other counts for so many seconds, and as many again.
_CLOCKS_S: Final = 30.0

#: Nobody waits for so long: beyond it a camera's clock has been set anew.
_LONGEST_AGE_S: Final = 10.0


@dataclass(frozen=True)
class Speed:
    """How a stream runs, over the last seconds.

    Attributes:
        frames_per_s: frames analysed per second; 0 when none arrives any more.
        stage_ms: mean milliseconds by stage, of ``STAGES``.
        age_ms: median age of a result in milliseconds, from the frame's arrival until it is drawn.
        oldest_ms: 95th percentile of the same.
        dropped: frames passed over since the start because a newer one had arrived.
        received: frames that have arrived since the start, with those.
    """

    frames_per_s: float = 0.0
    stage_ms: Mapping[str, float] = field(default_factory=dict)
    age_ms: float = 0.0
    oldest_ms: float = 0.0
    dropped: int = 0
    received: int = 0


class Meter:
    """Give it every frame. Safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._recent: deque[tuple[float, dict[str, float]]] = deque()  # finished at, stages
        self._received = self._dropped = 0

    def drop(self, frames: int) -> None:
        """Count frames that nobody analyses."""
        with self._lock:
            self._dropped += frames
            self._received += frames

    def add(self, finished_s: float, stages: dict[str, float]) -> None:
        """Count a frame.

        Args:
            finished_s: when it was done.
            stages: seconds by stage.
        """
        with self._lock:
            self._received += 1
            self._recent.append((finished_s, stages))
            self._forget(finished_s)

    def read(self, now_s: float) -> Speed:
        """The figures at this moment."""
        with self._lock:
            self._forget(now_s)
            recent = list(self._recent)
            dropped, received = self._dropped, self._received
        if not recent:
            return Speed(dropped=dropped, received=received)
        first_s, last_s = recent[0][0], recent[-1][0]
        # From frame to frame, so that the figure is right from the second frame on.
        steps = len(recent) - 1
        ages = [1000 * sum(stages.values()) for _, stages in recent]
        return Speed(
            frames_per_s=steps / (last_s - first_s) if last_s > first_s else 0.0,
            stage_ms={
                stage: 1000 * float(np.mean([s.get(stage, 0.0) for _, s in recent]))
                for stage in STAGES
            },
            age_ms=float(np.median(ages)),
            oldest_ms=float(np.quantile(ages, 0.95)),
            dropped=dropped,
            received=received,
        )

    def _forget(self, now_s: float) -> None:
        while self._recent and now_s - self._recent[0][0] > WINDOW_S:
            self._recent.popleft()


class Waiting:
    """How long a frame has waited, from its timestamp.

    A frame's timestamp is on the sender's clock. The frame that came quickest tells how the two
    clocks stand to each other: it did not wait. Network and decoding count as far as they take
    longer than for that frame.
    """

    def __init__(self) -> None:
        self._least = self._least_before = np.inf  # of now - timestamp
        self._turned_s = self._timestamp_s = -np.inf

    def seconds(self, timestamp_s: float | None, now_s: float) -> float:
        """How long a frame has waited at this moment.

        Args:
            timestamp_s: the frame's own, None if it has none.
            now_s: on this side's clock.
        """
        if timestamp_s is None:
            return 0.0
        offset = now_s - timestamp_s
        behind = offset - min(self._least, self._least_before)
        if timestamp_s <= self._timestamp_s or behind > _LONGEST_AGE_S:  # another clock
            self._least = self._least_before = np.inf
        self._timestamp_s = timestamp_s
        if now_s - self._turned_s > _CLOCKS_S:
            self._least_before, self._least, self._turned_s = self._least, np.inf, now_s
        self._least = min(self._least, offset)
        return float(offset - min(self._least, self._least_before))
