from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np
import pytest

from fer.live.recording import LONGEST_S, PER_S, Recording
from tests.fakes import frame, prediction


def recorded(labels: Sequence[str | None], per_s: float = PER_S, start_s: float = 0.0) -> Recording:
    """A recording of track 1 with these labels, None where it is out of sight."""
    recording = Recording()
    for step, label in enumerate(labels):
        seen = [] if label is None else [prediction(track=1)]
        result = frame(*seen, index=step, time_s=start_s + step / per_s)
        recording.add(result, {} if label is None else {1: label})
    return recording


def test_some_results_per_second_are_kept_as_they_were() -> None:
    recording = recorded(["happy"] * 30, per_s=15)
    kept = recording.frames()
    assert len(kept) == 2 * PER_S
    assert [f.index for f in kept[:3]] == [0, 3, 6]
    np.testing.assert_array_equal(kept[0].predictions[0].probabilities, prediction().probabilities)


def test_the_last_minute_joins_what_is_labelled_the_same() -> None:
    now_s, stretches = recorded(["happy"] * 5 + ["unsure"] * 5 + ["sad"] * 5).last_minute()
    assert now_s == pytest.approx(2.8)
    assert [(s.expression, round(s.start_s, 3), round(s.end_s, 3)) for s in stretches] == [
        ("happy", 0.0, 1.0),
        (None, 1.0, 2.0),
        ("sad", 2.0, 3.0),
    ]


def test_a_gap_in_the_last_minute_stays_one() -> None:
    _, stretches = recorded(["happy"] * 2 + [None] * 10 + ["happy"] * 2).last_minute()
    assert [round(s.end_s - s.start_s, 3) for s in stretches] == [0.4, 0.4]
    _, bridged = recorded(["happy", None, "happy"]).last_minute()
    assert [(s.start_s, round(s.end_s, 3)) for s in bridged] == [(0.0, 0.6)]


def test_what_is_older_than_a_minute_leaves_the_timeline() -> None:
    now_s, stretches = recorded(["happy"] * (70 * PER_S)).last_minute()
    assert now_s - stretches[0].start_s <= 60


def test_nothing_was_seen_yet() -> None:
    assert Recording().last_minute() == (0.0, ())
    assert Recording().frames() == ()


def test_memory_is_bounded() -> None:
    late = recorded(["happy"] * 10, start_s=LONGEST_S - 1)
    assert len(late.frames()) == PER_S
    assert late.last_minute()[1]  # the timeline goes on
    recording = recorded(["happy"] * 600)
    packed = recording._log.frames.nbytes + recording._log.faces.nbytes
    assert packed < 600 * 300 < sum(map(sys.getsizeof, recording.frames())) * 600


def test_it_can_be_forgotten() -> None:
    recording = recorded(["happy"] * 5)
    recording.clear()
    assert recording.frames() == ()
    assert recording.last_minute() == (0.0, ())
