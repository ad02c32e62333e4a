"""From frames to statements: who looked how, from when to when.

A decision needs a minimum dwell: a reading that does not last leaves the one before
it standing. Stretches that are flagged for as long are segments without an expression.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fer.quality import FLAGS
from fer.types import EMOTIONS, Probabilities, VideoReport
from fer.video.frame_log import FrameLog

#: Seconds that an expression must be seen before it counts. Expressions that people show
#: openly last half a second to four (Ekman 2003, "Emotions Revealed").
DWELL_S: Final = 0.5

#: Why a stretch has no expression, besides the flags of ``quality``: nothing lasted long enough.
BRIEF: Final = "brief"

#: All that ``Readings.reason`` may say.
REASONS: Final = ("", *FLAGS, BRIEF)

#: ``Readings.decision`` where there is none.
UNDECIDED: Final = -1

#: A frame lasts until the next one, at most so many usual steps.
_LONGEST_STEP: Final = 3.0

#: Rounding of times must not decide about a dwell.
_TOLERANCE: Final = 1e-6


@dataclass(frozen=True, eq=False)
class Readings:
    """One face along time: N frames in which it is seen, in order.

    Attributes:
        frame: (N,) numbers of the frames.
        start_s: (N,) times of the frames.
        end_s: (N,) when the next frame comes.
        probabilities: (N, 7), smoothed.
        flags: (N,) what speaks against a frame, as bits in the order of ``quality.FLAGS``.
        decision: (N,) position in ``EMOTIONS`` of the expression after the minimum dwell,
            or ``UNDECIDED``.
        reason: (N,) why there is none, as position in ``REASONS``; 0 where there is one.
    """

    frame: NDArray[np.int64]
    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    probabilities: Probabilities
    flags: NDArray[np.uint8]
    decision: NDArray[np.int8]
    reason: NDArray[np.int8]

    @property
    def seconds(self) -> NDArray[np.float64]:
        """(N,) how long each frame is seen."""
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


def find_readings(report: VideoReport) -> dict[int, Readings]:
    """Decide for every face and frame; by track, in order of time.

    The minimum dwell is the report's setting ``dwell_s``, or ``DWELL_S``.
    """
    log = FrameLog.of(report.frames)
    ends = frame_ends(log.frames["time_s"])
    return {track: _read(log, rows, ends, _dwell(report)) for track, rows in _tracks(log)}


def find_decisions(report: VideoReport) -> NDArray[np.int8]:
    """What ``Readings.decision`` is for every face of the log, in its order."""
    log = FrameLog.of(report.frames)
    ends = frame_ends(log.frames["time_s"])
    decisions = np.full(len(log.faces), UNDECIDED, np.int8)
    for _, rows in _tracks(log):
        decisions[rows], _ = _decide(log, rows, ends, _dwell(report))
    return decisions


def find_segments(readings: Readings, track: int) -> tuple[Segment, ...]:
    """Join neighbouring frames of a track that have the same decision."""
    return tuple(
        _join(readings, track, slice(begin, end)) for begin, end in _runs(readings.decision)
    )


def frame_ends(times: NDArray[np.float64]) -> NDArray[np.float64]:
    """When each frame ends: when the next begins; the last lasts as long as most.

    Where nothing was shown for long the frame before ends after a few usual steps.
    A single picture has no length of its own: it counts as one second.
    """
    if len(times) < 2:
        return times + 1.0
    steps = np.diff(times)
    usual = np.median(steps)
    lengths = np.append(np.minimum(steps, _LONGEST_STEP * usual), usual)
    return np.asarray(times + lengths, np.float64)


def _dwell(report: VideoReport) -> float:
    return float(report.settings.get("dwell_s", DWELL_S))


def _tracks(log: FrameLog) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Every track, with the rows of its faces in order of time."""
    order = np.argsort(log.faces["track"], kind="stable")
    tracks, begins = np.unique(log.faces["track"][order], return_index=True)
    for track, rows in zip(tracks.tolist(), np.split(order, begins)[1:], strict=True):
        if track:
            yield track, rows


def _read(
    log: FrameLog, rows: NDArray[np.int64], ends: NDArray[np.float64], dwell_s: float
) -> Readings:
    decision, reason = _decide(log, rows, ends, dwell_s)
    frames, flags, probabilities = (
        log.faces[name][rows] for name in ("frame", "flags", "probabilities")
    )
    return Readings(
        frame=log.frames["index"][frames],
        start_s=log.frames["time_s"][frames],
        end_s=ends[frames],
        probabilities=probabilities,
        flags=flags,
        decision=decision,
        reason=reason,
    )


def _decide(
    log: FrameLog, rows: NDArray[np.int64], ends: NDArray[np.float64], dwell_s: float
) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """Go through stretches of equal reading; those that last decide, the others follow.

    Returns:
        ``Readings.decision`` and ``Readings.reason``.
    """
    frames, flags = log.faces["frame"][rows], log.faces["flags"][rows]
    reading = log.faces["probabilities"][rows].argmax(axis=1).astype(np.int8)
    reading[flags != 0] = UNDECIDED
    starts = log.frames["time_s"]
    # From which frame on which decision stands, and why there is none.
    since, decisions, reasons = [0], [UNDECIDED], [REASONS.index(BRIEF)]
    for begin, end in _runs(reading):
        if ends[frames[end - 1]] - starts[frames[begin]] >= dwell_s - _TOLERANCE:
            flagged = reading[begin] == UNDECIDED
            since.append(begin)
            decisions.append(int(reading[begin]))
            reasons.append(1 + _most(flags[begin:end]) if flagged else 0)
    lengths = np.diff([*since, len(rows)])
    return (
        np.repeat(np.array(decisions, np.int8), lengths),
        np.repeat(np.array(reasons, np.int8), lengths),
    )


def _most(flags: NDArray[np.uint8]) -> int:
    """Position in ``FLAGS`` of the flag that most frames carry."""
    return int(np.argmax([np.count_nonzero(flags >> bit & 1) for bit in range(len(FLAGS))]))


def _runs(values: NDArray[np.integer]) -> Iterator[tuple[int, int]]:
    """Begin and end of each stretch of equal values."""
    if len(values):
        changes = (np.flatnonzero(np.diff(values)) + 1).tolist()
        yield from zip([0, *changes], [*changes, len(values)], strict=True)


def _join(readings: Readings, track: int, part: slice) -> Segment:
    decision = int(readings.decision[part][0])
    expression = probability = None
    if decision != UNDECIDED:
        expression = EMOTIONS[decision]
        sure = readings.probabilities[part, decision]
        probability = float(np.average(sure, weights=readings.seconds[part]))
    return Segment(
        track=track,
        start_s=float(readings.start_s[part][0]),
        end_s=float(readings.end_s[part][-1]),
        expression=expression,
        probability=probability,
        reason=REASONS[int(np.bincount(readings.reason[part]).argmax())],
        frames=len(readings.frame[part]),
    )
