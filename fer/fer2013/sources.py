"""Read the pictures of FER2013 from a user's copy, trusting nothing about it.

Three layouts: a folder or a zip with ``train/<expression>/*.png`` and
``test/<expression>/*.png``, as on Kaggle, or the original ``fer2013.csv``.
A zip is read in memory, never unpacked.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Final, NamedTuple

import numpy as np
from PIL import Image as PillowImage

from fer.errors import DatasetError
from fer.types import EMOTIONS, FACE_SIZE, Image

_OFFICIAL_SPLITS: Final = ("Training", "PublicTest", "PrivateTest")
_PICTURES: Final = {".png", ".jpg", ".jpeg"}
_MAX_PICTURE_BYTES: Final = 1_000_000  # a 48x48 picture takes 2 kB: more is no face of FER2013
#: ``Training_00042``: official split and number, either of which may be missing.
_NAME: Final = re.compile(r"(?:(Training|PublicTest|PrivateTest)_)?0*(\d+)$")


class Record(NamedTuple):
    """One picture: (48, 48) uint8 grey, its label and split, and the number in its name or None."""

    image: Image
    label: int
    split: str
    number: int | None


def read_records(source: Path) -> Iterator[Record]:
    """Read a folder, a zip or ``fer2013.csv`` picture by picture.

    Raises:
        DatasetError: at the first thing that is not as it must be.
    """
    if source.is_dir():
        return _from_pictures(_folder_entries(source))
    if not source.is_file():
        raise DatasetError(f"There is no file or folder {source}.")
    if source.suffix.lower() == ".csv":
        return _from_csv(source)
    return _from_pictures(_zip_entries(source))


def _folder_entries(folder: Path) -> Iterator[tuple[PurePosixPath, Callable[[], bytes]]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield PurePosixPath(path.relative_to(folder).as_posix()), path.read_bytes


def _zip_entries(path: Path) -> Iterator[tuple[PurePosixPath, Callable[[], bytes]]]:
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as exc:
        raise DatasetError(
            f"{path.name} is not a complete zip file. Download it again, or give the folder "
            "or fer2013.csv instead."
        ) from exc
    with archive:
        for info in archive.infolist():
            name = PurePosixPath(info.filename)
            if name.is_absolute() or ".." in name.parts or "\\" in info.filename:
                raise DatasetError(
                    f"{path.name} contains the unsafe path {info.filename!r}: nothing was imported."
                )
            if info.is_dir():
                continue
            if info.file_size > _MAX_PICTURE_BYTES and name.suffix.lower() in _PICTURES:
                raise DatasetError(f"{info.filename} in {path.name} is too large for a 48x48 face.")

            def read(info: zipfile.ZipInfo = info) -> bytes:
                try:
                    return archive.read(info)
                except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as exc:
                    raise DatasetError(
                        f"{path.name} is damaged at {info.filename}. Download it again."
                    ) from exc

            yield name, read


def _from_pictures(
    entries: Iterator[tuple[PurePosixPath, Callable[[], bytes]]],
) -> Iterator[Record]:
    for name, read in entries:
        hidden = any(part.startswith((".", "__MACOSX")) for part in name.parts)
        if hidden or name.suffix.lower() not in _PICTURES:
            continue
        part, label = _place(name)
        stem = _NAME.search(name.stem)
        split = _official_split(name, part, stem.group(1) if stem else None)
        number = int(stem.group(2)) if stem else None
        yield Record(_decode_face(name, read()), label, split, number)


def _place(name: PurePosixPath) -> tuple[str, int]:
    """Read part (train or test) and label from the folders of one picture."""
    if len(name.parts) < 3 or name.parts[-3] not in ("train", "test"):
        raise DatasetError(
            f"{name} is not where it should be: expected train/<expression>/ or test/<expression>/."
        )
    part, expression = name.parts[-3], name.parts[-2]
    if expression not in EMOTIONS:
        raise DatasetError(
            f"The folder {part}/{expression} is no expression of FER2013. Expected: "
            f"{', '.join(EMOTIONS)}."
        )
    return part, EMOTIONS.index(expression)


def _official_split(name: PurePosixPath, part: str, prefix: str | None) -> str:
    if prefix is None:
        return part
    if (prefix == "Training") != (part == "train"):
        raise DatasetError(f"{name} lies in {part}/, but its name says {prefix}.")
    return prefix


def _decode_face(name: PurePosixPath, data: bytes) -> Image:
    try:
        with PillowImage.open(io.BytesIO(data), formats=("PNG", "JPEG")) as picture:
            if picture.size != (FACE_SIZE, FACE_SIZE):
                raise DatasetError(
                    f"{name} is {picture.width}x{picture.height} pixels; FER2013 faces are "
                    f"{FACE_SIZE}x{FACE_SIZE}."
                )
            if picture.mode != "L":
                raise DatasetError(
                    f"{name} is not an 8-bit grey picture (it is {picture.mode}); "
                    "FER2013 faces are grey."
                )
            return np.asarray(picture, dtype=np.uint8)
    except (OSError, SyntaxError, ValueError, PillowImage.DecompressionBombError) as exc:
        raise DatasetError(f"{name} is not a readable PNG or JPEG picture.") from exc


def _from_csv(path: Path) -> Iterator[Record]:
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream)
            if not {"emotion", "pixels", "Usage"} <= set(reader.fieldnames or ()):
                raise DatasetError(
                    f"{path.name} is not fer2013.csv: expected the columns emotion, pixels, Usage."
                )
            for row, record in enumerate(reader):
                image = _parse_pixels(record["pixels"], path, reader.line_num)
                label = _parse_label(record["emotion"], path, reader.line_num)
                if record["Usage"] not in _OFFICIAL_SPLITS:
                    raise DatasetError(
                        f"Line {reader.line_num} of {path.name} has the unknown usage "
                        f"{record['Usage']!r}."
                    )
                yield Record(image, label, record["Usage"], row)
    except (UnicodeDecodeError, csv.Error, OSError) as exc:
        raise DatasetError(f"{path.name} cannot be read as a csv file: {exc}.") from exc


def _parse_pixels(text: str | None, path: Path, line: int) -> Image:
    try:
        pixels = np.array((text or "").split(), dtype=np.uint8)
    except (ValueError, OverflowError) as exc:
        raise DatasetError(f"Line {line} of {path.name} has a pixel that is not 0 to 255.") from exc
    if pixels.size != FACE_SIZE * FACE_SIZE:
        raise DatasetError(
            f"Line {line} of {path.name} has {pixels.size} pixels instead of "
            f"{FACE_SIZE * FACE_SIZE}: the file may be cut off."
        )
    return pixels.reshape(FACE_SIZE, FACE_SIZE)


def _parse_label(text: str | None, path: Path, line: int) -> int:
    if text is None or text not in map(str, range(len(EMOTIONS))):
        raise DatasetError(f"Line {line} of {path.name} has the unknown label {text!r}.")
    return int(text)
