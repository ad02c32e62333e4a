"""What a video comes to: when each face was seen, how it looked and for how long.

Everything here is by time, not by number of frames, and after the minimum dwell of
:mod:`fer.video.segments`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from fer.types import EMOTIONS, VideoReport
from fer.video.frame_log import FrameLog
from fer.video.segments import (
    UNDECIDED,
    Readings,
    Segment,
    find_readings,
    find_segments,
    frame_ends,
)


def summarize(report: VideoReport) -> dict[str, Any]:
    """Sum a video up, ready for JSON; ``assets/report.schema.json`` describes every field.

    Returns:
        The video as a whole, and under ``"tracks"`` each face.
    """
    found = find_readings(report)
    frames = FrameLog.of(report.frames).frames
    ends = frame_ends(frames["time_s"])
    lengths = ends - frames["time_s"]
    without = lengths[frames["faces"] == 0].sum()
    tracks = [_summarize_track(track, readings) for track, readings in found.items()]
    return {
        "frames": len(frames),
        "duration_s": round(float(ends[-1] - frames["time_s"][0]), 3) if len(ends) else 0.0,
        "share_without_face": round(float(without / lengths.sum()), 4) if len(ends) else None,
        **_shares(list(found.values())),
        "changes": sum(track["changes"] for track in tracks),
        "peaks": _highest([{"track": t["track"], **p} for t in tracks for p in t["peaks"]]),
        "tracks": tracks,
    }


def segments_of(report: VideoReport) -> tuple[Segment, ...]:
    """The segments of all tracks, track by track."""
    found = find_readings(report)
    return tuple(s for track, readings in found.items() for s in find_segments(readings, track))


def _summarize_track(track: int, readings: Readings) -> dict[str, Any]:
    segments = find_segments(readings, track)
    return {
        "track": track,
        "first_s": round(float(readings.start_s[0]), 3),
        "last_s": round(float(readings.start_s[-1]), 3),
        "frames": len(readings.frame),
        **_shares([readings]),
        "changes": _changes(segments),
        "peaks": _peaks(readings),
        "segments": [_segment_fields(segment) for segment in segments],
    }


def _shares(faces: Sequence[Readings]) -> dict[str, Any]:
    """Share of the time that faces are seen, by expression, and of the time that none is clear."""
    seconds = np.zeros(len(EMOTIONS) + 1)  # the last one: undecided
    for readings in faces:
        seconds += np.bincount(
            np.where(readings.decision == UNDECIDED, len(EMOTIONS), readings.decision),
            weights=readings.seconds,
            minlength=len(seconds),
        )
    total = seconds.sum()
    *shares, unclear = (seconds / total).tolist() if total else seconds.tolist()
    return {
        "share": {
            label: round(share, 4) for label, share in zip(EMOTIONS, shares, strict=True) if share
        },
        "share_unclear": round(unclear, 4) if total else None,
    }


def _changes(segments: Sequence[Segment]) -> int:
    """How often one expression follows another, stretches without one left out."""
    expressions = [segment.expression for segment in segments if segment.expression]
    return sum(before != after for before, after in pairwise(expressions))


def _peaks(readings: Readings) -> list[dict[str, Any]]:
    """The most probable moment of each expression, the earliest of equals, in label order.

    Only frames count that show what was decided themselves, with nothing against it.
    """
    confidence = readings.probabilities.max(axis=1)
    shown = (readings.probabilities.argmax(axis=1) == readings.decision) & (readings.flags == 0)
    peaks = []
    for decision, label in enumerate(EMOTIONS):
        candidates = np.flatnonzero(shown & (readings.decision == decision))
        if len(candidates):
            at = candidates[confidence[candidates].argmax()]
            peaks.append(
                {
                    "expression": label,
                    "time_s": round(float(readings.start_s[at]), 3),
                    "frame": int(readings.frame[at]),
                    "probability": round(float(confidence[at]), 4),
                }
            )
    return peaks


def _highest(peaks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The most probable peak of each expression, the earliest of equals, in label order."""
    best: dict[str, dict[str, Any]] = {}
    for peak in sorted(peaks, key=lambda peak: (-peak["probability"], peak["time_s"])):
        best.setdefault(peak["expression"], peak)
    return [best[label] for label in EMOTIONS if label in best]


def _segment_fields(segment: Segment) -> dict[str, Any]:
    probability = segment.probability
    return {
        "start_s": round(segment.start_s, 3),
        "end_s": round(segment.end_s, 3),
        "expression": segment.expression,
        "probability": None if probability is None else round(probability, 4),
        "reason": segment.reason,
        "frames": segment.frames,
    }
