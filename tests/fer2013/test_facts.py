from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from fer.errors import DatasetError
from fer.fer2013 import facts
from fer.fer2013.dataset import Dataset
from fer.paths import PROJECT
from fer.types import EMOTIONS
from tests.tiny_fer2013 import tiny_dataset


@pytest.fixture
def dataset() -> Dataset:
    """A tiny data set with votes; one test image repeats a training image of another label."""
    made = tiny_dataset()
    test = int(np.flatnonzero(made.mask("test"))[0])
    made.images[test] = made.images[4]
    assert made.labels[test] != made.labels[4]
    votes = np.zeros((len(made.labels), 10), np.int64)
    votes[:, 1] = 6  # everybody looks happy to the crowd
    votes[:, 0] = 4
    votes[test, 0] = 6
    return dataclasses.replace(made, votes=votes)


def test_facts_of_a_known_data_set(dataset: Dataset) -> None:
    found = facts.describe(dataset)
    assert sum(row["images"] for row in found["counts"]) == len(dataset.labels)
    assert found["audit"]["test_twins"] == 1
    assert found["audit"]["test_twins_conflicting"] == 1
    conflicts = np.array(found["conflicts"])
    assert conflicts.sum() == 2  # one pair, told from both sides
    assert conflicts[dataset.labels[4], dataset.labels[dataset.mask("test")][0]] == 1
    crowd = np.array(found["ferplus"]["data"])
    assert crowd.sum() == len(dataset.labels)
    assert crowd[:, found["ferplus"]["columns"].index("happy")].sum() == len(dataset.labels) - 1
    assert found["ferplus"]["index"] == list(EMOTIONS)


def test_what_is_known_of_test_rows(dataset: Dataset) -> None:
    table = facts.describe_test_rows(dataset)
    assert table["row"].tolist() == dataset.split("test").rows.tolist()
    assert table["twin"].tolist() == [1] + [0] * 13
    assert table["ferplus"].tolist() == ["tie"] + ["happy"] * 13


def test_without_votes_nothing_is_claimed_of_the_crowd(dataset: Dataset) -> None:
    alone = dataclasses.replace(dataset, votes=None)
    assert facts.describe(alone)["ferplus"] is None
    assert set(facts.describe_test_rows(alone)["ferplus"]) == {"no votes"}


def test_a_mean_face_is_the_mean(dataset: Dataset) -> None:
    train = dataset.split("train")
    expected = train.images[train.labels == 3].mean(axis=0)
    assert np.abs(facts.mean_faces(dataset)[3] - expected).max() <= 0.5


def test_written_facts_are_read_back_and_compared(dataset: Dataset, tmp_path: Path) -> None:
    facts.write(dataset, tmp_path)
    assert facts.compare(dataset, tmp_path) == []
    assert np.array_equal(facts.read_mean_faces(tmp_path), facts.mean_faces(dataset))
    other = dataclasses.replace(dataset, votes=None)
    problems = facts.compare(other, tmp_path)
    assert any("ferplus" in problem for problem in problems)
    assert any(facts.TEST_ROWS in problem for problem in problems)


@pytest.mark.parametrize(
    ("file", "read"),
    [
        (facts.DATASET, facts.read),
        (facts.TEST_ROWS, facts.read_test_rows),
        (facts.MEAN_FACES, facts.read_mean_faces),
    ],
)
def test_missing_and_damaged_facts_are_named(
    file: str,
    read: object,
    dataset: Dataset,
    tmp_path: Path,
) -> None:
    assert callable(read)
    with pytest.raises(DatasetError, match=file):
        read(tmp_path)
    facts.write(dataset, tmp_path)
    (tmp_path / file).write_bytes(b"" if file.endswith("csv") else b"\x00junk")
    with pytest.raises(DatasetError, match="data audit --write"):
        read(tmp_path)


def test_the_committed_facts_are_those_that_are_published() -> None:
    audit = facts.read()["audit"]
    assert (audit["test_twins"], audit["test_twins_conflicting"]) == (572, 18)
    assert audit["exact_groups"] == 1514
    rows = facts.read_test_rows()
    assert len(rows) == 7178
    assert rows["twin"].sum() == 572
    manifest = PROJECT / "data" / "manifest.json"
    published = json.loads(manifest.read_text(encoding="utf-8"))["counts"]
    found = [row["images"] for row in facts.read()["counts"]]
    assert found == [number for split in published.values() for number in split]


def test_the_committed_facts_agree_with_the_data_set(fer2013: Dataset) -> None:
    rows = facts.describe_test_rows(fer2013)
    committed = facts.read_test_rows()
    assert committed[["row", "twin"]].equals(rows[["row", "twin"]])
    assert np.array_equal(facts.read_mean_faces(), facts.mean_faces(fer2013))
