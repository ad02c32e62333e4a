from __future__ import annotations

import numpy as np

from fer.live.picture import LivePicture, mirrored
from fer.live.settings import LiveSettings
from fer.types import FrameResult, Image
from tests.fakes import frame, prediction

PLAIN = LiveSettings(mirror=False, frame="none", percent=False)
BLURRED = LiveSettings(mirror=False, frame="none", percent=False, blur_others=True)

NEAR, FAR = (10, 20, 70, 95), (100, 50, 130, 90)


def noise() -> Image:
    return np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)


def middle(image: Image, box: tuple[int, int, int, int]) -> Image:
    """The part of a box that no label covers."""
    x0, y0, x1, y1 = box
    return image[(y0 + y1) // 2 : y1, x0:x1]


def both() -> FrameResult:
    return frame(prediction(NEAR, track=1), prediction(FAR, track=2))


def test_boxes_move_with_the_mirrored_picture() -> None:
    image = noise()
    drawn = LivePicture().draw(image, both(), {}, LiveSettings(frame="none", mirror=True))
    np.testing.assert_array_equal(middle(drawn, (90, 20, 150, 95)), middle(image, NEAR)[:, ::-1])
    assert [p.face.box for p in mirrored(both()).predictions] == [
        (90, 20, 150, 95),
        (30, 50, 60, 90),
    ]


def test_others_are_blurred_and_the_nearest_is_not() -> None:
    image = noise()
    drawn = LivePicture().draw(image, both(), {}, BLURRED)
    np.testing.assert_array_equal(middle(drawn, NEAR), middle(image, NEAR))
    assert middle(drawn, FAR).std() < 0.3 * middle(image, FAR).std()


def test_who_is_nearest_changes_only_for_somebody_clearly_nearer() -> None:
    image, picture = noise(), LivePicture()
    picture.draw(image, both(), {}, BLURRED)
    little_larger = frame(prediction(NEAR, track=1), prediction((95, 20, 158, 95), track=2))
    drawn = picture.draw(image, little_larger, {}, BLURRED)
    np.testing.assert_array_equal(middle(drawn, NEAR), middle(image, NEAR))
    far_larger = frame(
        prediction((10, 50, 40, 90), track=1), prediction((95, 20, 158, 95), track=2)
    )
    drawn = picture.draw(image, far_larger, {}, BLURRED)
    assert middle(drawn, (10, 50, 40, 90)).std() < 0.3 * image.std()


def test_the_picture_itself_is_never_changed() -> None:
    image = noise()
    before = image.copy()
    for settings in (PLAIN, BLURRED, LiveSettings(bars=True)):
        LivePicture().draw(image, both(), {1: "sad"}, settings)
    np.testing.assert_array_equal(image, before)
