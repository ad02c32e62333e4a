"""How good predictions are: pure functions on arrays. Shares and probabilities are 0 to 1."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fer.types import EMOTIONS, Probabilities

_CLASSES = range(len(EMOTIONS))


def accuracy_interval(correct: int, total: int) -> tuple[float, float]:
    """Return the 95% interval of a share (Wilson's score interval, 1927)."""
    from scipy.stats import binomtest  # takes long to load, and the served pages can do without

    interval = binomtest(correct, total).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


def confusion_matrix(
    labels: NDArray[np.int64], predictions: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Count (7, 7): rows are true expressions, columns predicted ones, in ``EMOTIONS`` order."""
    from sklearn.metrics import confusion_matrix as count

    return np.asarray(count(labels, predictions, labels=list(_CLASSES)), dtype=np.int64)


def per_class(labels: NDArray[np.int64], predictions: NDArray[np.int64]) -> pd.DataFrame:
    """Precision, recall, F1 and support of each expression.

    Returns:
        Seven rows: ``expression``, ``precision``, ``recall``, ``f1``, ``support``;
        0 where a share has nothing to be a share of.
    """
    from sklearn.metrics import precision_recall_fscore_support

    precision, recall, f1, support = precision_recall_fscore_support(
        labels, predictions, labels=list(_CLASSES), zero_division=0
    )
    return pd.DataFrame(
        {
            "expression": EMOTIONS,
            "precision": precision,
            "recall": recall,
            "f1": f1,
            "support": support,
        }
    )


def log_loss(labels: NDArray[np.int64], probabilities: Probabilities) -> float:
    """Mean negative log-probability of the true expression, in nats."""
    chosen = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(chosen, 1e-7)).mean())


def score(labels: NDArray[np.int64], probabilities: Probabilities) -> dict[str, Any]:
    """Sum predictions up.

    Args:
        labels: (N,) positions in ``EMOTIONS``, N at least 1.
        probabilities: (N, 7).

    Returns:
        ``images``, ``accuracy`` with its 95% interval ``low`` to ``high``,
        ``macro_f1`` and ``loss``.
    """
    predictions = probabilities.argmax(1)
    correct = int((predictions == labels).sum())
    low, high = accuracy_interval(correct, len(labels))
    return {
        "images": len(labels),
        "accuracy": correct / len(labels),
        "low": low,
        "high": high,
        "macro_f1": float(per_class(labels, predictions)["f1"].mean()),
        "loss": log_loss(labels, probabilities),
    }
