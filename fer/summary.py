"""What a video comes to: when each face was seen, how it looked and for how long.

Everything here is by time, not by number of frames, and after the minimum dwell of
:mod:`fer.segments`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from fer.segments import Moment, Segment, find_moments, find_segments, frame_ends
from fer.types import EMOTIONS, VideoReport


def summarize(report: VideoReport) -> dict[str, Any]:
    """Sum a video up, ready for JSON; ``assets/report.schema.json`` describes every field.

    Returns:
        The video as a whole, and under ``"tracks"`` each face.
    """
    moments = find_moments(report)
    ends = frame_ends(report.frames)
    lengths = [end - frame.time_s for frame, end in zip(report.frames, ends, strict=True)]
    without = sum(d for f, d in zip(report.frames, lengths, strict=True) if not f.predictions)
    tracks = [_summarize_track(track, seen) for track, seen in moments.items()]
    return {
        "frames": len(report.frames),
        "duration_s": round(ends[-1] - report.frames[0].time_s, 3) if ends else 0.0,
        "share_without_face": round(without / sum(lengths), 4) if lengths else None,
        **_shares([moment for seen in moments.values() for moment in seen]),
        "changes": sum(track["changes"] for track in tracks),
        "peaks": _highest([{"track": t["track"], **p} for t in tracks for p in t["peaks"]]),
        "tracks": tracks,
    }


def segments_of(report: VideoReport) -> tuple[Segment, ...]:
    """The segments of all tracks, track by track."""
    found = find_moments(report)
    return tuple(s for track, seen in found.items() for s in find_segments(seen, track))


def _summarize_track(track: int, moments: Sequence[Moment]) -> dict[str, Any]:
    segments = find_segments(moments, track)
    return {
        "track": track,
        "first_s": round(moments[0].start_s, 3),
        "last_s": round(moments[-1].start_s, 3),
        "frames": len(moments),
        **_shares(moments),
        "changes": _changes(segments),
        "peaks": _highest([_peak(m) for m in moments if _shows_decision(m)]),
        "segments": [_segment_fields(segment) for segment in segments],
    }


def _shares(moments: Sequence[Moment]) -> dict[str, Any]:
    """Share of the time that faces are seen, by expression, and of the time that none is clear."""
    total = sum(moment.seconds for moment in moments)
    seconds = dict.fromkeys((*EMOTIONS, None), 0.0)
    for moment in moments:
        seconds[moment.decision] += moment.seconds
    unclear = seconds.pop(None)
    return {
        "share": {label: round(time / total, 4) for label, time in seconds.items() if time},
        "share_unclear": round(unclear / total, 4) if total else None,
    }


def _changes(segments: Sequence[Segment]) -> int:
    """How often one expression follows another, stretches without one left out."""
    expressions = [segment.expression for segment in segments if segment.expression]
    return sum(before != after for before, after in pairwise(expressions))


def _shows_decision(moment: Moment) -> bool:
    """Whether the frame itself shows what was decided, with nothing against it."""
    prediction = moment.prediction
    return prediction.label == moment.decision and not prediction.quality


def _peak(moment: Moment) -> dict[str, Any]:
    return {
        "expression": moment.decision,
        "time_s": round(moment.start_s, 3),
        "frame": moment.frame,
        "probability": moment.prediction.confidence,
    }


def _highest(peaks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The most probable moment of each expression, the earliest of equals, in label order."""
    best: dict[str, dict[str, Any]] = {}
    for peak in peaks:
        known = best.get(peak["expression"])
        if known is None or peak["probability"] > known["probability"]:
            best[peak["expression"]] = peak
    return [
        {**best[label], "probability": round(best[label]["probability"], 4)}
        for label in EMOTIONS
        if label in best
    ]


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
