"""What a run reaches on the test split, and whether its committed figures can be reproduced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fer import artifacts
from fer.calibration import (
    Calibration,
    coverage,
    expected_calibration_error,
    unsure_threshold,
)
from fer.classifier import FacialExpressionModel
from fer.evaluation.architecture import read_layers
from fer.evaluation.model_card import model_card
from fer.evaluation.serving import compare_serving
from fer.fer2013.dataset import Dataset
from fer.fer2013.duplicates import has_twin, validation_slice
from fer.metrics import score
from fer.types import EMOTIONS, Image, Probabilities, Run

#: Figures by name, ready for JSON.
Figures: TypeAlias = dict[str, Any]

#: A recomputed figure or probability may differ by this much: the arithmetic of
#: another processor or library version does.
TOLERANCE: Final = 1e-4

_REMEDY: Final = "Write it with: python -m fer evaluate RUN --write"


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
    parts["without_twins"] = ~has_twin(dataset.split("train"), test)
    return {name: score(test.labels[mask], probabilities[mask]) for name, mask in parts.items()}


def evaluate_run(name: str, dataset: Dataset) -> Evaluation:
    """Find everything about a run anew and compare it with what is committed.

    Predictions come from the float32 file, of a single view and averaged with the mirror image;
    figures and calibration from those; the network's size from its layers; the card from the
    description. The file that is served is held to its own figures.

    Raises:
        ModelError: if the run cannot be loaded.
    """
    model, folder = FacialExpressionModel.load(name, "float"), artifacts.run_folder(name)
    run, test = model.run, dataset.split("test")
    probabilities = model.predict(test.images, calibrated=False)
    metrics = measure(dataset, probabilities)
    problems = _compare_predictions(folder, artifacts.PREDICTIONS, dataset, probabilities)
    mirrored = probabilities  # a combined run looks at the mirror image by itself
    if not run.members:
        mirrored = flip_averaged(model, test.images)
        problems += _compare_predictions(folder, artifacts.FLIPPED, dataset, mirrored)
    problems += _compare_figures(run.metrics.get("test", {}), metrics)
    problems += _compare_calibration(model, dataset, probabilities)
    problems += _compare_network(run)
    problems += compare_serving(FacialExpressionModel.load(name), test)
    if (folder / artifacts.CARD).read_text(encoding="utf-8") != model_card(name, run):
        problems.append(f"{artifacts.CARD} does not say what {artifacts.META} says. {_REMEDY}")
    return Evaluation(metrics, measure(dataset, mirrored), tuple(problems))


def complete_run(name: str, dataset: Dataset) -> None:
    """Write what follows from a run: its calibration, mirror-averaged predictions and card.

    What was measured when it was trained stays as it is; what is served of it is measured with
    the calibration, so it is to be exported again.

    Raises:
        ModelError: if the run cannot be loaded.
    """
    model, folder = FacialExpressionModel.load(name, "float"), artifacts.run_folder(name)
    test = dataset.split("test")
    if not model.run.members:
        write_predictions(folder / artifacts.FLIPPED, dataset, flip_averaged(model, test.images))
    meta = artifacts.read_meta(folder)
    probabilities = model.predict(test.images, calibrated=False)
    meta["calibration"] = calibrate(meta["recipe"], model, dataset, probabilities)
    artifacts.write_meta(folder, meta)
    card = model_card(name, artifacts.load_run(name))
    artifacts.write_text(folder / artifacts.CARD, card)


def write_predictions(path: Path, dataset: Dataset, probabilities: Probabilities) -> None:
    """Write predictions on the test split (number of test images, 7) to a CSV file."""
    table = predictions_table(dataset, probabilities)
    artifacts.write_text(path, table.to_csv(index=False, float_format="%.6f"))


def calibrate(
    recipe: Mapping[str, Any],
    model: FacialExpressionModel,
    dataset: Dataset,
    probabilities: Probabilities,
) -> Figures:
    """Find the calibration, the threshold of "unsure", and what they bring on the test split.

    They are fitted on the images that were held out of training. A run that was validated on
    the test split has none left to fit on honestly, and stays uncalibrated. One that trained
    on all images takes over what was fitted for a run of the same recipe on fewer.

    Args:
        recipe: settings of the run, as ``meta.json`` holds them.
        model: the run.
        dataset: all of FER2013.
        probabilities: (number of test images, 7), what the run puts out for the test split.

    Returns:
        ``fitted_on`` in words, ``temperature``, ``even_share``, ``unsure_threshold`` (None if no
        threshold makes it right often enough) and the ``coverage`` at it, all on held-out
        images; then the calibration error on the test split before (``test_ece_before``), after
        (``test_ece_after``) and after without the images that have a twin in training
        (``test_ece_without_twins``). Empty for an uncalibrated run.

    Raises:
        ModelError: if the run to take it over from is not there.
    """
    train, test = dataset.split("train"), dataset.split("test")
    if recipe.get("calibrated_as"):
        found = _borrow(artifacts.load_run(recipe["calibrated_as"]))
    elif recipe["validation"] == "slice":
        held_out = validation_slice(train)
        raw = model.predict(train.images[held_out], calibrated=False)
        found = _fit(train.labels[held_out], raw)
    else:
        return {}
    calibrated = Calibration.of({"calibration": found}).apply(probabilities)
    alone = ~has_twin(train, test)
    return found | {
        "test_ece_before": expected_calibration_error(test.labels, probabilities),
        "test_ece_after": expected_calibration_error(test.labels, calibrated),
        "test_ece_without_twins": expected_calibration_error(test.labels[alone], calibrated[alone]),
    }


def _fit(labels: NDArray[np.int64], raw: Probabilities) -> Figures:
    calibration = Calibration.fit(labels, raw)
    calibrated = calibration.apply(raw)
    threshold = unsure_threshold(labels, calibrated)
    return {
        "fitted_on": f"{len(labels)} validation images",
        **asdict(calibration),
        "unsure_threshold": threshold,
        "coverage": None if threshold is None else coverage(calibrated, threshold),
    }


def _borrow(run: Run) -> Figures:
    found = run.details["calibration"]
    borrowed = ("temperature", "even_share", "unsure_threshold", "coverage")
    return {"fitted_on": f"{found['fitted_on']} of the run {run.name}"} | {
        name: found[name] for name in borrowed
    }


def _compare_predictions(
    folder: Path, file: str, dataset: Dataset, probabilities: Probabilities
) -> list[str]:
    if not (folder / file).exists():
        return [f"{file} is missing. {_REMEDY}"]
    committed = artifacts.read_predictions(folder, file)
    found = predictions_table(dataset, probabilities)
    keys = ["row", "split", "label"]
    if not committed[keys].equals(found[keys].astype(committed[keys].dtypes)):
        return [f"{file} is about other images than this data set's test split."]
    seven = list(EMOTIONS)
    worst = float(np.abs(committed[seven].to_numpy() - found[seven].to_numpy()).max())
    if worst > TOLERANCE:
        return [f"{file} differs by up to {worst:.2g} from predictions made now."]
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


def _compare_calibration(
    model: FacialExpressionModel, dataset: Dataset, probabilities: Probabilities
) -> list[str]:
    """Find the calibration again."""
    committed = model.run.details.get("calibration") or {}
    found = calibrate(model.run.details["recipe"], model, dataset, probabilities)
    problems = []
    for name in sorted(found.keys() | committed.keys()):
        recorded, now = committed.get(name), found.get(name)
        if isinstance(recorded, float) and isinstance(now, float):
            agrees = abs(recorded - now) <= TOLERANCE
        else:
            agrees = recorded == now
        if not agrees:
            problems.append(
                f"{artifacts.META} gives {recorded} as the {name} of calibration; it is {now} now."
            )
    return problems


def _compare_network(run: Run) -> list[str]:
    views = 2 if run.members else 1
    networks = [read_layers(artifacts.run_folder(name)) for name in run.members or (run.name,)]
    layers = [layer for network in networks for layer in network]
    found = {
        "parameters": sum(layer.parameters for layer in layers),
        "multiply_adds": views * sum(layer.multiply_adds for layer in layers),
    }
    return [
        f"{artifacts.META} gives {run.metrics[name]} as {name}; the layers make {number}."
        for name, number in found.items()
        if run.metrics[name] != number
    ]
