"""Labels that do not flicker: another reading must last a while before it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fer.annotate import FLAGGED
from fer.types import FacePrediction, FrameResult

#: Seconds after which a face that is out of sight has no label any more.
_FORGET_S: Final = 2.0


@dataclass
class _Label:
    shown: str
    #: What was read last, and since when it was read every time.
    reading: str
    since_s: float
    seen_s: float


class SteadyLabels:
    """Decides, frame by frame, what each face is labelled. Use one per stream.

    ``segments`` decides likewise about a finished recording, with the same minimum dwell; here
    nothing is known of what comes next. A face that is new is labelled at once.
    """

    def __init__(self) -> None:
        self._labels: dict[int, _Label] = {}

    def update(self, result: FrameResult, dwell_s: float) -> dict[int, str]:
        """Decide about the next frame.

        Args:
            result: with tracks and, where something speaks against a reading, quality flags;
                frames must come in order of time.
            dwell_s: seconds that another reading must last before it is shown.

        Returns:
            By track, one of ``EMOTIONS`` or of the words of ``annotate.FLAGGED``.
        """
        now = result.time_s
        for prediction in result.predictions:
            track = prediction.face.track
            if track is None:
                continue
            reading = _word(prediction)
            label = self._labels.setdefault(track, _Label(reading, reading, now, now))
            if reading != label.reading:
                label.reading, label.since_s = reading, now
            if now - label.since_s >= dwell_s:
                label.shown = reading
            label.seen_s = now
        self._labels = {
            track: label for track, label in self._labels.items() if now - label.seen_s <= _FORGET_S
        }
        return {
            prediction.face.track: self._labels[prediction.face.track].shown
            for prediction in result.predictions
            if prediction.face.track is not None
        }


def _word(prediction: FacePrediction) -> str:
    return FLAGGED[prediction.quality[0]] if prediction.quality else prediction.label
