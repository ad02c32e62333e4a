from __future__ import annotations

import dataclasses

import numpy as np

from fer.fer2013.dataset import Dataset
from fer.fer2013.duplicates import (
    audit,
    exact_groups,
    has_twin,
    near_groups,
    validation_slice,
)
from tests.tiny_fer2013 import tiny_dataset


def _faces(number: int, seed: int = 0) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(seed).integers(0, 256, (number, 48, 48), dtype=np.uint8)


def test_groups_of_exact_and_near_duplicates() -> None:
    faces = _faces(6)
    faces[3] = faces[1]
    faces[4] = np.clip(faces[2].astype(int) // 2 + 30, 0, 255)  # darker and flatter: still the same
    exact, near = exact_groups(faces), near_groups(faces)
    assert exact[3] == exact[1]
    assert len(set(exact)) == 5
    assert near[3] == near[1]
    assert near[4] == near[2]
    assert len(set(near)) == 4


def test_evenly_grey_images_are_alike_only_if_identical() -> None:
    faces = np.stack([np.full((48, 48), level, np.uint8) for level in (0, 0, 90)])
    near = near_groups(faces)
    assert near[0] == near[1] != near[2]


def test_audit_counts_twins_and_conflicts() -> None:
    dataset = tiny_dataset(per_class=3)
    images = _faces(len(dataset.images))
    images[21] = images[0]  # PublicTest, angry: twin in training with the same label
    images[22] = images[0]  # PublicTest, disgust: twin with another label
    images[5] = images[4]  # both training, both disgust
    found = audit(dataclasses.replace(dataset, images=images))
    assert (found.exact_groups, found.exact_images, found.exact_conflicts) == (2, 5, 1)
    assert (found.near_groups, found.near_images, found.near_conflicts) == (2, 5, 1)
    assert (found.test_twins, found.test_twins_conflicting, found.test_near) == (2, 1, 2)


def test_the_validation_slice_keeps_duplicates_together() -> None:
    dataset = tiny_dataset(per_class=20)
    train = dataset.split("train")
    train.images[:] = _faces(len(train))
    train.images[1::2] = train.images[::2]  # everything twice
    mask = validation_slice(train, parts=5)
    np.testing.assert_array_equal(mask[::2], mask[1::2])
    np.testing.assert_array_equal(np.bincount(train.labels[mask]), np.full(7, 4))
    np.testing.assert_array_equal(mask, validation_slice(train, parts=5))


def test_twins_of_training_images() -> None:
    dataset = tiny_dataset()
    train, test = dataset.split("train"), dataset.split("test")
    test.images[5] = train.images[2]
    np.testing.assert_array_equal(np.flatnonzero(has_twin(train, test)), [5])


def test_the_real_data_set_has_the_known_duplicates(fer2013: Dataset) -> None:
    found = audit(fer2013)
    assert found.exact_groups == 1_514
    assert found.test_twins == 572
    assert found.test_twins_conflicting == 18
    assert found.near_groups > found.exact_groups
