"""FER2013 from the user's own copy: checked, stored as one compact file, read back as splits.

Sources: a folder or zip in the common Kaggle layout (``train/<expression>/*.png``,
``test/<expression>/*.png``) or the original ``fer2013.csv``. Votes of FER+
(Barsoum et al. 2016, https://github.com/microsoft/FERPlus) join by row.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image as PillowImage

from fer.errors import DatasetError
from fer.types import EMOTIONS, FACE_SIZE, Image, Split

Progress = Callable[[int, int | None], None]

#: The three official parts, and the two that remain where a source does not tell them apart.
TRAINING_SPLITS: Final = ("Training", "train")
TEST_SPLITS: Final = ("PublicTest", "PrivateTest", "test")
VOTE_COLUMNS: Final = (
    "neutral", "happiness", "surprise", "sadness", "anger",
    "disgust", "fear", "contempt", "unknown", "NF",
)  # fmt: skip
ROWS: Final = 35_887

_PROJECT = Path(__file__).resolve().parent.parent
_PICTURES: Final = {".png", ".jpg", ".jpeg"}
_MAX_PICTURE_BYTES: Final = 1_000_000  # a 48x48 picture takes 2 kB: more is no face of FER2013
_NAME: Final = re.compile(r"(?:(Training|PublicTest|PrivateTest)_)?0*(\d+)$")


@dataclass(frozen=True, eq=False)
class Dataset:
    """All of FER2013, in the order of its rows.

    Attributes:
        images: (N, 48, 48) uint8, grey.
        labels: (N,) int64, positions in ``EMOTIONS``.
        rows: (N,) int64, row in ``fer2013.csv`` if ``official_rows``, else 0 to N-1.
        splits: (N,) str, from ``TRAINING_SPLITS`` and ``TEST_SPLITS``.
        votes: (N, 10) int64, FER+ votes in the order of ``VOTE_COLUMNS``, all
            zero for an image that FER+ left out; None if they were not imported.
        official_rows: whether the source told the rows.
    """

    images: Image
    labels: NDArray[np.int64]
    rows: NDArray[np.int64]
    splits: NDArray[np.str_]
    votes: NDArray[np.int64] | None = None
    official_rows: bool = True

    def mask(self, part: str) -> NDArray[np.bool_]:
        """Say which images belong to ``"train"``, ``"test"`` or one official split."""
        names = {"train": TRAINING_SPLITS, "test": TEST_SPLITS}.get(part, (part,))
        return np.isin(self.splits, names)

    def split(self, part: str) -> Split:
        """Return ``"train"``, ``"test"`` (all 7,178) or one official split."""
        mask = self.mask(part)
        return Split(self.images[mask], self.labels[mask], self.rows[mask])


def dataset_file() -> Path:
    """Where the imported data set lives: under ``FER_DATA``, else the project's ``data/``."""
    return Path(os.environ.get("FER_DATA", _PROJECT / "data")) / "fer2013.npz"


def import_dataset(
    source: Path,
    ferplus: Path | None = None,
    *,
    target: Path | None = None,
    on_progress: Progress | None = None,
) -> Dataset:
    """Check the user's copy of FER2013 and store it as one file.

    Args:
        source: folder, zip or ``fer2013.csv``.
        ferplus: FER+ votes, keyed by row, or None.
        target: file to write; ``dataset_file()`` by default. An older file stays
            as it is until the new one is complete.
        on_progress: called with pictures read and, where known, their number.

    Raises:
        DatasetError: if anything about the source or the target is not as it must be.
    """
    if source.is_dir():
        dataset = _from_pictures(_folder_entries(source), on_progress)
    elif not source.is_file():
        raise DatasetError(f"There is no file or folder {source}.")
    elif source.suffix.lower() == ".csv":
        dataset = _from_csv(source, on_progress)
    else:
        dataset = _from_pictures(_zip_entries(source), on_progress)
    _check_complete(dataset)
    if ferplus is not None:
        dataset = _join_votes(dataset, ferplus)
    _save(dataset, target or dataset_file())
    return dataset


def load_dataset(path: Path | None = None) -> Dataset:
    """Read the imported data set.

    Raises:
        DatasetError: if it was not imported yet, or is damaged.
    """
    path = path or dataset_file()
    if not path.is_file():
        raise DatasetError(
            "FER2013 is not here yet. Import your copy with: python -m fer data import PATH"
        )
    try:
        with np.load(path, allow_pickle=False) as stored:
            return Dataset(
                images=stored["images"],
                labels=stored["labels"].astype(np.int64),
                rows=stored["rows"].astype(np.int64),
                splits=stored["splits"],
                votes=stored["votes"].astype(np.int64) if "votes" in stored else None,
                official_rows=bool(stored["official_rows"]),
            )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as exc:
        raise DatasetError(f"{path.name} is damaged. Import the data set again.") from exc


