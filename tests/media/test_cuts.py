from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fer.media import sample
from fer.media.cuts import STAMP, CutFinder
from fer.types import Image
from fer.video.analysis import read_frames


def stamp(level: int) -> Image:
    return np.full((STAMP[1], STAMP[0], 3), level, np.uint8)


def test_a_cut_is_another_picture_and_not_a_brighter_one() -> None:
    finder = CutFinder()
    assert [finder.is_cut(stamp(level)) for level in (40, 40, 50, 200, 201)] == [
        *(False, False, False, True, False)
    ]


def test_movement_is_no_cut() -> None:
    picture = sample.portrait()[::14, ::8][: STAMP[1], : STAMP[0]]
    finder = CutFinder()
    assert not any(finder.is_cut(np.roll(picture, 4 * step, axis=1)) for step in range(16))


def test_the_sample_clip_has_no_cut() -> None:
    assert not any(frame.cut for frame in read_frames(sample.open_clip()))


@pytest.mark.parametrize(
    ("name", "cuts"),
    [
        ("fr_short_hamilton_clip.mp4", [20, 82, 211]),
        ("pyfeat_face_noface.mov", [72, 73]),  # to a white picture, and on to another scene
        ("facenet_video.mp4", []),
    ],
)
def test_cuts_of_real_clips_are_found(media: Path, name: str, cuts: list[int]) -> None:
    end_s = 1.5 if name.startswith("facenet") else None  # large: a part is enough
    assert [f.index for f in read_frames(media / name, end_s=end_s) if f.cut] == cuts


def test_a_cut_between_chosen_frames_is_not_lost(media: Path) -> None:
    frames = list(read_frames(media / "fr_short_hamilton_clip.mp4", fps=2))
    assert [frame.cut for frame in frames].count(True) == 3
