"""What a live session comes to, and its files. Every file tells where its figures come from."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata
from typing import Any, Final

import pandas as pd

from fer import quality
from fer.artifacts import served_hash
from fer.live.processor import MAX_GAP_S
from fer.live.recording import PER_S
from fer.live.session import LiveSession
from fer.provenance import NOTE
from fer.types import EMOTIONS, VideoReport
from fer.video.report import format_csv, segments_table
from fer.video.summary import summarize

#: What the report calls its source.
SOURCE: Final = "live camera"

#: Columns of ``live_summary.csv``: one row per person and expression. ``expression`` is empty for
#: the time without a clear one.
SUMMARY_COLUMNS: Final = ("person", "expression", "seconds", "share")

#: Columns that both CSV files carry in every row.
PROVENANCE_COLUMNS: Final = (
    *("model", "model_hash", "detector", "created", "least_confidence", "smoothing_s", "dwell_s"),
    "note",
)

#: Libraries whose versions shape the numbers.
_LIBRARIES: Final = ("ai-edge-litert", "av", "numpy", "opencv-python-headless", "scipy")


def make_report(session: LiveSession) -> VideoReport | None:
    """What the last recording saw, as a report like a video's; None if it saw no picture.

    Args:
        session: whose camera has stopped.
    """
    frames = session.recording.frames() if session.recording is not None else ()
    if not frames or (run := session.run) is None:
        return None
    speed = session.meter.read(0.0)
    return VideoReport(
        source=SOURCE,
        model=run.name,
        model_hash=served_hash(run),
        detector=session.detector,
        frames=frames,
        settings={
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "versions": dict(_versions()),
            **asdict(session.settings),
            "max_gap_s": MAX_GAP_S,
            "kept_per_s": PER_S,
            "frames_received": speed.received,
            "frames_dropped": speed.dropped,
            "small_face_px": quality.SMALL_FACE,
            "blurred_below": quality.BLURRED,
            "turned_above": quality.TURNED,
        },
    )


def summary_table(report: VideoReport) -> pd.DataFrame:
    """Time per expression and person, after the minimum dwell.

    Returns:
        Columns ``SUMMARY_COLUMNS``; the shares of a person add up to 1.
    """
    rows: list[dict[str, Any]] = []
    for track in summarize(report)["tracks"]:
        seen = sum(segment["end_s"] - segment["start_s"] for segment in track["segments"])
        shares = {**track["share"], None: track["share_unclear"]}
        rows += [
            {
                "person": track["track"],
                "expression": expression,
                "seconds": shares[expression] * seen,
                "share": shares[expression],
            }
            for expression in (*EMOTIONS, None)
            if shares.get(expression)
        ]
    kinds = {"person": "Int64", "expression": "string", "seconds": "float64", "share": "float64"}
    return pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS)).astype(kinds)


def summary_csv(report: VideoReport) -> str:
    """``live_summary.csv`` as text: ``SUMMARY_COLUMNS`` and ``PROVENANCE_COLUMNS``."""
    return format_csv(_with_provenance(summary_table(report), report))


def timeline_csv(report: VideoReport) -> str:
    """``live_timeline.csv`` as text: the columns of ``segments.csv`` and ``PROVENANCE_COLUMNS``."""
    return format_csv(_with_provenance(segments_table(report), report))


def _with_provenance(table: pd.DataFrame, report: VideoReport) -> pd.DataFrame:
    known = {
        "model": report.model,
        "model_hash": report.model_hash,
        "detector": report.detector,
        "note": NOTE,
        **report.settings,
    }
    return table.assign(**{column: known[column] for column in PROVENANCE_COLUMNS})


def _versions() -> Iterable[tuple[str, str]]:
    for library in _LIBRARIES:
        with suppress(metadata.PackageNotFoundError):  # other builds have other names
            yield library, metadata.version(library)
