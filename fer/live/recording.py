"""What a live session saw: for the last minute's timeline, and for the summary at the end.

Numbers only, never a picture, and in memory only. Five results per second are kept, packed, for
an hour at most, so that memory stays bounded.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from fer.types import EMOTIONS, FrameResult
from fer.video.frame_log import FrameLog

#: Results that are kept per second: enough for a minimum dwell of half a second.
PER_S: Final = 5

#: Seconds that are kept; what comes later is shown but not summed up.
LONGEST_S: Final = 3600.0

#: Seconds that the rolling timeline shows.
LOOK_BACK_S: Final = 60.0

#: A face that is missing for less long leaves no hole in the timeline.
_BRIDGED_S: Final = 0.5


@dataclass(frozen=True)
class Stretch:
    """A time during which a face was labelled the same.

    Attributes:
        track: the face.
        start_s: when it began, on the stream's own clock.
        end_s: when it ended.
        expression: one of ``EMOTIONS``, or None where the label was no expression.
    """

    track: int
    start_s: float
    end_s: float
    expression: str | None


class Recording:
    """Keeps some results per second. Safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._log = FrameLog()
        self._labels: deque[tuple[float, dict[int, str]]] = deque(maxlen=round(PER_S * LOOK_BACK_S))

    def add(self, result: FrameResult, labels: Mapping[int, str]) -> None:
        """Keep a result, if it is the first within its fifth of a second.

        Args:
            result: the next frame's, with tracks.
            labels: what each track was labelled.
        """
        with self._lock:
            if self._labels and int(self._labels[-1][0] * PER_S) == int(result.time_s * PER_S):
                return
            self._labels.append((result.time_s, dict(labels)))
            if result.time_s < LONGEST_S:
                self._log.append(result)

    def frames(self) -> tuple[FrameResult, ...]:
        """The results that were kept, in order."""
        with self._lock:
            return tuple(self._log)

    def last_minute(self) -> tuple[float, tuple[Stretch, ...]]:
        """Who was labelled how of late.

        Returns:
            The time of the latest result, 0 when there is none; and what was seen in the
            ``LOOK_BACK_S`` before it, face by face, in order of time.
        """
        with self._lock:
            rows = list(self._labels)
        if not rows:
            return 0.0, ()
        now_s = rows[-1][0]
        return now_s, _stretches([row for row in rows if now_s - row[0] <= LOOK_BACK_S])

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._log = FrameLog()
            self._labels.clear()


def _stretches(rows: list[tuple[float, dict[int, str]]]) -> tuple[Stretch, ...]:
    """Join neighbouring rows in which a face has the same label."""
    found: dict[int, list[Stretch]] = {}
    for time_s, labels in rows:
        for track, label in labels.items():
            expression = label if label in EMOTIONS else None
            new = Stretch(track, time_s, time_s + 1 / PER_S, expression)
            line = found.setdefault(track, [])
            if line and time_s - line[-1].end_s <= _BRIDGED_S:
                if line[-1].expression == expression:
                    line[-1] = replace(line[-1], end_s=new.end_s)
                    continue
                line[-1] = replace(line[-1], end_s=time_s)
            line.append(new)
    return tuple(stretch for track in sorted(found) for stretch in found[track])
