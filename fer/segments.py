"""From frames to statements: who looked how, from when to when.

A decision needs a minimum dwell: a reading that does not last leaves the one before
it standing. Stretches that are flagged for as long are segments without an expression.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import numpy as np

from fer.types import EMOTIONS, FacePrediction, FrameResult, VideoReport

#: Seconds that an expression must be seen before it counts. Expressions that people show
#: openly last half a second to four (Ekman 2003, "Emotions Revealed").
DWELL_S: Final = 0.5

#: Why a stretch has no expression, besides the flags of ``quality``: nothing lasted long enough.
BRIEF: Final = "brief"

#: A frame lasts until the next one, at most so many usual steps.
_LONGEST_STEP: Final = 3.0

#: Rounding of times must not decide about a dwell.
_TOLERANCE: Final = 1e-6


@dataclass(frozen=True)
class Moment:
    """One face in one frame.

    Attributes:
        frame: number of the frame.
        start_s: time of the frame.
        end_s: when the next frame comes.
        prediction: what was read.
        decision: the expression after the minimum dwell, or None.
        reason: why there is none: a flag or ``BRIEF``; empty when there is one.
    """

    frame: int
    start_s: float
    end_s: float
    prediction: FacePrediction
    decision: str | None
    reason: str

    @property
    def seconds(self) -> float:
        """How long it is seen."""
        return self.end_s - self.start_s


@dataclass(frozen=True)
class Segment:
    """A stretch of one track with one expression.

    Attributes:
        track: the face.
        start_s: time of its first frame.
        end_s: when its last frame ends.
        expression: one of ``EMOTIONS``, or None where the face cannot be read.
        probability: mean probability of the expression over the stretch; None without one.
        reason: why it has no expression; empty when it has one.
        frames: in how many frames the face was seen.
    """

    track: int
    start_s: float
    end_s: float
    expression: str | None
    probability: float | None
    reason: str
    frames: int


def find_moments(report: VideoReport) -> dict[int, tuple[Moment, ...]]:
    """Decide for every face and frame; by track, in order of time.

    The minimum dwell is the report's setting ``dwell_s``, or ``DWELL_S``.
    """
    ends = frame_ends(report.frames)
    seen: dict[int, list[tuple[FrameResult, float, FacePrediction]]] = {}
    for frame, end in zip(report.frames, ends, strict=True):
        for prediction in frame.predictions:
            if prediction.face.track is not None:
                seen.setdefault(prediction.face.track, []).append((frame, end, prediction))
    dwell_s = float(report.settings.get("dwell_s", DWELL_S))
    return {track: tuple(_decide(seen[track], dwell_s)) for track in sorted(seen)}


def find_segments(moments: Iterable[Moment], track: int) -> tuple[Segment, ...]:
    """Join the moments of a track that have the same decision."""
    return tuple(
        _join(track, list(stretch))
        for _, stretch in groupby(moments, key=lambda moment: moment.decision)
    )


def frame_ends(frames: tuple[FrameResult, ...]) -> list[float]:
    """When each frame ends: when the next begins; the last lasts as long as most.

    Where nothing was shown for long the frame before ends after a few usual steps.
    A single picture has no length of its own: it counts as one second.
    """
    times = np.array([frame.time_s for frame in frames])
    if len(times) < 2:
        return [float(time) + 1.0 for time in times]
    steps = np.diff(times)
    usual = float(np.median(steps))
    lengths = np.append(np.minimum(steps, _LONGEST_STEP * usual), usual)
    return [float(end) for end in times + lengths]


def _decide(
    seen: list[tuple[FrameResult, float, FacePrediction]], dwell_s: float
) -> Iterable[Moment]:
    """Go through stretches of equal reading; those that last decide, the others follow."""
    decision: str | None = None
    reason = BRIEF
    for reading, group in groupby(seen, key=lambda item: _reading(item[2])):
        stretch = list(group)
        lasted = stretch[-1][1] - stretch[0][0].time_s
        if lasted >= dwell_s - _TOLERANCE:
            decision = reading
            flags = Counter(flag for _, _, p in stretch for flag in p.quality)
            reason = "" if reading else flags.most_common(1)[0][0]
        for frame, end, prediction in stretch:
            yield Moment(frame.index, frame.time_s, end, prediction, decision, reason)


def _reading(prediction: FacePrediction) -> str | None:
    return None if prediction.quality else prediction.label


def _join(track: int, moments: list[Moment]) -> Segment:
    expression = moments[0].decision
    probability = None
    if expression is not None:
        column = EMOTIONS.index(expression)
        readings = [float(moment.prediction.probabilities[column]) for moment in moments]
        probability = float(np.average(readings, weights=[moment.seconds for moment in moments]))
    reasons = Counter(moment.reason for moment in moments)
    return Segment(
        track=track,
        start_s=moments[0].start_s,
        end_s=moments[-1].end_s,
        expression=expression,
        probability=probability,
        reason=reasons.most_common(1)[0][0],
        frames=len(moments),
    )
