"""Facts about FER2013 that the app shows without having it: small files made from the data set.

``python -m fer data audit --write`` makes them; ``python -m fer evaluate`` checks them. They
hold counts, labels and averages over thousands of faces, never anybody's picture.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image as PillowImage

from fer.artifacts import write_text
from fer.errors import DatasetError
from fer.fer2013 import ferplus
from fer.fer2013.dataset import Dataset, count_table
from fer.fer2013.duplicates import audit, exact_groups, has_twin
from fer.paths import PROJECT
from fer.types import EMOTIONS, Image

#: The committed folder.
FOLDER: Final = PROJECT / "data" / "facts"

DATASET: Final = "dataset.json"
TEST_ROWS: Final = "test_rows.csv"
MEAN_FACES: Final = "mean_faces.png"

_RESTORE: Final = "Restore it, or make it anew with: python -m fer data audit --write"


def describe(dataset: Dataset) -> dict[str, Any]:
    """Count what the pages tell about the data set.

    Returns:
        Ready for JSON: ``counts`` per split and expression; ``audit``, the fields of
        ``DuplicateAudit``; ``conflicts``, (7, 7) how many groups of byte-identical images
        carry both labels; and from FER+, None without its votes: ``ferplus``, how many
        training and test images of each FER2013 label have which crowd label, and
        ``vote_shares``, see ``ferplus.vote_shares``, of the test images.
    """
    counts = count_table(dataset)[["split", "expression", "images"]]
    facts: dict[str, Any] = {
        "counts": counts.to_dict("records"),
        "audit": asdict(audit(dataset)),
        "conflicts": conflicts(exact_groups(dataset.images), dataset.labels).tolist(),
        "ferplus": None,
        "vote_shares": None,
    }
    if dataset.votes is not None:
        names = pd.Series(np.array(EMOTIONS)[dataset.labels], name="label")
        crowd = pd.Series(ferplus.majority(dataset.votes), name="ferplus")
        table = pd.crosstab(names, crowd).reindex(
            index=list(EMOTIONS), columns=[*EMOTIONS, *ferplus.NO_LABEL], fill_value=0
        )
        facts["ferplus"] = table.to_dict("split", index=True)
        test = dataset.mask("test")
        shares = ferplus.vote_shares(dataset.votes[test], dataset.labels[test])
        facts["vote_shares"] = shares.round(6).tolist()
    return facts


def conflicts(groups: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count groups that hold each pair of labels.

    Args:
        groups: (N,) group of each image.
        labels: (N,) positions in ``EMOTIONS``.

    Returns:
        (7, 7) symmetric, with a zero diagonal.
    """
    kinds = pd.crosstab(groups, labels).reindex(columns=range(len(EMOTIONS)), fill_value=0)
    holds = (kinds.to_numpy() > 0).astype(np.int64)
    holds = holds[holds.sum(axis=1) > 1]
    together: NDArray[np.int64] = holds.T @ holds
    np.fill_diagonal(together, 0)
    return together


def describe_test_rows(dataset: Dataset) -> pd.DataFrame:
    """Tell of each test image its ``row``, whether it has a training ``twin``, and ``ferplus``.

    A twin is 0 or 1; the last is the crowd's label, or why there is none.
    """
    test = dataset.split("test")
    votes = np.zeros((len(test), len(ferplus.ANSWERS)), dtype=np.int64)
    if dataset.votes is not None:
        votes = dataset.votes[dataset.mask("test")]
    twins = has_twin(dataset.split("train"), test).astype(np.int64)
    return pd.DataFrame({"row": test.rows, "twin": twins, "ferplus": ferplus.majority(votes)})


def mean_faces(dataset: Dataset) -> Image:
    """Average the training faces of each expression: (7, 48, 48)."""
    train = dataset.split("train")
    means = [train.images[train.labels == i].mean(axis=0) for i in range(len(EMOTIONS))]
    return np.stack(means).round().astype(np.uint8)


def write(dataset: Dataset, folder: Path = FOLDER) -> None:
    """Write all facts about the imported data set."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / DATASET, json.dumps(describe(dataset), indent=1) + "\n")
    describe_test_rows(dataset).to_csv(folder / TEST_ROWS, index=False, lineterminator="\n")
    # Side by side in one small picture.
    strip = np.concatenate(list(mean_faces(dataset)), axis=1)
    PillowImage.fromarray(strip).save(folder / MEAN_FACES, optimize=True)


def compare(dataset: Dataset, folder: Path = FOLDER) -> list[str]:
    """Name each committed fact that the data set contradicts, in a sentence."""
    committed, found = read(folder), json.loads(json.dumps(describe(dataset)))
    problems = [
        f"{DATASET} gives other {name} than this data set."
        for name in found
        if committed.get(name) != found[name]
    ]
    if not read_test_rows(folder).equals(describe_test_rows(dataset).astype({"ferplus": "str"})):
        problems.append(f"{TEST_ROWS} is not what this data set's test images are.")
    if not np.array_equal(read_mean_faces(folder), mean_faces(dataset)):
        problems.append(f"{MEAN_FACES} is not the mean of this data set's faces.")
    return problems


def read(folder: Path = FOLDER) -> dict[str, Any]:
    """Read what ``describe`` found.

    Raises:
        DatasetError: if the file is missing or damaged.
    """
    try:
        facts: dict[str, Any] = json.loads((folder / DATASET).read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise DatasetError(f"data/facts/{DATASET} cannot be read. {_RESTORE}") from exc
    return facts


def read_test_rows(folder: Path = FOLDER) -> pd.DataFrame:
    """Read what ``describe_test_rows`` found.

    Raises:
        DatasetError: if the file is missing or damaged.
    """
    try:
        return pd.read_csv(folder / TEST_ROWS, dtype={"ferplus": "str"})
    except (OSError, ValueError) as exc:
        raise DatasetError(f"data/facts/{TEST_ROWS} cannot be read. {_RESTORE}") from exc


def read_mean_faces(folder: Path = FOLDER) -> Image:
    """Read what ``mean_faces`` found: (7, 48, 48).

    Raises:
        DatasetError: if the file is missing or damaged.
    """
    try:
        with PillowImage.open(folder / MEAN_FACES, formats=("PNG",)) as picture:
            strip = np.asarray(picture, dtype=np.uint8)
        return np.stack(np.split(strip, len(EMOTIONS), axis=1))
    except (OSError, SyntaxError, ValueError) as exc:
        raise DatasetError(f"data/facts/{MEAN_FACES} cannot be read. {_RESTORE}") from exc
