"""Cutting faces out."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from fer.images import crop_face
from fer.types import Image

RNG = np.random.default_rng(0)
NOISE_400: Image = RNG.integers(0, 256, (400, 400, 3), dtype=np.uint8)
NOISE: Image = RNG.integers(0, 256, (120, 160, 3), dtype=np.uint8)


def grey(value: int, height: int = 100, width: int = 100) -> Image:
    return np.full((height, width, 3), value, np.uint8)


def test_crop_is_the_square_around_the_box_two_per_cent_higher() -> None:
    photo = np.repeat(RNG.integers(0, 256, (200, 200, 1), dtype=np.uint8), 3, axis=2)
    # 48 high, so nothing is scaled; 36 wide, so 6 pixels are added left and right.
    crop = crop_face(photo, (80, 60, 116, 108))
    assert crop.dtype == np.uint8
    assert np.array_equal(crop, photo[59:107, 74:122, 0])


def test_crop_weighs_colours_as_the_eye_does() -> None:
    photo = np.zeros((60, 60, 3), np.uint8)
    photo[...] = (200, 100, 50)
    expected = round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)
    assert set(crop_face(photo, (5, 5, 43, 53)).ravel()) == {expected}


def test_shrinking_averages_instead_of_picking_pixels() -> None:
    photo = grey(0, 400, 400)
    photo[::2] = 255  # stripes that picking would turn black or white
    crop = crop_face(photo, (100, 100, 248, 292))
    assert 120 < crop.min() <= crop.max() < 135


def test_crop_repeats_the_edge_where_it_leaves_the_photo() -> None:
    photo = grey(10)
    photo[:, :5] = 200
    crop = crop_face(photo, (0, 0, 74, 96))  # 11 pixels of the square lie left of the photo
    assert (crop[:, :6] == 200).all()
    assert (crop[:, 10:] == 10).all()


@pytest.mark.parametrize(
    ("edge", "cut", "whole"),
    [
        ("bottom", (70, 60, 130, 120), (70, 60, 130, 138)),
        ("top", (70, 0, 130, 60), (70, -18, 130, 60)),
        ("left", (0, 20, 50, 98), (-10, 20, 50, 98)),
        ("right", (150, 20, 200, 98), (150, 20, 210, 98)),
    ],
)
def test_a_face_cut_by_the_edge_is_cropped_as_if_it_were_whole(
    edge: str, cut: tuple[int, int, int, int], whole: tuple[int, int, int, int]
) -> None:
    photo = RNG.integers(0, 256, (120, 200, 3), dtype=np.uint8)
    padding = 40
    larger = np.pad(photo, ((padding, padding), (padding, padding), (0, 0)), mode="edge")
    x0, y0, x1, y1 = (value + padding for value in whole)
    assert np.array_equal(crop_face(photo, cut), crop_face(larger, (x0, y0, x1, y1))), edge


@pytest.mark.parametrize(
    ("shape", "box"),
    [
        ((1, 1), (0, 0, 1, 1)),
        ((1, 300), (0, 0, 300, 1)),
        ((300, 1), (0, 0, 1, 300)),
        ((48, 48), (0, 0, 48, 48)),
        ((1000, 1000), (0, 0, 1000, 1000)),
        ((100, 100), (99, 99, 100, 100)),
        ((100, 100), (0, 0, 1, 1)),
    ],
)
def test_any_box_inside_the_photo_can_be_cropped(
    shape: tuple[int, int], box: tuple[int, int, int, int]
) -> None:
    crop = crop_face(grey(77, *shape), box)
    assert crop.shape == (48, 48)
    assert set(crop.ravel()) == {77}


@pytest.mark.parametrize("box", [(-1, 0, 10, 10), (0, 0, 101, 10), (5, 5, 5, 10), (9, 5, 3, 10)])
def test_boxes_outside_the_photo_are_a_mistake(box: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="box"):
        crop_face(grey(0), box)


def test_crop_leaves_the_photo_as_it_was() -> None:
    photo = NOISE.copy()
    crop_face(photo, (0, 0, 60, 80))
    assert np.array_equal(photo, NOISE)


def _leaning(degrees: float) -> tuple[Image, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    """A photo of something with details, turned clockwise about its middle, and its eyes."""
    smooth = cv2.GaussianBlur(NOISE_400, (0, 0), 12)
    smooth = np.clip((smooth.astype(int) - 127) * 20 + 127, 0, 255).astype(np.uint8)
    matrix = cv2.getRotationMatrix2D((199.5, 199.5), -degrees, 1.0)
    photo = cv2.warpAffine(smooth, matrix, (400, 400), borderMode=cv2.BORDER_REPLICATE)
    landmarks = np.zeros((5, 2), np.float32)
    landmarks[:2] = [(170, 190), (230, 190)] @ matrix[:, :2].T + matrix[:, 2]
    return photo.astype(np.uint8), landmarks


@pytest.mark.parametrize("degrees", [-35, -10, 20, 50])
def test_a_leaning_head_is_cut_out_upright(degrees: float) -> None:
    box = (140, 120, 260, 280)
    upright = crop_face(_leaning(0)[0], box)
    photo, landmarks = _leaning(degrees)
    levelled = crop_face(photo, box, landmarks)
    as_it_is = crop_face(photo, box)
    assert np.abs(levelled.astype(int) - upright).mean() < 3
    assert np.abs(as_it_is.astype(int) - upright).mean() > 8


def test_eyes_in_one_place_do_not_turn_the_crop() -> None:
    photo, landmarks = _leaning(0)
    landmarks[1] = landmarks[0] + (3, 12)  # as in profile
    box = (140, 120, 260, 280)
    assert np.array_equal(crop_face(photo, box, landmarks), crop_face(photo, box))


def test_a_leaning_face_at_the_edge_is_cut_out_too() -> None:
    photo, landmarks = _leaning(30)
    for box in ((0, 0, 60, 80), (340, 320, 400, 400)):
        assert crop_face(photo, box, landmarks).shape == (48, 48)
