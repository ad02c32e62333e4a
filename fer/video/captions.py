"""Captions for the annotated video: who looks how, as WebVTT (W3C)."""

from __future__ import annotations

from fer.provenance import NOTE
from fer.types import VideoReport
from fer.video.summary import segments_of


def to_webvtt(report: VideoReport) -> str:
    """Write one cue per decided segment, timed for the annotated video.

    The annotated video begins with the first analysed frame, so cues do too.
    Cues of several faces may overlap: players stack them.
    """
    origin = report.frames[0].time_s if report.frames else 0.0
    decided = [segment for segment in segments_of(report) if segment.expression]
    cues = [
        f"{_clock(segment.start_s - origin)} --> {_clock(segment.end_s - origin)}\n"
        f"#{segment.track} looks {segment.expression} ({segment.probability:.0%})\n"
        for segment in sorted(decided, key=lambda segment: (segment.start_s, segment.track))
    ]
    return "\n".join(["WEBVTT\n", f"NOTE {NOTE}\n", *cues])


def _clock(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}"
