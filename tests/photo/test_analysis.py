"""Reading photos: numbered faces, faces that fill the photo, and pictures that hide people."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fer.faces import YuNetDetector
from fer.media.photo_formats import Photo, decode_image
from fer.photo.analysis import PhotoResult, PhotoSettings, analyze_photo, make_picture, shrink
from fer.pipeline import Analyzer
from fer.types import Face, FrameResult, Image
from tests.fakes import Box, FakeClassifier, FakeDetector, centre_box

NOISE: Image = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
LEFT, RIGHT = (10, 20, 50, 70), (100, 30, 130, 60)


def read(image: Image, detector: FakeDetector) -> PhotoResult:
    return analyze_photo(Photo(image), Analyzer(detector, FakeClassifier()), "a.jpg")


def faces(result: FrameResult) -> list[Face]:
    return [prediction.face for prediction in result.predictions]


def blurred(picture: Image, box: Box, original: Image = NOISE) -> bool:
    x0, y0, x1, y1 = box
    return bool((picture[y0:y1, x0:x1] != original[y0:y1, x0:x1]).mean() > 0.9)


class Forgetful(FakeDetector):
    """Finds the boxes that it was told only where the picture there is still as it was."""

    def detect(self, image: Image) -> tuple[Face, ...]:
        return tuple(face for face in super().detect(image) if not blurred(image, face.box))


def test_faces_are_numbered_in_the_detectors_order() -> None:
    found = read(NOISE, FakeDetector((LEFT, RIGHT)))
    assert [(face.track, face.box) for face in faces(found.result)] == [(1, LEFT), (2, RIGHT)]


def test_notes_about_the_file_go_with_the_result() -> None:
    photo = Photo(NOISE, pictures=3)
    found = analyze_photo(photo, Analyzer(FakeDetector(), FakeClassifier()), "a.gif")
    assert found.notes == photo.notes() != ()


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1)])
def test_any_photo_gets_an_answer(yunet_model: Path, size: tuple[int, int]) -> None:
    analyzer = Analyzer(YuNetDetector(yunet_model), FakeClassifier())
    image = np.full((*size, 3), 90, np.uint8)
    found = analyze_photo(Photo(image), analyzer, "a.png")
    picture = make_picture(image, found.result, PhotoSettings(blurred=True), analyzer.detector)
    assert picture.shape == image.shape


def test_nothing_is_drawn_where_that_is_wanted() -> None:
    found = read(NOISE, FakeDetector((LEFT,)))
    settings = PhotoSettings(drawn=False)
    picture = make_picture(NOISE, found.result, settings, FakeDetector((LEFT,)))
    np.testing.assert_array_equal(picture, NOISE)
    assert picture is not NOISE


def test_all_are_blurred_but_those_that_stay() -> None:
    found = read(NOISE, FakeDetector((LEFT, RIGHT)))
    hide = PhotoSettings(drawn=False, blurred=True)
    detector = Forgetful((LEFT, RIGHT))
    everyone = make_picture(NOISE, found.result, hide, detector)
    assert blurred(everyone, LEFT)
    assert blurred(everyone, RIGHT)
    all_but_one = make_picture(NOISE, found.result, hide, detector, keep={2})
    assert blurred(all_but_one, LEFT)
    assert not blurred(all_but_one, RIGHT)


def test_who_is_found_after_the_blur_is_blurred_too() -> None:
    found = read(NOISE, FakeDetector((LEFT,)))
    hide = PhotoSettings(drawn=False, blurred=True)
    picture = make_picture(NOISE, found.result, hide, Forgetful((LEFT, RIGHT)))
    assert blurred(picture, RIGHT)
    # But not who is to stay, though the detector's box lies a little elsewhere now.
    found = read(NOISE, FakeDetector((LEFT, RIGHT)))
    near = (103, 33, 133, 63)
    picture = make_picture(NOISE, found.result, hide, Forgetful((LEFT, near)), keep={2})
    assert not blurred(picture, RIGHT)


@pytest.mark.parametrize("photo", ["pyfeat_multi_face.jpg", "fr_two_people.jpg"])
def test_nobody_is_found_in_a_real_photo_but_who_stays(
    media: Path, yunet_model: Path, photo: str
) -> None:
    image = decode_image((media / photo).read_bytes())
    detector = YuNetDetector(yunet_model)
    result = analyze_photo(Photo(image), Analyzer(detector, FakeClassifier()), photo).result
    assert len(result.predictions) >= 2
    hide = PhotoSettings(drawn=False, blurred=True)
    for shown in (image, shrink(image, 600)):
        assert detector.detect(make_picture(shown, result, hide, detector)) == ()
        (left,) = detector.detect(make_picture(shown, result, hide, detector, keep={1}))
        assert left.width > 10


def test_boxes_fit_a_smaller_picture() -> None:
    image = np.zeros((400, 800, 3), np.uint8)
    found = read(image, FakeDetector(((200, 100, 400, 300), (799, 399, 800, 400))))
    small = shrink(image, 80)
    assert small.shape == (40, 80, 3)
    hide = PhotoSettings(drawn=False, blurred=True)
    white = make_picture(255 - small, found.result, hide, FakeDetector(()))
    assert white.min() == 255
    small[12:28, 22:38] = NOISE[:16, :16]
    picture = make_picture(small, found.result, hide, FakeDetector(()))
    assert blurred(picture, (22, 12, 38, 28), small)


def test_a_small_picture_stays_as_it_is() -> None:
    assert shrink(NOISE, 160) is NOISE
    assert centre_box(shrink(NOISE, 16)) == (4, 3, 12, 9)
