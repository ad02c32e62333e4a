"""Exact and near duplicates in FER2013, and a validation slice that keeps them together.

FER2013 was collected by web search: one photograph appears several times, across
splits, now and then with another label. Nothing is removed silently; the audit
counts it, and accuracy is reported with and without test images that have a
byte-identical twin in training.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fer.fer2013.dataset import Dataset
from fer.types import FACE_SIZE, Image, Split

#: Correlation of two faces shrunk to 16x16 from which they count as the same
#: photograph. Looked at by eye on samples: from 0.97 up, pairs differ by a
#: watermark, a shift of a pixel or compression; below 0.96 other photographs begin.
NEAR_CORRELATION: Final = 0.97
_SHRUNK: Final = 16
_BLOCK: Final = 2_000  # rows of the similarity matrix at a time: 290 MB at most


@dataclass(frozen=True)
class DuplicateAudit:
    """Counts of repeated images.

    Attributes:
        exact_groups: groups of two or more byte-identical images.
        exact_images: images in those groups.
        exact_conflicts: such groups whose members carry different labels.
        near_groups: groups joined by exact or near duplication.
        near_images: images in those.
        near_conflicts: such groups with different labels.
        test_twins: test images byte-identical to a training image.
        test_twins_conflicting: those whose label no training twin has.
        test_near: test images that are an exact or near duplicate of a training image.
    """

    exact_groups: int
    exact_images: int
    exact_conflicts: int
    near_groups: int
    near_images: int
    near_conflicts: int
    test_twins: int
    test_twins_conflicting: int
    test_near: int


def audit(dataset: Dataset) -> DuplicateAudit:
    """Count duplicates within and across the splits."""
    exact = exact_groups(dataset.images)
    near = near_groups(dataset.images)
    train, test = dataset.mask("train"), dataset.mask("test")
    twins = test & np.isin(exact, exact[train])
    # A twin agrees if some training image has both its pixels and its label.
    keyed = exact * np.int64(100) + dataset.labels
    return DuplicateAudit(
        *_count(exact, dataset.labels),
        *_count(near, dataset.labels),
        test_twins=int(twins.sum()),
        test_twins_conflicting=int((twins & ~np.isin(keyed, keyed[train])).sum()),
        test_near=int((test & np.isin(near, near[train])).sum()),
    )


def exact_groups(images: Image) -> NDArray[np.int64]:
    """Number byte-identical images alike.

    Args:
        images: (N, 48, 48) uint8.

    Returns:
        (N,) group numbers; an image without a double has a group of its own.
    """
    content = np.array([image.tobytes() for image in images], dtype=object)
    return pd.factorize(content)[0].astype(np.int64)


def near_groups(images: Image, threshold: float = NEAR_CORRELATION) -> NDArray[np.int64]:
    """Number images alike that are exact or near duplicates, directly or over others.

    Args:
        images: (N, 48, 48) uint8.
        threshold: correlation from which two faces shrunk to 16x16 count as one.

    Returns:
        (N,) group numbers.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n, step = len(images), FACE_SIZE // _SHRUNK
    shrunk = images.reshape(n, _SHRUNK, step, _SHRUNK, step).mean((2, 4), dtype=np.float32)
    faces = shrunk.reshape(n, -1)
    faces -= faces.mean(1, keepdims=True)
    norms = np.linalg.norm(faces, axis=1, keepdims=True)
    faces /= np.maximum(norms, 1e-6)  # an evenly grey image correlates with nothing
    first, second = [np.arange(n)], [_first_of_group(exact_groups(images))]
    for start in range(0, n, _BLOCK):
        correlation = faces[start : start + _BLOCK] @ faces[start:].T
        rows, columns = np.nonzero(correlation >= threshold)
        first.append(rows + start)
        second.append(columns + start)
    i, j = np.concatenate(first), np.concatenate(second)
    graph = coo_array((np.ones(len(i), dtype=np.bool_), (i, j)), shape=(n, n))
    numbers: NDArray[np.int32] = connected_components(graph, directed=False)[1]
    return numbers.astype(np.int64)


def has_twin(among: Split, split: Split) -> NDArray[np.bool_]:
    """Say which images of a split are byte-identical to one among others: (len(split),)."""
    groups = exact_groups(np.concatenate([among.images, split.images]))
    return np.isin(groups[len(among) :], groups[: len(among)])


def validation_slice(train: Split, seed: int = 0, parts: int = 10) -> NDArray[np.bool_]:
    """Choose a stratified part of the training split that keeps duplicates together.

    Args:
        train: the training split.
        seed: random seed of the choice.
        parts: the slice holds about 1 in ``parts`` of the images.

    Returns:
        (len(train),) True for the images held out for validation.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    folds = StratifiedGroupKFold(n_splits=parts, shuffle=True, random_state=seed)
    groups = near_groups(train.images)
    _, held_out = next(folds.split(np.zeros(len(train)), train.labels, groups))
    mask = np.zeros(len(train), dtype=np.bool_)
    mask[held_out] = True
    return mask


def _first_of_group(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return, for each image, the position of the first image of its group."""
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    return first[inverse]


def _count(groups: NDArray[np.int64], labels: NDArray[np.int64]) -> tuple[int, int, int]:
    """Count groups of two or more, the images in them, and those with several labels."""
    table = pd.DataFrame({"group": groups, "label": labels}).groupby("group")["label"]
    sizes, kinds = table.size(), table.nunique()
    repeated = sizes > 1
    return int(repeated.sum()), int(sizes[repeated].sum()), int((repeated & (kinds > 1)).sum())
