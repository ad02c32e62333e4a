"""What was analysed as files: ``frames.csv``, ``raw.csv``, ``segments.csv``, ``report.json``.

The file names and columns are a contract. Numbers are written with fixed
decimals, so that the same input and settings give the same text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Final

import pandas as pd

from fer.segments import find_moments
from fer.summary import segments_of, summarize
from fer.types import EMOTIONS, FacePrediction, FrameResult, VideoReport

#: What is said of one face; empty in the row of a picture without a face.
FACE_COLUMNS: Final = (
    *("track", "x0", "y0", "x1", "y1", "score", "label", "confidence"),
    *EMOTIONS,
    "quality",
)

#: Columns of ``frames.csv``.
FRAME_COLUMNS: Final = ("frame", "time_s", *FACE_COLUMNS)

#: Columns of ``raw.csv``: the expression after the minimum dwell, empty where there is none,
#: and the probabilities before smoothing.
RAW_COLUMNS: Final = ("frame", "time_s", "track", "decision", *EMOTIONS)

#: Columns of ``segments.csv``; ``reason`` says why a segment has no expression.
SEGMENT_COLUMNS: Final = (
    *("track", "start_s", "end_s", "expression", "probability", "reason", "frames"),
)

#: Columns of ``faces.csv``.
PHOTO_COLUMNS: Final = ("file", "face", *FACE_COLUMNS)

#: Goes with every report.
NOTE: Final = (
    "Apparent expressions, as a model reads them from pictures: not what people feel, "
    "and not for decisions about people."
)

#: Version of the fields of ``report.json``, described in ``assets/report.schema.json``.
SCHEMA_VERSION: Final = 1

#: Columns of ``videos.csv``. Shares are of the time that faces are seen, over all of them.
VIDEO_COLUMNS: Final = (
    *("file", "frames", "duration_s", "faces", "changes", "share_without_face", "share_unclear"),
    *EMOTIONS,
)

_INTEGERS: Final = ("frame", "frames", "face", "faces", "changes", "track", "x0", "y0", "x1", "y1")
_WORDS: Final = ("file", "label", "quality", "decision", "expression", "reason")


def to_table(report: VideoReport) -> pd.DataFrame:
    """One row per face and frame, and one for a frame without a face.

    Args:
        report: a video that has been analysed.

    Returns:
        Columns ``FRAME_COLUMNS``. ``quality`` holds marks joined by ``;``.
        Empty cells are missing values, of nullable integers too.
    """
    rows: list[dict[str, Any]] = []
    for frame in report.frames:
        about = {"frame": frame.index, "time_s": frame.time_s}
        rows += [about | _face_cells(prediction) for prediction in frame.predictions] or [about]
    return _table(rows, FRAME_COLUMNS)


def raw_table(report: VideoReport) -> pd.DataFrame:
    """What ``to_table`` leaves out: decisions, and probabilities before smoothing.

    Returns:
        Columns ``RAW_COLUMNS``, one row per face and frame.
    """
    decisions = {
        (moment.frame, track): moment.decision
        for track, moments in find_moments(report).items()
        for moment in moments
    }
    rows = [
        {
            "frame": frame.index,
            "time_s": frame.time_s,
            "track": prediction.face.track,
            "decision": decisions.get((frame.index, prediction.face.track or 0)),
            **dict(zip(EMOTIONS, prediction.unsmoothed.tolist(), strict=True)),
        }
        for frame in report.frames
        for prediction in frame.predictions
    ]
    return _table(rows, RAW_COLUMNS)


def segments_table(report: VideoReport) -> pd.DataFrame:
    """One row per segment, track by track.

    Returns:
        Columns ``SEGMENT_COLUMNS``.
    """
    rows = [
        {**asdict(segment), "reason": segment.reason or None} for segment in segments_of(report)
    ]
    return _table(rows, SEGMENT_COLUMNS)


def videos_table(reports: Iterable[VideoReport]) -> pd.DataFrame:
    """One row per video.

    Returns:
        Columns ``VIDEO_COLUMNS``.
    """
    rows = []
    for report in reports:
        summary = summarize(report)
        shares = summary.pop("share") if summary["tracks"] else dict.fromkeys(EMOTIONS)
        whole = {"file": report.source, "faces": len(summary["tracks"])}
        rows.append(dict.fromkeys(EMOTIONS, 0.0) | shares | summary | whole)
    return _table(rows, VIDEO_COLUMNS)


def faces_table(results: Iterable[tuple[str, FrameResult]]) -> pd.DataFrame:
    """One row per face and photo, and one for a photo without a face.

    Args:
        results: name of the file and what was found in it.

    Returns:
        Columns ``PHOTO_COLUMNS``; ``face`` counts from 1 within a file.
    """
    rows: list[dict[str, Any]] = []
    for name, result in results:
        rows += [
            {"file": name, "face": number} | _face_cells(prediction)
            for number, prediction in enumerate(result.predictions, start=1)
        ] or [{"file": name}]
    return _table(rows, PHOTO_COLUMNS)


def format_csv(table: pd.DataFrame) -> str:
    """A table as CSV text: four decimals, empty cells where there is nothing."""
    return str(table.to_csv(index=False, float_format="%.4f", lineterminator="\n"))


def write_csv(report: VideoReport) -> str:
    """``frames.csv`` as text."""
    return format_csv(to_table(report))


def to_json(report: VideoReport) -> str:
    """``report.json`` as text: what was analysed and how, and a summary per track.

    Raises:
        ValueError: if the settings hold something that JSON cannot.
    """
    settings = dict(report.settings)
    content = {
        "schema": SCHEMA_VERSION,
        "note": NOTE,
        "source": report.source,
        "model": report.model,
        "model_hash": report.model_hash,
        "detector": report.detector,
        "created": settings.pop("created", None),
        "versions": settings.pop("versions", {}),
        "settings": settings,
        **summarize(report),
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _face_cells(prediction: FacePrediction) -> dict[str, Any]:
    face = prediction.face
    return {
        "track": face.track,
        **dict(zip(("x0", "y0", "x1", "y1"), face.box, strict=True)),
        "score": face.score,
        "label": prediction.label,
        "confidence": prediction.confidence,
        **dict(zip(EMOTIONS, prediction.probabilities.tolist(), strict=True)),
        "quality": ";".join(prediction.quality) or None,
    }


def _table(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=list(columns))
    kinds = {
        name: "Int64" if name in _INTEGERS else "string" if name in _WORDS else "float64"
        for name in columns
    }
    return table.astype(kinds)
