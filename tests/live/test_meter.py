from __future__ import annotations

import pytest

from fer.live.meter import Meter, Speed, Waiting


def test_nothing_is_known_before_the_first_frame() -> None:
    assert Meter().read(5.0) == Speed()


def test_ages_add_up_the_stages() -> None:
    meter = Meter()
    for step in range(20):
        slow = step == 19
        meter.add(step * 0.1, {"wait": 0.01, "find faces": 0.2 if slow else 0.03, "draw": 0.01})
    speed = meter.read(1.9)
    assert speed.frames_per_s == pytest.approx(10)
    assert speed.age_ms == pytest.approx(50)
    assert speed.oldest_ms > speed.age_ms
    assert speed.stage_ms["wait"] == pytest.approx(10)
    assert speed.stage_ms["decode"] == 0


def test_losses_are_counted_from_the_start() -> None:
    meter = Meter()
    meter.drop(3)
    meter.add(0.0, {})
    speed = meter.read(100.0)
    assert (speed.dropped, speed.received, speed.frames_per_s) == (3, 4, 0.0)


def test_a_frame_waits_as_far_as_it_comes_later_than_the_quickest() -> None:
    waiting = Waiting()
    # The sender's clock is 1000 s behind; frames take 0.02 s at least.
    came = [waiting.seconds(t, 1000 + t + 0.02 + late) for t, late in ((0, 0), (1, 0.3), (2, 0))]
    assert came == pytest.approx([0, 0.3, 0])


def test_clocks_that_drift_apart_do_not_add_up() -> None:
    waiting = Waiting()
    drift = 1e-4
    last = [waiting.seconds(float(t), 50 + t * (1 + drift)) for t in range(1, 1200)][-1]
    assert last < 0.01


@pytest.mark.parametrize("timestamps", [(100.0, 3.0), (3.0, 3.0), (100.0, 50.0)])
def test_a_camera_with_another_clock_starts_anew(timestamps: tuple[float, float]) -> None:
    waiting = Waiting()
    assert [waiting.seconds(t, 1.0 + n) for n, t in enumerate(timestamps)] == [0, 0]


def test_frames_without_a_timestamp_count_as_young() -> None:
    assert Waiting().seconds(None, 7.0) == 0
