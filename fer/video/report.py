"""What was analysed as files: ``frames.csv``, ``raw.csv``, ``segments.csv``, ``report.json``.

The file names and columns are a contract. Numbers are written with fixed
decimals, so that the same input and settings give the same text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fer.provenance import NOTE
from fer.quality import FLAGS
from fer.types import EMOTIONS, FrameResult, VideoReport
from fer.video.frame_log import FrameLog
from fer.video.segments import find_decisions
from fer.video.summary import segments_of, summarize

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

#: Version of the fields of ``report.json``, described in ``assets/report.schema.json``.
SCHEMA_VERSION: Final = 1

#: Columns of ``videos.csv``. Shares are of the time that faces are seen, over all of them.
VIDEO_COLUMNS: Final = (
    *("file", "frames", "duration_s", "faces", "changes", "share_without_face", "share_unclear"),
    *EMOTIONS,
)

_INTEGERS: Final = ("frame", "frames", "face", "faces", "changes", "track", "x0", "y0", "x1", "y1")
_WORDS: Final = ("file", "label", "quality", "decision", "expression", "reason")

#: So many frames or faces of a video become text at a time.
_PIECE: Final = 2_000

#: What ``quality`` says for every combination of flags; missing where there is none.
_MARKS: Final = np.array(
    [
        ";".join(flag for bit, flag in enumerate(FLAGS) if marks >> bit & 1) or None
        for marks in range(1 << len(FLAGS))
    ]
)


def to_table(report: VideoReport) -> pd.DataFrame:
    """One row per face and frame, and one for a frame without a face.

    Args:
        report: a video that has been analysed.

    Returns:
        Columns ``FRAME_COLUMNS``. ``quality`` holds marks joined by ``;``.
        Empty cells are missing values, of nullable integers too.
    """
    return _rows(FrameLog.of(report.frames), 0, len(report.frames))


def segments_table(report: VideoReport) -> pd.DataFrame:
    """One row per segment, track by track.

    Returns:
        Columns ``SEGMENT_COLUMNS``.
    """
    rows = [
        {**asdict(segment), "reason": segment.reason or None} for segment in segments_of(report)
    ]
    return _typed(pd.DataFrame(rows), SEGMENT_COLUMNS)


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
    return _typed(pd.DataFrame(rows), VIDEO_COLUMNS)


def faces_table(results: Iterable[tuple[str, FrameResult]]) -> pd.DataFrame:
    """One row per face and photo, and one for a photo without a face.

    Args:
        results: name of the file and what was found in it.

    Returns:
        Columns ``PHOTO_COLUMNS``; ``face`` counts from 1 within a file.
    """
    names, found = [], FrameLog()
    for name, result in results:
        names.append(name)
        found.append(result)
    faces = _faces(found.faces)
    faces["face"] = faces.groupby(level=0).cumcount() + 1
    return _typed(pd.DataFrame({"file": names}).join(faces), PHOTO_COLUMNS)


def format_csv(table: pd.DataFrame) -> str:
    """A table as CSV text: four decimals, empty cells where there is nothing.

    File names come from outside: those that a spreadsheet would take for a formula get an
    apostrophe in front, as OWASP advises ("CSV Injection"), and control characters go.
    """
    safe = table.copy(deep=False)
    if "file" in safe:
        names = safe["file"].str.replace(r"[\x00-\x1f\x7f]", " ", regex=True)
        safe["file"] = names.str.replace(r"^(?=\s*[=+\-@|%])", "'", regex=True)
    return str(safe.to_csv(index=False, float_format="%.4f", lineterminator="\n"))


def frames_csv(report: VideoReport) -> Iterator[str]:
    """``frames.csv`` in pieces: as a table, all of a long video would take many times as much."""
    log = FrameLog.of(report.frames)
    return _pieces(len(log), lambda start, stop: _rows(log, start, stop))


def raw_csv(report: VideoReport) -> Iterator[str]:
    """What ``frames.csv`` leaves out, in pieces: one row per face and frame.

    Columns ``RAW_COLUMNS``: decisions, and probabilities before smoothing.
    """
    log = FrameLog.of(report.frames)
    decisions = find_decisions(report)
    return _pieces(len(log.faces), lambda start, stop: _raw_rows(log, decisions, start, stop))


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


def _pieces(count: int, rows: Callable[[int, int], pd.DataFrame]) -> Iterator[str]:
    """CSV text of so many frames or faces, a few thousand at a time; the header once."""
    for start in range(0, max(count, 1), _PIECE):
        text = format_csv(rows(start, min(start + _PIECE, count)))
        yield text.partition("\n")[2] if start else text


def _raw_rows(log: FrameLog, decisions: NDArray[np.int8], start: int, stop: int) -> pd.DataFrame:
    """``RAW_COLUMNS`` of the faces at these positions; a decision for every face of the log."""
    faces = log.faces[start:stop]
    frames = log.frames[faces["frame"]]
    unsmoothed = np.where(np.isnan(faces["raw"]), faces["probabilities"], faces["raw"])
    table = pd.DataFrame(
        {
            "frame": frames["index"],
            "time_s": frames["time_s"],
            "track": _numbers(faces["track"]),
            # -1, undecided, is the last one.
            "decision": np.array([*EMOTIONS, None])[decisions[start:stop]],
            **dict(zip(EMOTIONS, unsmoothed.T.astype(float), strict=True)),
        }
    )
    return _typed(table, RAW_COLUMNS)


def _rows(log: FrameLog, start: int, stop: int) -> pd.DataFrame:
    """``FRAME_COLUMNS`` of the frames at these positions."""
    frames = log.frames[start:stop]
    begin = int(frames["first"][0]) if len(frames) else 0
    faces = _faces(log.faces[begin : begin + int(frames["faces"].sum())])
    about = {"frame": frames["index"], "time_s": frames["time_s"]}
    return _typed(pd.DataFrame(about, pd.RangeIndex(start, stop)).join(faces), FRAME_COLUMNS)


def _faces(faces: NDArray[np.void]) -> pd.DataFrame:
    """``FACE_COLUMNS`` of every face; the index is the row of its frame."""
    return pd.DataFrame(
        {
            "track": _numbers(faces["track"]),
            **dict(zip(("x0", "y0", "x1", "y1"), faces["box"].T, strict=True)),
            "score": faces["score"],
            "label": np.array(EMOTIONS)[faces["probabilities"].argmax(axis=1)],
            "confidence": faces["probabilities"].max(axis=1).astype(float),
            **dict(zip(EMOTIONS, faces["probabilities"].T.astype(float), strict=True)),
            "quality": _MARKS[faces["flags"]],
        },
        index=faces["frame"],
    )


def _numbers(tracks: NDArray[np.int32]) -> pd.arrays.IntegerArray:
    """Numbers of tracks; missing where there is none. No series: a table would align its index."""
    return pd.arrays.IntegerArray(tracks.astype(np.int64), tracks == 0)


def _typed(table: pd.DataFrame, columns: tuple[str, ...]) -> pd.DataFrame:
    """These columns, in this order: whole numbers and words that may be missing, and numbers."""
    kinds = {
        name: "Int64" if name in _INTEGERS else "string" if name in _WORDS else "float64"
        for name in columns
    }
    return table.reindex(columns=list(columns)).reset_index(drop=True).astype(kinds)
