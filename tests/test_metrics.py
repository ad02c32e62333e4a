from __future__ import annotations

import numpy as np
import pytest

from fer.metrics import accuracy_interval, confusion_matrix, log_loss, per_class, score
from fer.types import EMOTIONS

LABELS = np.array([0, 0, 3, 3, 3, 6])
PREDICTED = np.array([0, 3, 3, 3, 6, 6])


def test_wilson_interval_of_a_known_share() -> None:
    # Textbook example: 8 of 10 gives 0.490 to 0.943.
    low, high = accuracy_interval(8, 10)
    assert low == pytest.approx(0.4902, abs=1e-4)
    assert high == pytest.approx(0.9433, abs=1e-4)


def test_confusion_counts_true_rows_and_predicted_columns() -> None:
    matrix = confusion_matrix(LABELS, PREDICTED)
    assert matrix.shape == (7, 7)
    assert matrix.sum() == 6
    assert matrix[0, 0] == 1
    assert matrix[0, 3] == 1
    assert matrix[3, 3] == 2
    assert matrix[3, 6] == 1
    assert matrix[6, 6] == 1


def test_per_class_figures() -> None:
    table = per_class(LABELS, PREDICTED).set_index("expression")
    assert list(table.index) == list(EMOTIONS)
    assert table.loc["angry"].to_dict() == pytest.approx(
        {"precision": 1.0, "recall": 0.5, "f1": 2 / 3, "support": 2}
    )
    assert table.loc["happy", "precision"] == pytest.approx(2 / 3)
    assert table.loc["neutral", "f1"] == pytest.approx(2 / 3)
    assert not table.loc["fear"].any()


def test_log_loss_in_nats() -> None:
    probabilities = np.full((2, 7), 0.1, np.float32)
    probabilities[0, 1] = probabilities[1, 2] = 0.4
    assert log_loss(np.array([1, 0]), probabilities) == pytest.approx(
        -(np.log(0.4) + np.log(0.1)) / 2, abs=1e-6
    )
    certain = np.eye(7, dtype=np.float32)[:1]
    assert np.isfinite(log_loss(np.array([1]), certain))


def test_score_sums_up() -> None:
    found = score(LABELS, np.eye(7, dtype=np.float32)[PREDICTED])
    assert found["images"] == 6
    assert found["accuracy"] == pytest.approx(4 / 6)
    assert found["low"] < found["accuracy"] < found["high"]
    assert found["macro_f1"] == pytest.approx((2 / 3 + 2 / 3 + 2 / 3) / 7)
