"""A made-up FER2013 of a few noisy faces, in each layout that the import takes."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from fer.fer2013.dataset import Dataset
from fer.types import EMOTIONS, Image


def tiny_dataset(per_class: int = 3, seed: int = 0) -> Dataset:
    """``per_class`` training images and one per official test split for each expression.

    Each class has a brightness of its own, so that a network can learn it.
    """
    random = np.random.default_rng(seed)
    labels, splits = [], []
    for split, repeats in (("Training", per_class), ("PublicTest", 1), ("PrivateTest", 1)):
        labels += [i for i in range(len(EMOTIONS)) for _ in range(repeats)]
        splits += [split] * (len(EMOTIONS) * repeats)
    noise = random.integers(0, 40, (len(labels), 48, 48))
    images = noise + 30 * np.array(labels)[:, None, None]
    return Dataset(
        images=images.astype(np.uint8),
        labels=np.array(labels, dtype=np.int64),
        rows=np.arange(len(labels), dtype=np.int64),
        splits=np.array(splits),
    )


def png(image: Image) -> bytes:
    """Encode one face."""
    buffer = io.BytesIO()
    PillowImage.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def picture_names(dataset: Dataset) -> list[str]:
    """Where each picture lies in the Kaggle layout."""
    return [
        f"{'train' if split == 'Training' else 'test'}/{EMOTIONS[label]}/{split}_{row:05d}.png"
        for split, label, row in zip(dataset.splits, dataset.labels, dataset.rows, strict=True)
    ]


def write_folder(dataset: Dataset, folder: Path) -> Path:
    """Write the Kaggle layout as a folder."""
    for name, image in zip(picture_names(dataset), dataset.images, strict=True):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(image))
    return folder


def write_zip(dataset: Dataset, path: Path) -> Path:
    """Write the Kaggle layout as a zip."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, image in zip(picture_names(dataset), dataset.images, strict=True):
            archive.writestr(name, png(image))
    return path


def write_csv(dataset: Dataset, path: Path) -> Path:
    """Write the original table."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["emotion", "pixels", "Usage"])
        for image, label, split in zip(dataset.images, dataset.labels, dataset.splits, strict=True):
            writer.writerow([label, " ".join(map(str, image.ravel())), split])
    return path
