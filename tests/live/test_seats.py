from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from fer.live.seats import LEASE_S, Seats


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_there_are_so_many_places_and_no_more() -> None:
    seats = Seats()
    numbers = [seats.new() for _ in range(3)]
    assert [seats.hold(number, limit=2) for number in numbers] == [True, True, False]
    assert seats.hold(numbers[0], limit=2)  # goes on
    seats.free(numbers[0])
    assert seats.hold(numbers[2], limit=2)
    assert not seats.hold(numbers[0], limit=2)


def test_a_silent_camera_loses_its_place() -> None:
    clock = Clock()
    seats = Seats(clock)
    silent, busy, new = seats.new(), seats.new(), seats.new()
    for number in (silent, busy):
        seats.hold(number, limit=2)
    for _ in range(3):
        clock.now += LEASE_S / 2
        assert seats.hold(busy, limit=2)
    assert seats.taken() == 1
    assert seats.hold(new, limit=2)
    assert not seats.hold(silent, limit=2)


def test_freeing_twice_is_harmless() -> None:
    seats = Seats()
    number = seats.new()
    seats.free(number)
    seats.hold(number, limit=1)
    seats.free(number)
    seats.free(number)
    assert seats.taken() == 0


def test_a_crowd_that_comes_at_once_gets_no_more_than_there_is() -> None:
    seats = Seats()
    with ThreadPoolExecutor(16) as pool:
        held = list(pool.map(lambda _: seats.hold(seats.new(), limit=5), range(64)))
    assert sum(held) == seats.taken() == 5
