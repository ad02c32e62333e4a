from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from fer.calibration import (
    Calibration,
    brier_score,
    coverage,
    coverage_curve,
    expected_calibration_error,
    reliability,
    unsure_threshold,
)
from fer.types import Probabilities


def _sure(confidences: list[float]) -> Probabilities:
    """Rows that give the first expression this much and share the rest evenly."""
    first = np.array(confidences, dtype=np.float32)[:, None]
    return np.concatenate([first, np.repeat((1 - first) / 6, 6, axis=1)], axis=1)


def _honest(number: int) -> tuple[NDArray[np.int64], Probabilities]:
    """Labels drawn from known probabilities."""
    random = np.random.default_rng(0)
    logits = random.normal(size=(number, 7)) * 2
    honest = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = (honest.cumsum(1) > random.random((number, 1))).argmax(1)
    return labels, honest.astype(np.float32)


def test_without_a_calibration_nothing_changes() -> None:
    probabilities = _sure([0.9, 0.3, 1.0])
    unchanged = Calibration.of({}).apply(probabilities)
    np.testing.assert_allclose(unchanged, probabilities, atol=1e-6)
    assert Calibration.of({"calibration": None}) == Calibration()


def test_a_known_temperature() -> None:
    # Square roots of 0.64 and six times 0.06: 0.8 to 1.4697 in all.
    softened = Calibration(temperature=2.0).apply(_sure([0.64]))
    assert softened[0, 0] == pytest.approx(0.8 / (0.8 + 6 * np.sqrt(0.06)), abs=1e-6)
    assert softened.dtype == np.float32
    assert softened.sum() == pytest.approx(1, abs=1e-6)


def test_a_known_even_share() -> None:
    # 0.14 of the whole is 0.02 from each of the seven; 0.86 is left.
    found = Calibration(even_share=0.14).apply(_sure([0.64]))
    assert found[0] == pytest.approx([0.62 / 0.86, *[0.04 / 0.86] * 6], abs=1e-6)
    # Where less was there than is taken, a little is left: 0.003 of 1.018 in all.
    found = Calibration(even_share=0.14).apply(_sure([1.0]))
    assert found[0, 1:] == pytest.approx([0.003 / (0.98 / 0.86 + 0.018)] * 6, abs=1e-6)
    assert found.sum() == pytest.approx(1, abs=1e-6)


def test_calibration_changes_no_answer() -> None:
    _, probabilities = _honest(500)
    found = Calibration(0.8, 0.3).apply(probabilities)
    assert (found.argmax(1) == probabilities.argmax(1)).all()


def test_fitting_recovers_the_temperature_that_was_applied() -> None:
    labels, honest = _honest(5_000)
    overconfident = Calibration(temperature=0.5).apply(honest)
    found = Calibration.fit(labels, overconfident)
    assert found.temperature == pytest.approx(2.0, abs=0.15)
    assert found.even_share < 0.03
    assert expected_calibration_error(labels, overconfident) > 0.1
    assert expected_calibration_error(labels, found.apply(overconfident)) < 0.02


def test_fitting_takes_back_what_smoothed_labels_gave_away() -> None:
    labels, honest = _honest(5_000)
    smoothed = (0.8 * honest + 0.2 / 7).astype(np.float32)
    found = Calibration.fit(labels, smoothed)
    assert found.even_share == pytest.approx(0.2, abs=0.03)
    assert expected_calibration_error(labels, smoothed) > 0.05
    assert expected_calibration_error(labels, found.apply(smoothed)) < 0.02


def test_expected_calibration_error_by_hand() -> None:
    # Two faces at 0.90 of which one is right, two at 0.50 of which both are.
    labels = np.array([0, 1, 0, 0])
    found = expected_calibration_error(labels, _sure([0.9, 0.9, 0.5, 0.5]))
    assert found == pytest.approx((2 * 0.4 + 2 * 0.5) / 4, abs=1e-6)
    assert expected_calibration_error(np.array([0]), _sure([1.0])) == 0


def test_threshold_and_coverage() -> None:
    labels = np.array([0, 0, 1, 0, 1])
    probabilities = _sure([0.9, 0.8, 0.7, 0.6, 0.5])
    # Right so far, surest first: 1/1, 2/2, 2/3, 3/4, 3/5.
    threshold = unsure_threshold(labels, probabilities, 0.75)
    assert threshold is not None
    assert threshold == pytest.approx(0.6)
    assert coverage(probabilities, threshold) == pytest.approx(0.8)
    assert unsure_threshold(np.array([1]), _sure([0.9])) is None


def test_reliability_by_hand() -> None:
    labels = np.array([0, 1, 0, 0])
    table = reliability(labels, _sure([0.92, 0.92, 0.52, 0.58]), bins=10)
    assert table["images"].tolist() == [2, 2]
    assert table["low"].tolist() == pytest.approx([0.5, 0.9])
    assert table["high"].tolist() == pytest.approx([0.6, 1.0])
    assert table["confidence"].tolist() == pytest.approx([0.55, 0.92])
    assert table["accuracy"].tolist() == [1.0, 0.5]


def test_brier_score_by_hand() -> None:
    # 0.4 short of certainty, and 0.1 for each of the six others; the second face is certain.
    found = brier_score(np.array([0, 0]), _sure([0.4, 1.0]))
    assert found == pytest.approx((0.6**2 + 6 * 0.1**2) / 2, abs=1e-6)
    assert brier_score(np.array([1]), _sure([1.0])) == pytest.approx(2)


def test_coverage_curve_by_hand() -> None:
    curve = coverage_curve(np.array([0, 0, 1, 0]), _sure([0.9, 0.8, 0.7, 0.3]), steps=3)
    assert curve["threshold"].tolist() == [0, 0.5, 1]
    assert curve["faces"].tolist() == [4, 3, 0]
    assert curve["coverage"].tolist() == [1, 0.75, 0]
    assert curve["accuracy"].tolist()[:2] == pytest.approx([0.75, 2 / 3])
    assert np.isnan(curve["accuracy"].iloc[2])
