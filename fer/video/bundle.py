"""Everything that an analysis leaves, as files: each alone, or in one zip."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, BinaryIO, Final

from fer.memory import give_back
from fer.types import VideoReport
from fer.video.captions import to_webvtt
from fer.video.moments import Moments, key_moments
from fer.video.report import format_csv, frames_csv, raw_csv, segments_table, to_json
from fer.video.timeline_picture import draw_timeline

ANNOTATED: Final = "annotated.mp4"

#: Zips of the same content are the same, whenever they are made.
_TIMESTAMP: Final = (1980, 1, 1, 0, 0, 0)

#: Compressed already.
_STORED: Final = (".mp4", ".png", ".jpg")


def make_parts(report: VideoReport, moments: Moments) -> Iterator[tuple[str, Iterable[bytes]]]:
    """Name and content of every file but the annotated video, one after another.

    Those of a long video are large: none is made before it is asked for, and its content
    comes in pieces.
    """
    yield "frames.csv", map(str.encode, frames_csv(report))
    yield "raw.csv", map(str.encode, raw_csv(report))
    give_back()
    yield "segments.csv", [format_csv(segments_table(report)).encode()]
    yield "captions.vtt", [to_webvtt(report).encode()]
    yield "report.json", [to_json(report).encode()]
    yield "timeline.png", [draw_timeline(report)]
    for moment in key_moments(report, moments):
        yield moment.file_name, [moment.jpeg]


def write_zip(
    target: BinaryIO, parts: Iterable[tuple[str, Iterable[bytes]]], annotated: Path | bytes
) -> None:
    """Write everything into one zip.

    Args:
        target: where to.
        parts: names, and contents in pieces, from ``make_parts``.
        annotated: the annotated video; a file is copied without being read whole.
    """
    with zipfile.ZipFile(target, "w") as archive:
        for name, pieces in parts:
            with _entry(archive, name) as entry:
                entry.writelines(pieces)
        with _entry(archive, ANNOTATED) as entry:
            if isinstance(annotated, bytes):
                entry.write(annotated)
                return
            with annotated.open("rb") as source:
                shutil.copyfileobj(source, entry)


def _entry(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    """A new file in a zip, however large it becomes."""
    entry = zipfile.ZipInfo(name, _TIMESTAMP)
    stored = name.endswith(_STORED)
    entry.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return archive.open(entry, "w", force_zip64=True)