def count_table(dataset: Dataset) -> pd.DataFrame:
    """Count images per split and expression, beside the published counts.

    Returns:
        Columns ``split``, ``expression``, ``images``, ``published`` (missing
        where the source does not tell the official splits apart).
    """
    manifest = json.loads((_PROJECT / "data" / "manifest.json").read_text(encoding="utf-8"))
    found = Counter(zip(dataset.splits.tolist(), dataset.labels.tolist(), strict=True))
    records = [
        {
            "split": split,
            "expression": expression,
            "images": found[split, label],
            "published": manifest["counts"].get(split, [None] * len(EMOTIONS))[label],
        }
        for split in (*TRAINING_SPLITS, *TEST_SPLITS)
        if split in dataset.splits
        for label, expression in enumerate(EMOTIONS)
    ]
    return pd.DataFrame(records).astype({"published": "Int64"})


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
    entries: Iterator[tuple[PurePosixPath, Callable[[], bytes]]], on_progress: Progress | None
) -> Dataset:
    images: list[Image] = []
    labels: list[int] = []
    splits: list[str] = []
    numbers: list[int] = []
    for name, read in entries:
        hidden = any(part.startswith((".", "__MACOSX")) for part in name.parts)
        if hidden or name.suffix.lower() not in _PICTURES:
            continue
        part, label = _place(name)
        images.append(_decode_face(name, read()))
        labels.append(label)
        stem = _NAME.search(name.stem)
        splits.append(_official_split(name, part, stem.group(1) if stem else None))
        numbers.append(int(stem.group(2)) if stem else ROWS)
        if on_progress:
            on_progress(len(images), None)
    if not images:
        raise DatasetError(
            "No pictures found. Expected train/<expression>/*.png and test/<expression>/*.png."
        )
    # Some downloads number their files otherwise; then the sorted order has to do.
    official = len(set(numbers)) == len(numbers) and max(numbers) < ROWS
    rows = np.array(numbers if official else range(len(images)), dtype=np.int64)
    order = np.argsort(rows)
    return Dataset(
        images=np.stack(images)[order],
        labels=np.array(labels, dtype=np.int64)[order],
        rows=rows[order],
        splits=np.array(splits)[order],
        official_rows=official,
    )


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


def _from_csv(path: Path, on_progress: Progress | None) -> Dataset:
    images: list[Image] = []
    labels: list[int] = []
    splits: list[str] = []
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream)
            if not {"emotion", "pixels", "Usage"} <= set(reader.fieldnames or ()):
                raise DatasetError(
                    f"{path.name} is not fer2013.csv: expected the columns emotion, pixels, Usage."
                )
            for record in reader:
                images.append(_parse_pixels(record["pixels"], path, reader.line_num))
                labels.append(_parse_label(record["emotion"], path, reader.line_num))
                if record["Usage"] not in ("Training", "PublicTest", "PrivateTest"):
                    raise DatasetError(
                        f"Line {reader.line_num} of {path.name} has the unknown usage "
                        f"{record['Usage']!r}."
                    )
                splits.append(record["Usage"])
                if on_progress:
                    on_progress(len(images), ROWS)
    except (UnicodeDecodeError, csv.Error, OSError) as exc:
        raise DatasetError(f"{path.name} cannot be read as a csv file: {exc}.") from exc
    if not images:
        raise DatasetError(f"{path.name} has no rows.")
    return Dataset(
        images=np.stack(images),
        labels=np.array(labels, dtype=np.int64),
        rows=np.arange(len(images), dtype=np.int64),
        splits=np.array(splits),
    )


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


def _check_complete(dataset: Dataset) -> None:
    for part in ("train", "test"):
        labels = dataset.labels[dataset.mask(part)]
        missing = [name for i, name in enumerate(EMOTIONS) if i not in labels]
        if missing:
            raise DatasetError(f"The {part} part has no pictures of: {', '.join(missing)}.")


def _join_votes(dataset: Dataset, path: Path) -> Dataset:
    """Join FER+ votes: our own layout (``row``, ``votes_*``) or FER+'s ``fer2013new.csv``."""
    if not dataset.official_rows:
        raise DatasetError(
            "FER+ votes join by row, and this copy's file names do not tell the rows. "
            "Use fer2013.csv, or import without the votes."
        )
    try:
        table = pd.read_csv(path)
        table = table.rename(columns={"Usage": "split"} | {f"votes_{c}": c for c in VOTE_COLUMNS})
        if "row" in table:
            table = table.set_index("row")
        matched = table.reindex(dataset.rows)
        votes = matched[list(VOTE_COLUMNS)].fillna(0).to_numpy(dtype=np.int64)
        splits = matched["split"].to_numpy()
    except (OSError, ValueError, KeyError, UnicodeDecodeError) as exc:
        raise DatasetError(f"{path.name} is not a table of FER+ votes: {exc}.") from exc
    official = np.isin(dataset.splits, ("Training", "PublicTest", "PrivateTest"))
    if not np.array_equal(splits[official], dataset.splits[official]):
        raise DatasetError(f"{path.name} does not belong to this data set: its splits differ.")
    return replace(dataset, votes=votes)


def _save(dataset: Dataset, target: Path) -> None:
    arrays = {
        "images": dataset.images,
        "labels": dataset.labels.astype(np.uint8),
        "rows": dataset.rows.astype(np.int32),
        "splits": dataset.splits,
        "official_rows": np.array(dataset.official_rows),
    }
    if dataset.votes is not None:
        arrays["votes"] = dataset.votes.astype(np.uint8)
    temporary: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=target.parent, suffix=".part", delete=False) as stream:
            temporary = Path(stream.name)
            np.savez_compressed(stream, allow_pickle=False, **arrays)
        temporary.replace(target)
    except OSError as exc:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise DatasetError(
            f"The data set could not be written to {target.parent}: {exc.strerror}. "
            "It needs about 70 MB."
        ) from exc
