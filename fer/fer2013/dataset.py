"""FER2013 from the user's own copy: checked, stored as one compact file, read back as splits.

Votes of FER+ (Barsoum et al. 2016, https://github.com/microsoft/FERPlus) join by row.
"""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fer.errors import DatasetError
from fer.fer2013.sources import Record, read_records
from fer.paths import PROJECT
from fer.types import EMOTIONS, Image, Split

#: Called with the number of pictures read so far.
Progress = Callable[[int], None]

#: The three official parts, and the two that remain where a source does not tell them apart.
TRAINING_SPLITS: Final = ("Training", "train")
TEST_SPLITS: Final = ("PublicTest", "PrivateTest", "test")
VOTE_COLUMNS: Final = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "NF",
)
ROWS: Final = 35_887


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
    return Path(os.environ.get("FER_DATA", PROJECT / "data")) / "fer2013.npz"


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
        on_progress: called with the number of pictures read so far.

    Raises:
        DatasetError: if anything about the source or the target is not as it must be.
    """
    dataset = _assemble(read_records(source), on_progress)
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
        # NumPy leaves a damaged file open that it opened itself.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
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
    manifest = json.loads((PROJECT / "data" / "manifest.json").read_text(encoding="utf-8"))
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


def _assemble(records: Iterable[Record], on_progress: Progress | None) -> Dataset:
    read: list[Record] = []
    for record in records:
        read.append(record)
        if on_progress:
            on_progress(len(read))
    if not read:
        raise DatasetError(
            "No pictures found. Expected train/<expression>/*.png and test/<expression>/*.png."
        )
    # Some downloads number their files otherwise; then the order of reading has to do.
    numbers = [ROWS if record.number is None else record.number for record in read]
    official = len(set(numbers)) == len(numbers) and max(numbers) < ROWS
    rows = np.array(numbers if official else range(len(read)), dtype=np.int64)
    order = np.argsort(rows)
    return Dataset(
        images=np.stack([record.image for record in read])[order],
        labels=np.array([record.label for record in read], dtype=np.int64)[order],
        rows=rows[order],
        splits=np.array([record.split for record in read])[order],
        official_rows=official,
    )


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
    arrays: dict[str, Any] = {
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
