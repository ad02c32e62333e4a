from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fer.errors import ModelError
from fer.preprocessing import LEAST_VARIANCE, Scaling, describe, scaling_of, to_model_input
from fer.training.augmentation import augment

NOISE = np.random.default_rng(2).integers(0, 256, (3, 48, 48), dtype=np.uint8)


def test_fixed_scaling_is_the_same_for_all_faces() -> None:
    faces = np.stack([np.full((48, 48), level, np.uint8) for level in (0, 129, 255)])
    scaled = to_model_input(faces, "fixed")
    assert scaled.shape == (3, 48, 48, 1)
    assert scaled.dtype == np.float32
    assert scaled[:, 0, 0, 0].tolist() == pytest.approx([-129 / 64, 0, 126 / 64])


def test_standardised_faces_are_alike_in_any_light() -> None:
    bright = (NOISE // 2).astype(np.uint8)
    scaled = to_model_input(bright, "standardised")
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled.mean(axis=(1, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(scaled.std(axis=(1, 2, 3)), 1, atol=0.01)
    dim = (bright // 2 + 100).astype(np.uint8)
    np.testing.assert_allclose(to_model_input(dim, "standardised"), scaled, atol=0.05)


def test_a_plain_picture_is_not_blown_up() -> None:
    plain = np.full((1, 48, 48), 30, np.uint8)
    assert not to_model_input(plain, "standardised").any()
    plain[0, 0, 0] = 31
    one_level = to_model_input(plain, "standardised").max()
    assert one_level == pytest.approx(1 / 64 / np.sqrt(LEAST_VARIANCE), rel=0.05)


@pytest.mark.parametrize("scaling", ["fixed", "standardised"])
def test_training_scales_as_serving_does(scaling: Scaling) -> None:
    plain = tf.constant(to_model_input(NOISE, "fixed"))
    seed = tf.constant([0, 0], tf.int32)
    trained = augment(plain, seed, "flip", 48, scaling).numpy()
    served = to_model_input(NOISE, scaling)
    mirrored = served[:, :, ::-1]
    for face, straight, flipped in zip(trained, served, mirrored, strict=True):
        assert np.allclose(face, straight, atol=1e-5) or np.allclose(face, flipped, atol=1e-5)


@pytest.mark.parametrize("scaling", ["fixed", "standardised"])
def test_a_run_records_its_scaling(scaling: Scaling) -> None:
    assert scaling_of(describe(scaling)) == scaling


def test_another_preprocessing_is_refused() -> None:
    with pytest.raises(ModelError, match="prepared otherwise"):
        scaling_of({**describe("fixed"), "mean": 0.0})


@pytest.mark.parametrize("scaling", ["fixed", "standardised"])
def test_model_input_of_no_faces(scaling: Scaling) -> None:
    assert to_model_input(np.zeros((0, 48, 48), np.uint8), scaling).shape == (0, 48, 48, 1)


@pytest.mark.parametrize(
    "faces",
    [
        np.zeros((48, 48), np.uint8),
        np.zeros((1, 48, 48, 1), np.uint8),
        np.zeros((1, 64, 64), np.uint8),
        np.zeros((1, 48, 48), np.float32),
    ],
)
def test_model_input_refuses_other_shapes_and_types(faces: Any) -> None:
    with pytest.raises(ValueError, match="faces must be"):
        to_model_input(faces, "fixed")
