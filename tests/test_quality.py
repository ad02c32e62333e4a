from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from fer import quality
from fer.images import crop_face
from fer.types import Face, Image
from tests.fakes import probabilities


def face(nose_x: float = 0.5, size: int = 60) -> Face:
    """Eyes 20 pixels apart; the nose between them at 0.5, before one of them at 0 and 1."""
    landmarks = np.array([[20, 20], [40, 20], [20 + 20 * nose_x, 30], [25, 40], [35, 40]])
    return Face((0, 0, size, size), 0.9, landmarks.astype(np.float32))


@pytest.fixture
def crop(astronaut: Image) -> Image:
    return crop_face(astronaut, (180, 70, 270, 180))


def flags(sample: Face, crop: Image) -> Sequence[str]:
    return quality.face_flags(sample, crop)


def test_a_good_face_has_no_flag(crop: Image) -> None:
    assert flags(face(), crop) == ()


def test_every_flag_has_its_reason(crop: Image) -> None:
    assert flags(face(size=quality.SMALL_FACE - 1), crop) == ("small",)
    assert flags(face(), np.asarray(cv2.GaussianBlur(crop, (0, 0), 2.5), np.uint8)) == ("blurred",)
    assert flags(face(nose_x=0.05), crop) == flags(face(nose_x=0.95), crop) == ("turned",)


def test_a_tilted_head_is_not_turned() -> None:
    upright = face(nose_x=0.9)
    assert upright.landmarks is not None
    angle = np.pi / 5
    turned = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    tilted = Face((0, 0, 60, 60), 0.9, (upright.landmarks @ turned.T).astype(np.float32))
    assert quality.turn(tilted) == pytest.approx(quality.turn(upright), abs=1e-5)
    assert quality.turn(upright) == pytest.approx(0.4, abs=1e-5)
    assert quality.turn(Face((0, 0, 9, 9), 0.9)) == 0.0


def test_sharpness_depends_neither_on_brightness_nor_on_contrast(crop: Image) -> None:
    half = (crop // 2 + 60).astype(np.uint8)
    assert quality.sharpness(half) == pytest.approx(quality.sharpness(crop), rel=0.1)
    assert quality.sharpness(np.full((48, 48), 9, np.uint8)) > quality.BLURRED


def test_doubt_comes_and_goes_with_the_probabilities() -> None:
    unsure, sure = probabilities(happy=0.35), probabilities(happy=0.6)
    assert quality.with_doubt(("small",), unsure) == ("small", "uncertain")
    assert quality.with_doubt(("small", "uncertain"), sure) == ("small",)
    assert quality.with_doubt(("uncertain",), unsure) == ("uncertain",)
