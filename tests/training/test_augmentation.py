from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fer.training.augmentation import augment

SEED = tf.constant([3, 7], tf.int32)


def _faces(number: int) -> tf.Tensor:
    values = np.random.default_rng(0).normal(size=(number, 48, 48, 1))
    return tf.constant(values.astype(np.float32))


def test_flips_mirror_about_half_and_change_nothing_else() -> None:
    faces = _faces(200)
    varied = augment(faces, SEED, "flip", 48, "fixed").numpy()
    mirrored = (varied == faces.numpy()[:, :, ::-1]).all((1, 2, 3))
    kept = (varied == faces.numpy()).all((1, 2, 3))
    assert (mirrored ^ kept).all()
    assert 70 < mirrored.sum() < 130


@pytest.mark.parametrize("kind", ["flip", "full", "wild"])
def test_the_seed_alone_decides(kind: str) -> None:
    faces = _faces(16)
    one = augment(faces, SEED, kind, 48, "fixed").numpy()  # type: ignore[arg-type]
    again = augment(faces, SEED, kind, 48, "fixed").numpy()  # type: ignore[arg-type]
    other = augment(faces, SEED + 1, kind, 48, "fixed").numpy()  # type: ignore[arg-type]
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("size", [40, 48])
def test_a_face_stays_in_the_middle_at_any_size(size: int) -> None:
    # One bright spot in the middle: over many draws its mean place stays there.
    spot = np.zeros((400, 48, 48, 1), np.float32)
    spot[:, 20:28, 20:28] = 2.0
    varied = augment(tf.constant(spot), SEED, "full", size, "fixed").numpy()[..., 0]
    assert varied.shape == (400, size, size)
    weight = np.maximum(varied - np.median(varied, axis=(1, 2), keepdims=True), 0).mean(0)
    places = np.arange(size)
    centre = (size - 1) / 2
    assert (weight.sum(1) @ places) / weight.sum() == pytest.approx(centre, abs=1.0)
    assert (weight.sum(0) @ places) / weight.sum() == pytest.approx(centre, abs=1.0)


def test_half_of_the_faces_lose_a_square() -> None:
    bright = tf.ones((300, 48, 48, 1)) * 2.0
    varied = augment(bright, SEED, "full", 48, "fixed").numpy()
    erased = (varied == 0).mean((1, 2, 3))
    assert 0.4 < (erased > 0).mean() < 0.6
    assert erased.max() <= 0.17  # a square of at most 40% of the side


def test_wild_pictures_are_dim_and_noisy_at_times_and_stay_within_black_and_white() -> None:
    black, white = -129 / 64, 126 / 64
    bright = tf.ones((600, 48, 48, 1)) * 1.5
    plain = augment(bright, SEED, "full", 48, "fixed").numpy()
    wild = augment(bright, SEED, "wild", 48, "fixed").numpy()
    assert black <= wild.min()
    assert wild.max() <= white + 1e-6
    level = np.median(wild, axis=(1, 2, 3))
    usual = np.minimum(np.median(plain, axis=(1, 2, 3)), white)
    assert 0.15 < (level < usual - 0.1).mean() < 0.35
    # An erased square is as plain in both; look at a corner that none of these reaches.
    rough = wild[:, :6, :6].std(axis=(1, 2, 3))
    assert plain[:, :6, :6].std(axis=(1, 2, 3)).min() == 0
    assert 0.2 < (rough > 0.02).mean() < 0.5
