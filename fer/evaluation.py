"""What a run reaches on the test split, and whether its committed figures can be reproduced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from fer import artifacts
from fer.classifier import FacialExpressionModel
from fer.dataset import Dataset
from fer.duplicates import has_training_twin
from fer.metrics import score
from fer.types import EMOTIONS, Image, Probabilities

#: A recomputed figure or probability may differ by this much: the arithmetic of
#: another processor or library version does.
TOLERANCE: Final = 1e-4


@dataclass(frozen=True)
class Evaluation:
    """A run measured again.

    Attributes:
        metrics: what ``measure`` finds, from predictions made now.
        flipped: the same with each face's view averaged with its mirror image's.
        problems: one sentence for each committed figure that could not be
            reproduced within ``TOLERANCE``; empty when all could.
    """

    metrics: Mapping[str, Any]
    flipped: Mapping[str, Any]
    problems: tuple[str, ...]


def flip_averaged(model: FacialExpressionModel, faces: Image) -> Probabilities:
    """Average uncalibrated probabilities of faces (N, 48, 48) and their mirror images: (N, 7)."""
    mirrored = np.ascontiguousarray(faces[:, :, ::-1])
    views = [model.predict(view, calibrated=False) for view in (faces, mirrored)]
    return (views[0] + views[1]) / np.float32(2)


def predictions_table(dataset: Dataset, probabilities: Probabilities) -> pd.DataFrame:
    """Lay predictions on the test split out as ``test_predictions.csv`` has them."""
    mask = dataset.mask("test")
    columns = {
        "row": dataset.rows[mask],
        "split": dataset.splits[mask],
        "label": np.array(EMOTIONS)[dataset.labels[mask]],
    }
    seven = {name: probabilities[:, i] for i, name in enumerate(EMOTIONS)}
    return pd.DataFrame({**columns, **seven})


def measure(dataset: Dataset, probabilities: Probabilities) -> dict[str, dict[str, Any]]:
    """Score predictions on the whole test split and on its parts.

    Args:
        dataset: all of FER2013.
        probabilities: (number of test images, 7), in the order of ``dataset.split("test")``.

    Returns:
        ``metrics.score`` for ``all``, for each official split, and for
        ``without_twins``: test images without a byte-identical training image.
    """
    test = dataset.split("test")
    names = dataset.splits[dataset.mask("test")]
    parts = {"all": np.ones(len(test), dtype=np.bool_)}
    parts |= {str(name): names == name for name in np.unique(names)[::-1]}
    parts["without_twins"] = ~has_training_twin(dataset.split("train"), test)
    return {name: score(test.labels[mask], probabilities[mask]) for name, mask in parts.items()}


def evaluate_run(name: str, dataset: Dataset) -> Evaluation:
    """Predict the test split anew with the serving file and compare with what is committed.

    Raises:
        ModelError: if the run cannot be loaded.
    """
    model = FacialExpressionModel.load(name)
    test = dataset.split("test")
    probabilities = model.predict(test.images, calibrated=False)
    metrics = measure(dataset, probabilities)
    committed = artifacts.read_predictions(artifacts.run_folder(name))
    problems = _compare_predictions(committed, predictions_table(dataset, probabilities))
    problems += _compare_figures(model.run.metrics.get("test", {}), metrics)
    flipped = measure(dataset, flip_averaged(model, test.images))
    return Evaluation(metrics, flipped, tuple(problems))


def _compare_predictions(committed: pd.DataFrame, found: pd.DataFrame) -> list[str]:
    keys = ["row", "split", "label"]
    if not committed[keys].equals(found[keys].astype(committed[keys].dtypes)):
        return [f"{artifacts.PREDICTIONS} is about other images than this data set's test split."]
    seven = list(EMOTIONS)
    worst = float(np.abs(committed[seven].to_numpy() - found[seven].to_numpy()).max())
    if worst > TOLERANCE:
        return [f"{artifacts.PREDICTIONS} differs by up to {worst:.2g} from predictions made now."]
    return []


def _compare_figures(committed: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    problems = []
    for part, figures in found.items():
        for figure, value in figures.items():
            recorded = committed.get(part, {}).get(figure)
            if recorded is None or abs(recorded - value) > TOLERANCE:
                problems.append(
                    f"{artifacts.META} gives {recorded} as {figure} on {part}; "
                    f"it is {value:.6g} now."
                )
    return problems
