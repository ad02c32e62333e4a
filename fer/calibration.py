"""Make confidence mean what it says: temperature scaling, and the threshold of "unsure".

Temperature scaling (Guo et al. 2017, https://arxiv.org/abs/1706.04599) divides the
logits by one number fitted on held-out images. It changes no label, only how sure
the network says it is. Probabilities alone suffice: p ** (1/T), scaled to sum to 1.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fer.metrics import log_loss
from fer.types import Probabilities

_RANGE: Final = (0.2, 5.0)  # temperatures beyond this would mean a broken network
_LEAST: Final = 1e-12  # keeps the logarithm of a probability of 0 finite


def apply_temperature(probabilities: Probabilities, temperature: float) -> Probabilities:
    """Soften (above 1) or sharpen (below 1) probabilities.

    Args:
        probabilities: (N, 7).
        temperature: positive; 1 changes nothing.

    Returns:
        (N, 7) float32, rows summing to 1.
    """
    logits = np.log(np.maximum(probabilities, _LEAST)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    scaled: Probabilities = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    return scaled


def fit_temperature(labels: NDArray[np.int64], probabilities: Probabilities) -> float:
    """Find the temperature with the least mean log loss on images held out of training.

    Args:
        labels: (N,) positions in ``EMOTIONS``.
        probabilities: (N, 7), uncalibrated.

    Returns:
        Temperature, 0.2 to 5.
    """
    from scipy.optimize import minimize_scalar

    def loss(logarithm: float) -> float:
        return log_loss(labels, apply_temperature(probabilities, float(np.exp(logarithm))))

    found = minimize_scalar(loss, bounds=tuple(np.log(_RANGE)), method="bounded")
    return float(np.exp(found.x))


def unsure_threshold(
    labels: NDArray[np.int64], probabilities: Probabilities, accuracy: float = 0.80
) -> float | None:
    """Find the least confidence from which answers are right often enough.

    Args:
        labels: (N,).
        probabilities: (N, 7), calibrated.
        accuracy: wanted share of right answers among those given, 0 to 1.

    Returns:
        The lowest confidence whose answers, taken with all surer ones, reach that
        share; None if no part of the images does.
    """
    confidence = probabilities.max(axis=1)
    order = np.argsort(-confidence, kind="stable")
    right = (probabilities.argmax(axis=1) == labels)[order]
    reached = np.flatnonzero(np.cumsum(right) / np.arange(1, len(right) + 1) >= accuracy)
    return float(confidence[order[reached[-1]]]) if len(reached) else None


def coverage(probabilities: Probabilities, threshold: float) -> float:
    """Share of faces whose confidence is at least ``threshold``, 0 to 1."""
    return float((probabilities.max(axis=1) >= threshold).mean())


def expected_calibration_error(
    labels: NDArray[np.int64], probabilities: Probabilities, bins: int = 15
) -> float:
    """Mean gap between confidence and accuracy over equal bins of confidence (Guo et al. 2017).

    Args:
        labels: (N,).
        probabilities: (N, 7).
        bins: number of bins between 0 and 1.

    Returns:
        Gap weighted by the images in each bin, 0 (honest) to 1.
    """
    rows = reliability(labels, probabilities, bins)
    gaps = (rows["confidence"] - rows["accuracy"]).abs()
    return float((gaps * rows["images"]).sum() / len(labels))


def reliability(
    labels: NDArray[np.int64], probabilities: Probabilities, bins: int = 15
) -> pd.DataFrame:
    """How right answers are, by how sure they are.

    Args:
        labels: (N,).
        probabilities: (N, 7).
        bins: number of equal bins of confidence between 0 and 1.

    Returns:
        One row per bin that holds images: ``low`` and ``high`` (its bounds), ``images``,
        mean ``confidence`` and ``accuracy``.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    number = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    table = pd.DataFrame({"bin": number, "confidence": confidence, "accuracy": right})
    rows = table.groupby("bin").agg(
        images=("accuracy", "size"),
        confidence=("confidence", "mean"),
        accuracy=("accuracy", "mean"),
    )
    rows.insert(0, "low", rows.index / bins)
    rows.insert(1, "high", (rows.index + 1) / bins)
    return rows.reset_index(drop=True)


def brier_score(labels: NDArray[np.int64], probabilities: Probabilities) -> float:
    """Mean squared distance between probabilities and truth (Brier 1950): 0 to 2, less is better.

    Args:
        labels: (N,) positions in ``EMOTIONS``.
        probabilities: (N, 7).
    """
    from sklearn.metrics import brier_score_loss

    seven = range(probabilities.shape[1])
    # Rows sum to 1 only to float32's precision, which scikit-learn would warn of.
    exact = probabilities.astype(np.float64)
    exact /= exact.sum(axis=1, keepdims=True)
    return float(brier_score_loss(labels, exact, labels=list(seven), scale_by_half=False))


def coverage_curve(
    labels: NDArray[np.int64], probabilities: Probabilities, steps: int = 101
) -> pd.DataFrame:
    """What is left, and how right it is, if only answers of some confidence are given.

    Args:
        labels: (N,).
        probabilities: (N, 7).
        steps: number of thresholds from 0 to 1.

    Returns:
        One row per threshold: ``threshold``, ``faces`` at least so sure, ``coverage`` (their
        share) and ``accuracy`` among them, missing where none is left.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    thresholds = np.linspace(0, 1, steps)
    kept = confidence[None, :] >= thresholds[:, None]
    faces = kept.sum(axis=1)
    hits = (kept & right).sum(axis=1)
    accuracy = np.divide(hits, faces, out=np.full(steps, np.nan), where=faces > 0)
    return pd.DataFrame(
        {
            "threshold": thresholds,
            "faces": faces,
            "coverage": faces / len(labels),
            "accuracy": accuracy,
        }
    )
