from __future__ import annotations

from collections.abc import Generator, Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fer.media.video_reader import BrokenVideoError, VideoFrame
from fer.types import Face, Image
from fer.video.face_search import Found, find_faces

Box = tuple[int, int, int, int]


class Seer:
    """Knows which boxes each frame has: the number of a frame is painted into its corner."""

    name = "seer"

    def __init__(self, boxes: list[tuple[Box, ...]]) -> None:
        self.boxes = boxes
        self.looked: list[int] = []

    def detect(self, image: Image) -> tuple[Face, ...]:
        number = int(image[0, 0, 0])
        self.looked.append(number)
        return tuple(
            Face(box, 0.5 + number / 1000, np.full((5, 2), float(box[0]), np.float32))
            for box in self.boxes[number]
        )


def frames(
    count: int, *, step: float = 0.1, cuts: Iterable[int] = (), size: int = 8
) -> list[VideoFrame]:
    return [
        VideoFrame(i, i * step, np.full((size, size, 3), i, np.uint8), i, cut=i in cuts)
        for i in range(count)
    ]


def found(
    boxes: list[tuple[Box, ...]], search_s: float = 0.4, **options: object
) -> tuple[list[Found], list[int]]:
    seer = Seer(boxes)
    results = list(find_faces(frames(len(boxes), **options), seer, search_s))  # type: ignore[arg-type]
    return results, seer.looked


def moving(*lefts: int) -> list[tuple[Box, ...]]:
    return [((left, 0, left + 100, 100),) for left in lefts]


def test_a_face_that_moves_straight_is_found_by_its_ends_alone() -> None:
    results, looked = found(moving(*range(0, 18, 2)))
    assert looked == [0, 4, 8]
    assert [item.faces[0].box[0] for item in results] == list(range(0, 18, 2))
    assert results[6].faces[0].landmarks[0, 0] == pytest.approx(12)  # type: ignore[index]
    assert results[6].faces[0].score == pytest.approx(0.506)
    assert [len(item.boxes) for item in results] == [1, 0, 0, 0, 1, 0, 0, 0, 1]


def test_a_face_that_leaves_is_followed_to_its_last_frame() -> None:
    here: tuple[Box, ...] = ((0, 0, 100, 100),)
    for last in range(12):
        results, looked = found([here] * last + [()] * (12 - last))
        assert [len(item.faces) for item in results] == [1] * last + [0] * (12 - last)
        assert len(looked) < 9


def test_a_face_that_jumps_is_searched_for_in_between() -> None:
    results, _ = found(moving(0, 0, 0, 60, 60))
    assert [item.faces[0].box[0] for item in results] == [0, 0, 0, 60, 60]


def test_both_sides_of_a_cut_are_searched() -> None:
    results, looked = found(moving(0, 0, 0, 10, 10, 10, 10, 10), cuts=[3])
    assert looked == [0, 2, 3, 7]
    assert [item.faces[0].box[0] for item in results] == [0, 0, 0, 10, 10, 10, 10, 10]


def test_two_faces_that_change_their_order_stay_themselves() -> None:
    """The one that grows becomes the largest, and comes first."""
    first, last = ((0, 0, 100, 100), (200, 0, 295, 95)), ((200, 0, 300, 100), (0, 0, 95, 95))
    results, _ = found([first, (), (), (), last])
    assert [face.box for face in results[1].faces] == [(0, 0, 99, 99), (200, 0, 296, 96)]
    assert [face.box for face in results[3].faces] == [(200, 0, 299, 99), (0, 0, 96, 96)]


@pytest.mark.parametrize(("search_s", "step"), [(0.0, 0.1), (0.4, 0.5)])
def test_every_frame_is_searched_where_asked_for_or_where_frames_are_rare(
    search_s: float, step: float
) -> None:
    boxes = moving(0, 1, 2, 3, 4)
    results, looked = found(boxes, search_s, step=step)
    assert looked == [0, 1, 2, 3, 4]
    assert [item.boxes for item in results] == boxes


def test_a_passer_by_is_among_the_boxes_where_all_are_asked_for() -> None:
    here, both = ((0, 0, 100, 100),), ((0, 0, 100, 100), (200, 0, 240, 40))
    boxes: list[tuple[Box, ...]] = [here, here, both, here, here]
    results = list(find_faces(frames(5), Seer(boxes), 0.4, search_all=True))
    assert [len(item.faces) for item in results] == [1, 1, 1, 1, 1]
    assert [item.boxes for item in results] == boxes


def test_of_large_pictures_few_wait() -> None:
    waiting = most = 0

    def counted() -> Generator[VideoFrame]:
        nonlocal waiting
        for frame in frames(12, size=2400):  # 17 MB each
            waiting += 1
            yield frame

    for _ in find_faces(counted(), Seer([()] * 12), 10.0):
        most = max(most, waiting)
        waiting -= 1
    assert most <= 4


def test_what_came_before_a_break_is_given_away_before_it_is_told() -> None:
    def broken() -> Generator[VideoFrame]:
        yield from frames(6)
        raise BrokenVideoError(0.5)

    results: list[Found] = []
    with pytest.raises(BrokenVideoError):
        results.extend(find_faces(broken(), Seer(moving(0, 0, 0, 0, 0, 0)), 0.4))
    assert [item.frame.index for item in results] == [0, 1, 2, 3, 4, 5]
    assert all(item.faces for item in results)


@settings(deadline=None)
@given(
    lefts=st.lists(st.one_of(st.none(), st.integers(0, 300)), min_size=1, max_size=40),
    gaps=st.lists(st.floats(0.001, 0.5), min_size=40, max_size=40),
    cuts=st.sets(st.integers(1, 39)),
    search_s=st.floats(0, 1),
)
def test_every_frame_comes_out_once_and_searched_ones_are_exact(
    lefts: list[int | None], gaps: list[float], cuts: set[int], search_s: float
) -> None:
    boxes: list[tuple[Box, ...]] = [
        () if left is None else ((left, 0, left + 100, 100),) for left in lefts
    ]
    times = np.cumsum(gaps)
    given_frames = [
        VideoFrame(frame.index, float(times[frame.index]), frame.image, 0, frame.index in cuts)
        for frame in frames(len(boxes))
    ]
    seer = Seer(boxes)
    results = list(find_faces(given_frames, seer, search_s))
    assert [item.frame.index for item in results] == list(range(len(boxes)))
    assert len(seer.looked) == len(set(seer.looked))
    edges = {0, len(boxes) - 1, *cuts, *(cut - 1 for cut in cuts)} & set(range(len(boxes)))
    assert edges <= set(seer.looked)
    for number in seer.looked:
        assert [face.box for face in results[number].faces] == list(boxes[number])
    searched = times[sorted(seer.looked)]
    steps = np.diff(times[: len(boxes)])
    assert np.all(np.diff(searched) <= max(search_s, steps.max(initial=0)) + 1e-6)
