from __future__ import annotations

from dataclasses import replace

import pytest

from fer.live.labels import SteadyLabels
from fer.types import FacePrediction
from tests.fakes import frame, prediction, probabilities


def reads(label: str) -> FacePrediction:
    return replace(prediction(track=1), probabilities=probabilities(**{label: 0.7}))


def shown(readings: list[tuple[float, str]], dwell_s: float = 0.5) -> list[str]:
    """What track 1 is labelled when it reads so at these times."""
    labels = SteadyLabels()
    return [
        labels.update(frame(reads(reading), time_s=time_s), dwell_s)[1]
        for time_s, reading in readings
    ]


def test_a_new_face_is_labelled_at_once() -> None:
    assert shown([(0.0, "happy")]) == ["happy"]


def test_a_flicker_is_not_shown() -> None:
    readings = [(0.1 * step, "sad" if step % 3 == 2 else "happy") for step in range(30)]
    assert set(shown(readings)) == {"happy"}


def test_what_lasts_is_shown_after_the_dwell() -> None:
    readings = [(0.0, "happy")] + [(1 + 0.25 * step, "sad") for step in range(4)]
    assert shown(readings) == ["happy", "happy", "happy", "sad", "sad"]


def test_without_dwell_every_reading_is_shown() -> None:
    readings = [(0.0, "happy"), (0.1, "sad"), (0.2, "happy")]
    assert shown(readings, dwell_s=0.0) == ["happy", "sad", "happy"]


def test_a_dwell_begins_anew_when_the_reading_changes() -> None:
    readings = [(0.0, "happy"), (0.3, "sad"), (0.6, "fear"), (0.9, "fear"), (1.2, "fear")]
    assert shown(readings) == ["happy", "happy", "happy", "happy", "fear"]


@pytest.mark.parametrize(("flag", "word"), [("uncertain", "unsure"), ("turned", "turned away")])
def test_what_speaks_against_a_reading_is_the_label(flag: str, word: str) -> None:
    flagged = frame(prediction(track=4, quality=(flag,)))
    assert SteadyLabels().update(flagged, 0.5) == {4: word}


def test_people_are_labelled_apart_and_forgotten() -> None:
    labels = SteadyLabels()
    both = frame(prediction(track=1, happy=0.7), prediction((60, 10, 90, 50), track=2, sad=0.7))
    assert labels.update(both, 0.5) == {1: "happy", 2: "sad"}
    assert labels.update(frame(prediction(track=2, sad=0.7), time_s=0.1), 0.5) == {2: "sad"}
    assert labels.update(frame(time_s=5.0), 0.5) == {}
    again = frame(prediction(track=1, fear=0.7), time_s=5.1)
    assert labels.update(again, 0.5) == {1: "fear"}  # long gone: labelled at once
