"""Files that come of reading photos: the pictures, ``faces.csv`` and ``report.json``."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any, BinaryIO, Final, NamedTuple

import PIL.Image
from PIL.PngImagePlugin import PngInfo

from fer import quality
from fer.artifacts import served_hash
from fer.photo.analysis import PhotoResult, PhotoSettings
from fer.pipeline import Analyzer
from fer.provenance import NOTE, versions
from fer.types import EMOTIONS, FacePrediction, Image
from fer.video.report import faces_table, format_csv

FACES: Final = "faces.csv"
REPORT: Final = "report.json"

#: Folder of the pictures.
ANNOTATED: Final = "annotated"

#: Version of the fields of ``report.json``.
SCHEMA_VERSION: Final = 1

#: Libraries whose versions shape the numbers.
_LIBRARIES: Final = (
    *("ai-edge-litert", "numpy", "opencv-python-headless", "pillow", "pillow-heif"),
)

#: Zips of the same content are the same, whenever they are made.
_TIMESTAMP: Final = (1980, 1, 1, 0, 0, 0)

#: Photos in these formats stay without loss; what cameras write becomes a JPEG.
_LOSSLESS: Final = (".png", ".bmp", ".gif", ".tif", ".tiff")

#: JPEG quality of the pictures: no loss that is seen.
_QUALITY: Final = 92


@dataclass(frozen=True)
class Provenance:
    """What read the photos.

    Attributes:
        model: name of the run.
        model_hash: SHA-256 of its serving file.
        detector: name of the face detector.
        created: when, ISO 8601 in UTC.
    """

    model: str
    model_hash: str
    detector: str
    created: str

    @classmethod
    def now(cls, analyzer: Analyzer) -> Provenance:
        """What an analyser reads with, now."""
        run = analyzer.classifier.run
        return cls(
            model=run.name,
            model_hash=served_hash(run),
            detector=analyzer.detector.name,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
        )


class Entry(NamedTuple):
    """A photo and what became of it.

    Attributes:
        photo: what was read.
        picture: name of its picture, from ``picture_names``.
        keep: numbers of the faces that are not blurred there.
    """

    photo: PhotoResult
    picture: str
    keep: Collection[int] = ()


def distinct(names: Iterable[str]) -> list[str]:
    """Tell names apart that occur several times: ``a.jpg``, ``a (2).jpg``."""
    chosen: list[str] = []
    taken: set[str] = set()
    for name in names:
        stem, dot, ending = name.rpartition(".")
        candidate, number = name, 1
        while candidate.lower() in taken:
            number += 1
            candidate = f"{stem} ({number}).{ending}" if dot else f"{name} ({number})"
        taken.add(candidate.lower())
        chosen.append(candidate)
    return chosen


def picture_names(names: Iterable[str]) -> list[str]:
    """Choose names for the pictures: no folders, nothing unreadable, no name twice.

    Args:
        names: of the photos, in their order.

    Returns:
        A name ending in ``.jpg`` or ``.png`` for each.
    """
    return distinct(_picture_name(PurePath(name.replace("\\", "/"))) for name in names)


def _picture_name(path: PurePath) -> str:
    stem = re.sub(r"[^\w .()+-]", "_", path.stem).strip(" .") or "photo"
    return stem[:100] + (".png" if path.suffix.lower() in _LOSSLESS else ".jpg")


def encode_picture(image: Image, name: str, provenance: Provenance) -> bytes:
    """Encode a picture, with what made it written inside.

    Args:
        image: RGB uint8 (H, W, 3).
        name: its ending says the format: ``.jpg`` or ``.png``.
        provenance: what read it.
    """
    words = f"{NOTE} Model {provenance.model} ({provenance.model_hash}), {provenance.created}."
    picture, target = PIL.Image.fromarray(image), io.BytesIO()
    if name.endswith(".png"):
        about = PngInfo()
        about.add_text("Comment", words)
        picture.save(target, "PNG", pnginfo=about)
    else:
        picture.save(target, "JPEG", quality=_QUALITY, comment=words)
    return target.getvalue()


def make_tables(
    entries: Sequence[Entry], provenance: Provenance, settings: PhotoSettings
) -> dict[str, str]:
    """Name and content of ``faces.csv`` and ``report.json``.

    Args:
        entries: what was read, and what became of it.
        provenance: what read it.
        settings: how.
    """
    content = {
        "schema": SCHEMA_VERSION,
        "note": NOTE,
        **asdict(provenance),
        "versions": versions(_LIBRARIES),
        "settings": {
            **asdict(settings),
            "small_face_px": quality.SMALL_FACE,
            "blurred_below": quality.BLURRED,
            "turned_above": quality.TURNED,
        },
        "photos": [_describe(entry, settings) for entry in entries],
    }
    faces = faces_table((entry.photo.name, entry.photo.result) for entry in entries)
    return {
        FACES: format_csv(faces),
        REPORT: json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n",
    }


def write_zip(
    target: BinaryIO, tables: Mapping[str, str], pictures: Iterable[tuple[str, bytes]]
) -> None:
    """Write everything into one zip.

    Args:
        target: where to.
        tables: from ``make_tables``.
        pictures: name and content of each; they are taken one by one.
    """
    with zipfile.ZipFile(target, "w") as archive:
        for name, text in tables.items():
            archive.writestr(_zipped(name, zipfile.ZIP_DEFLATED), text)
        for name, data in pictures:
            archive.writestr(_zipped(f"{ANNOTATED}/{name}", zipfile.ZIP_STORED), data)


def _describe(entry: Entry, settings: PhotoSettings) -> dict[str, Any]:
    result = entry.photo.result
    return {
        "file": entry.photo.name,
        "picture": f"{ANNOTATED}/{entry.picture}",
        "width": result.width,
        "height": result.height,
        "notes": entry.photo.notes,
        "not_blurred": sorted(entry.keep) if settings.blurred else None,
        "faces": [_face(person, settings.least_confidence) for person in result.predictions],
    }


def _face(person: FacePrediction, least: float) -> dict[str, Any]:
    return {
        "face": person.face.track,
        "box": person.face.box,
        "score": round(person.face.score, 4),
        "looks": person.label,
        "confidence": round(person.confidence, 4),
        "unsure": person.confidence < least,
        "probabilities": {
            name: round(float(p), 4) for name, p in zip(EMOTIONS, person.probabilities, strict=True)
        },
        "quality": person.quality,
    }


def _zipped(name: str, how: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _TIMESTAMP)
    entry.compress_type = how
    entry.external_attr = 0o644 << 16
    return entry
