"""Tables and summaries of what was analysed: ``frames.csv``, ``faces.csv``, ``report.json``.

The file names and columns are a contract. Numbers are written with fixed
decimals, so that the same input and settings give the same text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import pandas as pd

from fer.types import EMOTIONS, FacePrediction, FrameResult, VideoReport

#: What is said of one face; empty in the row of a picture without a face.
FACE_COLUMNS: Final = (
    *("track", "x0", "y0", "x1", "y1", "score", "label", "confidence"),
    *EMOTIONS,
    "quality",
)

#: Columns of ``frames.csv``.
FRAME_COLUMNS: Final = ("frame", "time_s", *FACE_COLUMNS)

#: Columns of ``faces.csv``.
PHOTO_COLUMNS: Final = ("file", "face", *FACE_COLUMNS)

#: Goes with every report.
NOTE: Final = (
    "Apparent expressions, as a model reads them from pictures: not what people feel, "
    "and not for decisions about people."
)

_INTEGERS: Final = ("frame", "face", "track", "x0", "y0", "x1", "y1")
_WORDS: Final = ("file", "label", "quality")


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
        rows += [about | _face_cells(p) for p in frame.predictions] or [about]
    return _table(rows, FRAME_COLUMNS)


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


def summarize(report: VideoReport) -> dict[str, Any]:
    """How often which expression was seen, by time and not by number of frames.

    Returns:
        ``frames``, ``share_without_face`` (0 to 1), and per track ``track``,
        ``first_s``, ``last_s``, ``frames`` and ``share``: the share of the time
        that the face was seen, by expression.
    """
    durations = _durations(report.frames)
    total = sum(durations)
    without = sum(d for f, d in zip(report.frames, durations, strict=True) if not f.predictions)
    seen: dict[int, list[tuple[float, float, str]]] = {}  # track -> (time, duration, label)
    for frame, duration in zip(report.frames, durations, strict=True):
        for prediction in frame.predictions:
            if prediction.face.track is not None:
                moment = (frame.time_s, duration, prediction.label)
                seen.setdefault(prediction.face.track, []).append(moment)
    return {
        "frames": len(report.frames),
        "share_without_face": round(without / total, 4) if total else None,
        "tracks": [_summarize_track(number, seen[number]) for number in sorted(seen)],
    }


def _summarize_track(number: int, moments: list[tuple[float, float, str]]) -> dict[str, Any]:
    total = sum(duration for _, duration, _ in moments)
    by_label = dict.fromkeys(EMOTIONS, 0.0)
    for _, duration, label in moments:
        by_label[label] += duration
    return {
        "track": number,
        "first_s": round(moments[0][0], 3),
        "last_s": round(moments[-1][0], 3),
        "frames": len(moments),
        "share": {label: round(time / total, 4) for label, time in by_label.items() if time},
    }


def _durations(frames: tuple[FrameResult, ...]) -> list[float]:
    """Seconds that each frame is shown, as weights: until the next; the last as long as most."""
    if not frames:
        return []
    gaps = np.diff([frame.time_s for frame in frames])
    # A single picture has no duration of its own: it counts as one unit.
    last = float(np.median(gaps)) if len(gaps) else 1.0
    return [*gaps.tolist(), last]


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
