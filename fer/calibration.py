"""Make confidence mean what it says: calibration, and the threshold of "unsure".

Two numbers fitted on held-out images. A temperature (Guo et al. 2017,
https://arxiv.org/abs/1706.04599) divides the logits; and the even share that a network
trained with smoothed labels gives to all expressions is taken back. Neither changes which
expression is the most probable, only how sure the network says it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fer.metrics import log_loss
from fer.types import Probabilities

_TEMPERATURES: Final = (0.2, 5.0)  # temperatures beyond this would mean a broken network
_EVEN_SHARES: Final = (0.0, 0.5)
_LEAST: Final = 1e-12  # keeps the logarithm of a probability of 0 finite

#: No expression is ever ruled out: each keeps this much before all are scaled to sum to 1. Of
#: 0.00001 to 0.01 it gave the least log loss in cross-validation on the validation slice.
_LEAST_SHARE: Final = 0.003


@dataclass(frozen=True)
class Calibration:
    """How the probabilities of a run become honest ones.

    Attributes:
        temperature: positive; above 1 softens, below 1 sharpens.
        even_share: 0 to less than 1; so much of the whole is taken back, evenly from all seven.
    """

    temperature: float = 1.0
    even_share: float = 0.0

    @classmethod
    def of(cls, details: Mapping[str, Any]) -> Self:
        """Read it from a run's ``details``; of an uncalibrated run it changes nothing."""
        found = details.get("calibration") or {}
        return cls(found.get("temperature", 1.0), found.get("even_share", 0.0))

    @classmethod
    def fit(cls, labels: NDArray[np.int64], probabilities: Probabilities) -> Self:
        """Find the one with the least mean log loss on images held out of training.

        Args:
            labels: (N,) positions in ``EMOTIONS``.
            probabilities: (N, 7), uncalibrated.
        """
        from scipy.optimize import minimize

        def loss(candidate: NDArray[np.float64]) -> float:
            logarithm, even_share = candidate.tolist()
            return log_loss(labels, cls(float(np.exp(logarithm)), even_share).apply(probabilities))

        # Without derivatives: the least share makes the loss uneven.
        found = minimize(
            loss,
            x0=(0.0, 0.05),
            bounds=(tuple(np.log(_TEMPERATURES)), _EVEN_SHARES),
            method="Nelder-Mead",
            options={"initial_simplex": [(0.0, 0.05), (0.3, 0.05), (0.0, 0.15)], "fatol": 1e-7},
        )
        return cls(float(np.exp(found.x[0])), float(found.x[1]))

    def apply(self, probabilities: Probabilities) -> Probabilities:
        """Calibrate.

        Args:
            probabilities: (N, 7), uncalibrated.

        Returns:
            (N, 7) float32, rows summing to 1.
        """
        logits = np.log(np.maximum(probabilities, _LEAST)) / self.temperature
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares = powers / powers.sum(axis=1, keepdims=True)
        if self.even_share:
            each = self.even_share / shares.shape[1]
            shares = np.maximum((shares - each) / (1 - self.even_share), _LEAST_SHARE)
            shares /= shares.sum(axis=1, keepdims=True)
        calibrated: Probabilities = shares.astype(np.float32)
        return calibrated


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
