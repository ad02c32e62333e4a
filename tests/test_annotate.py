from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fer import annotate, quality
from fer.faces import YuNetDetector
from fer.pipeline import Analyzer
from fer.types import COLORS, EMOTIONS, FrameResult, Image
from tests.fakes import FakeClassifier, frame, prediction, probabilities

GREY = np.full((120, 160, 3), 128, np.uint8)


def has_color(image: Image, color: str) -> bool:
    wanted = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    return bool((np.abs(image.astype(int) - wanted).max(axis=2) <= 2).any())


@pytest.mark.parametrize("label", EMOTIONS)
def test_a_face_gets_the_color_of_its_expression(label: str) -> None:
    drawn = annotate.draw(
        GREY, frame(replace(prediction(), probabilities=probabilities(**{label: 0.7})))
    )
    assert has_color(drawn, COLORS[label])
    assert not has_color(GREY, COLORS[label])


def test_the_image_itself_is_never_changed() -> None:
    image = GREY.copy()
    result = frame(prediction())
    for changed in (
        annotate.draw(image, result, bars=True),
        annotate.blur_faces(np.ascontiguousarray(image[::-1])[::-1], result),
    ):
        assert changed.shape == image.shape
        assert changed.dtype == np.uint8
    np.testing.assert_array_equal(image, GREY)


def test_drawing_in_place_gives_the_same_picture_without_a_copy() -> None:
    image = GREY.copy()
    result = frame(prediction((10, 30, 60, 100), track=2))
    assert annotate.draw(image, result, in_place=True) is image
    np.testing.assert_array_equal(image, annotate.draw(GREY, result))


def test_nothing_is_drawn_without_a_face() -> None:
    np.testing.assert_array_equal(annotate.draw(GREY, frame(), bars=True), GREY)
    np.testing.assert_array_equal(annotate.blur_faces(GREY, frame()), GREY)


def test_under_the_threshold_a_face_is_unsure_and_grey() -> None:
    result = frame(prediction(happy=0.4))
    assert has_color(annotate.draw(GREY, result, threshold=0.4), COLORS["happy"])
    unsure = annotate.draw(GREY, result, threshold=0.41)
    assert not has_color(unsure, COLORS["happy"])
    assert has_color(unsure, COLORS["neutral"])


def test_a_track_is_named_in_the_label() -> None:
    with_number = annotate.draw(GREY, frame(prediction(track=7)))
    assert (with_number != annotate.draw(GREY, frame(prediction()))).any()


@pytest.mark.parametrize("box", [(0, 0, 30, 30), (130, 0, 160, 40), (0, 90, 160, 120)])
def test_the_label_stays_inside_the_image(box: tuple[int, int, int, int]) -> None:
    """A label is mostly one flat colour: count it, whatever the corner."""
    drawn = annotate.draw(GREY, frame(prediction(box, happy=0.9)))
    flat = (drawn == annotate._rgb(COLORS["happy"])).all(axis=2).sum()
    in_the_open = annotate.draw(GREY, frame(prediction((40, 40, 80, 80), happy=0.9)))
    assert flat > 0.5 * (in_the_open == annotate._rgb(COLORS["happy"])).all(axis=2).sum()


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (20, 300), (2160, 3840)])
def test_any_size_of_image_can_be_drawn_on(size: tuple[int, int]) -> None:
    height, width = size
    image = np.zeros((height, width, 3), np.uint8)
    result = FrameResult(0, 0.0, width, height, (prediction((0, 0, width, height)),))
    assert annotate.draw(image, result, bars=True).shape == image.shape
    assert annotate.blur_faces(image, result).shape == image.shape


def test_bars_are_drawn_where_there_is_room_and_left_out_elsewhere() -> None:
    image = np.full((300, 600, 3), 128, np.uint8)
    left, right = (
        FrameResult(0, 0.0, 600, 300, (prediction(b),))
        for b in ((0, 80, 90, 190), (510, 80, 600, 190))
    )
    for result, panel in ((left, np.s_[100:150, 110:200]), (right, np.s_[100:150, 400:490])):
        assert (annotate.draw(image, result, bars=True)[panel] != 128).any()
        assert (annotate.draw(image, result)[panel] == 128).all()
    crowded = FrameResult(0, 0.0, 160, 120, (prediction((10, 20, 150, 110)),))
    np.testing.assert_array_equal(
        annotate.draw(GREY, crowded, bars=True), annotate.draw(GREY, crowded)
    )


def test_text_is_legible_on_every_color() -> None:
    """Contrast of at least 4.5 to 1, as WCAG 2 asks of text."""

    def luminance(color: tuple[int, ...]) -> float:
        c = np.array(color) / 255
        linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    for color in COLORS.values():
        ground = annotate._rgb(color)
        dark, light = sorted([luminance(ground), luminance(annotate._text_color(ground))])
        assert (light + 0.05) / (dark + 0.05) >= 4.5, color


@pytest.mark.parametrize("photo", ["pyfeat_multi_face.jpg", "fr_two_people.jpg"])
def test_no_detector_finds_a_blurred_face(media: Path, yunet_model: Path, photo: str) -> None:
    from fer.media.photo_formats import decode_image

    image = decode_image((media / photo).read_bytes())
    detector = YuNetDetector(yunet_model)
    result = Analyzer(detector, FakeClassifier()).analyze(image)
    assert len(result.predictions) >= 2
    assert detector.detect(annotate.blur_faces(image, result)) == ()


def test_a_flagged_face_is_marked_instead_of_labelled_where_that_is_wanted() -> None:
    for flag in quality.FLAGS:
        result = frame(prediction(happy=0.9, quality=(flag,)))
        marked = annotate.draw(GREY, result, flags=True)
        assert has_color(annotate.draw(GREY, result), COLORS["happy"])
        assert not has_color(marked, COLORS["happy"])
        assert has_color(marked, COLORS["neutral"])


def test_a_given_label_stands_whatever_the_probabilities() -> None:
    result = frame(prediction(track=3, happy=0.7))
    as_sad = annotate.draw(GREY, result, labels={3: "sad"})
    assert has_color(as_sad, COLORS["sad"])
    assert not has_color(as_sad, COLORS["happy"])
    unsure = annotate.draw(GREY, result, labels={3: annotate.UNSURE})
    assert has_color(unsure, COLORS["neutral"])
    np.testing.assert_array_equal(
        annotate.draw(GREY, result, labels={4: "sad"}), annotate.draw(GREY, result)
    )


def test_probabilities_can_be_left_out() -> None:
    few, many = (frame(prediction(happy=p)) for p in (0.4, 0.8))
    np.testing.assert_array_equal(
        annotate.draw(GREY, few, percent=False), annotate.draw(GREY, many, percent=False)
    )
    assert (annotate.draw(GREY, few) != annotate.draw(GREY, many)).any()


def test_frames_are_boxes_corners_or_none() -> None:
    result = frame(prediction((40, 40, 120, 110)))
    painted = {
        style: int((annotate.draw(GREY, result, frame=style) != GREY).any(axis=2).sum())
        for style in ("box", "corners", "none")
    }
    assert painted["box"] > painted["corners"] > painted["none"] > 0
