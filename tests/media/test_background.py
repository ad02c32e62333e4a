from __future__ import annotations

import os
import threading
from collections.abc import Generator

import cv2
import pytest

from fer.media.background import Behind, ahead, sharing_cores


def counting(
    closed: threading.Event, stop_at: int | None = None, made: list[int] | None = None
) -> Generator[int]:
    try:
        for number in range(100):
            if number == stop_at:
                raise OSError("the disk is gone")
            if made is not None:
                made.append(number)
            yield number
    finally:
        closed.set()


def test_items_come_in_order_from_another_thread() -> None:
    closed = threading.Event()
    assert list(ahead(counting(closed))) == list(range(100))
    assert closed.is_set()


def test_an_error_comes_after_what_came_before_it() -> None:
    closed = threading.Event()
    seen: list[int] = []
    with pytest.raises(OSError, match="disk"):
        seen.extend(ahead(counting(closed, stop_at=5)))
    assert seen == [0, 1, 2, 3, 4]
    assert closed.is_set()


def test_closing_early_ends_the_work_and_little_was_made_ahead() -> None:
    closed = threading.Event()
    made: list[int] = []
    items = ahead(counting(closed, made=made))
    assert next(items) == 0
    items.close()
    assert closed.is_set()
    assert len(made) < 10


def test_work_is_done_in_order_before_leaving() -> None:
    done: list[int] = []
    with Behind(done.append) as hand_over:
        for number in range(50):
            hand_over(number)
    assert done == list(range(50))


def test_an_error_of_the_work_stops_those_who_hand_over() -> None:
    def fail(number: int) -> None:
        if number == 3:
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"), Behind(fail) as hand_over:
        list(map(hand_over, range(1000)))


def test_an_error_of_the_last_piece_of_work_is_not_lost() -> None:
    def fail(_: int) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"), Behind(fail) as hand_over:
        hand_over(1)


def test_what_waits_is_dropped_after_an_error_elsewhere() -> None:
    started, go_on, done = threading.Event(), threading.Event(), []

    def work(number: int) -> None:
        started.set()
        go_on.wait()
        done.append(number)

    with pytest.raises(KeyError), Behind(work) as hand_over:  # noqa: PT012 what waits, and why
        hand_over(1)
        started.wait()
        hand_over(2)
        threading.Timer(0.05, go_on.set).start()
        raise KeyError
    assert done == [1]


def test_opencv_has_its_threads_back_when_the_last_pipeline_ends() -> None:
    before = cv2.getNumThreads()
    first, second = sharing_cores(), sharing_cores()
    first.__enter__()
    shared = cv2.getNumThreads()
    assert shared == max(1, (os.cpu_count() or 1) // 4)
    second.__enter__()
    first.__exit__(None, None, None)  # in another order than they began
    assert cv2.getNumThreads() == shared
    second.__exit__(None, None, None)
    assert cv2.getNumThreads() == before
