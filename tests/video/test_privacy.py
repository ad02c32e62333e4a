from __future__ import annotations

import numpy as np

from fer.types import Image
from fer.video.privacy import FaceHider
from tests.fakes import frame, prediction

NOISE = np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)
LEFT, RIGHT = (10, 20, 50, 70), (100, 20, 140, 70)


def hidden(image: Image, box: tuple[int, int, int, int]) -> bool:
    x0, y0, x1, y1 = box
    return bool((image[y0:y1, x0:x1] != NOISE[y0:y1, x0:x1]).mean() > 0.9)


def test_all_faces_are_hidden_but_the_chosen() -> None:
    both = frame(prediction(LEFT, track=1), prediction(RIGHT, track=2))
    everyone = FaceHider().hide(NOISE, both)
    assert hidden(everyone, LEFT)
    assert hidden(everyone, RIGHT)
    all_but_one = FaceHider(keep=(2,)).hide(NOISE, both)
    assert hidden(all_but_one, LEFT)
    assert not hidden(all_but_one, RIGHT)


def test_a_face_that_is_lost_for_a_moment_stays_hidden() -> None:
    hider = FaceHider(linger_s=1.0)
    hider.hide(NOISE, frame(prediction(LEFT, track=1)))
    assert hidden(hider.hide(NOISE, frame(time_s=0.9)), LEFT)
    assert not hidden(hider.hide(NOISE, frame(time_s=1.1)), LEFT)


def test_a_cut_leaves_nothing_behind() -> None:
    hider = FaceHider()
    hider.hide(NOISE, frame(prediction(LEFT, track=1)))
    assert not hidden(hider.hide(NOISE, frame(time_s=0.1), cut=True), LEFT)


def test_what_was_seen_in_this_very_picture_is_hidden_unless_it_is_a_kept_face() -> None:
    moved = (12, 22, 52, 72)
    known = frame(prediction(LEFT, track=1))
    for keep, shown in (((), False), ((1,), True)):
        image = FaceHider(keep=keep).hide(NOISE, known, [moved, RIGHT])
        assert hidden(image, RIGHT)
        assert hidden(image, moved) is not shown
