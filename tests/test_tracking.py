from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from fer.tracking import Tracker, overlap, pairs
from fer.types import FrameResult
from tests.fakes import frame, prediction


def tracks(result: FrameResult) -> list[int | None]:
    return [p.face.track for p in result.predictions]


def test_overlap_of_boxes_worked_out_by_hand() -> None:
    boxes = np.array([[0, 0, 2, 2], [1, 1, 3, 3], [5, 5, 6, 6]], float)
    np.testing.assert_allclose(
        overlap(boxes[:1], boxes),
        [[1.0, 1 / 7, 0.0]],  # one shared pixel of 4 + 4 - 1
    )


def test_faces_keep_their_numbers_when_their_order_changes() -> None:
    tracker = Tracker()
    left, right = (10, 10, 50, 50), (90, 10, 140, 60)
    assert tracks(tracker.update(frame(prediction(left), prediction(right)))) == [1, 2]
    moved = frame(prediction((93, 12, 143, 62)), prediction((12, 10, 52, 50)), time_s=0.1)
    assert tracks(tracker.update(moved)) == [2, 1]


def test_assignment_is_best_over_all_faces_not_first_come() -> None:
    tracker = Tracker()
    tracker.update(frame(prediction((20, 0, 60, 40)), prediction((44, 0, 84, 40))))
    # Both overlap track 2 best; giving it to the first would leave the second without any.
    both = frame(prediction((38, 0, 78, 40)), prediction((46, 0, 86, 40)), time_s=0.1)
    assert tracks(tracker.update(both)) == [1, 2]


@pytest.mark.parametrize(("gap", "number"), [(0.9, 1), (1.1, 2)])
def test_a_track_survives_a_short_absence(gap: float, number: int) -> None:
    tracker = Tracker(max_gap_s=1.0)
    tracker.update(frame(prediction()))
    tracker.update(frame(time_s=gap / 2))
    assert tracks(tracker.update(frame(prediction(), time_s=gap))) == [number]


def test_a_face_elsewhere_is_another_track() -> None:
    tracker = Tracker()
    tracker.update(frame(prediction((0, 0, 40, 40))))
    assert tracks(tracker.update(frame(prediction((60, 0, 100, 40)), time_s=0.1))) == [2]


def test_probabilities_are_left_alone_without_smoothing() -> None:
    tracker = Tracker()
    tracker.update(frame(prediction(happy=0.9)))
    after = tracker.update(frame(prediction(sad=0.8), time_s=0.1)).predictions[0]
    np.testing.assert_array_equal(after.probabilities, prediction(sad=0.8).probabilities)


def test_smoothing_follows_time_and_not_the_number_of_frames() -> None:
    def sad_after(steps: int) -> float:
        tracker = Tracker(smoothing_s=0.5)
        result = tracker.update(frame(prediction(happy=1.0)))
        for step in range(1, steps + 1):
            result = tracker.update(frame(prediction(sad=1.0), time_s=step * 0.5 / steps))
        return float(result.predictions[0].probabilities[4])

    assert sad_after(1) == pytest.approx(1 - math.exp(-1))  # one time constant later
    assert sad_after(10) == pytest.approx(sad_after(1), abs=1e-5)


def test_settings_below_zero_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 0"):
        Tracker(max_gap_s=-1)


def test_a_face_is_flagged_uncertain_under_the_confidence_that_was_asked_for() -> None:
    doubtful = frame(prediction(happy=0.6))
    assert Tracker(least_confidence=0.7).update(doubtful).predictions[0].quality == ("uncertain",)
    assert Tracker(least_confidence=0.5).update(doubtful).predictions[0].quality == ()


def test_smoothing_keeps_what_was_said_of_the_frame_alone() -> None:
    tracker = Tracker(smoothing_s=1.0)
    tracker.update(frame(prediction(happy=0.9)))
    after = tracker.update(frame(prediction(sad=0.8), time_s=0.1)).predictions[0]
    assert after.label == "happy"
    np.testing.assert_array_equal(after.unsmoothed, prediction(sad=0.8).probabilities)


def test_doubt_is_judged_after_smoothing() -> None:
    tracker = Tracker(smoothing_s=1.0)
    tracker.update(frame(prediction(happy=0.9)))
    unsure = prediction(happy=0.3, quality=("small", "uncertain"))
    assert tracker.update(frame(unsure, time_s=0.1)).predictions[0].quality == ("small",)


def test_a_cut_ends_all_tracks() -> None:
    tracker = Tracker(smoothing_s=1.0)
    tracker.update(frame(prediction(happy=0.9)))
    after = tracker.update(frame(prediction(sad=0.8), time_s=0.1), cut=True)
    assert tracks(after) == [2]
    assert after.predictions[0].label == "sad"


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_pairs_are_those_of_the_best_assignment(share: float) -> None:
    """With and without two that claim the same place."""
    rng = np.random.default_rng(3)
    sizes = set()
    for _ in range(200):
        overlaps = rng.random(rng.integers(1, 5, 2)) * (rng.random() < share or 0.3)
        overlaps[overlaps < 0.25] = 0.0
        rows, columns = linear_sum_assignment(overlaps, maximize=True)
        best = [(r, c) for r, c in zip(rows, columns, strict=True) if overlaps[r, c] > 0]
        assert pairs(overlaps, 0.25) == best
        sizes.add(len(best))
    assert sizes >= {0, 1, 2}


def test_what_overlaps_too_little_is_no_pair() -> None:
    assert pairs(np.array([[0.24, 0.0], [0.0, 0.9]]), 0.25) == [(1, 1)]
