"""A run that is the mean of finished runs, over each face and its mirror image."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fer import artifacts
from fer.classifier import FacialExpressionModel
from fer.errors import ModelError
from fer.evaluation.evaluate import calibrate, measure, write_predictions
from fer.evaluation.looks import log_look
from fer.evaluation.model_card import model_card
from fer.evaluation.serving import measure_serving
from fer.fer2013.dataset import Dataset
from fer.fer2013.duplicates import validation_slice
from fer.metrics import log_loss
from fer.provenance import current_commit, machine, versions
from fer.types import EMOTIONS, FACE_SIZE, Run

_LIBRARIES = ("numpy", "ai-edge-litert")


def combine(name: str, members: Sequence[str], dataset: Dataset) -> Run:
    """Measure the mean of finished runs, write it as a run, and log the look at the test split.

    It holds no network of its own: whoever loads it loads the members.

    Args:
        name: of the new run; an older one of that name is replaced.
        members: names of finished runs. All must have been validated on the slice, so that
            the mean can be calibrated on images that none was trained on.
        dataset: all of FER2013.

    Raises:
        ModelError: if a member cannot be loaded, or does not fit with the others.
    """
    runs = [artifacts.load_run(member) for member in members]
    _check(runs)
    folder, test = artifacts.run_folder(name), dataset.split("test")
    with artifacts.draft_of(folder) as draft:
        meta = _describe(name, runs)
        # A preliminary description lets it be loaded and judged.
        (draft / artifacts.PREDICTIONS).touch()
        artifacts.write_meta(draft, meta)
        model = FacialExpressionModel.load(draft, "float")
        probabilities = model.predict(test.images, calibrated=False)
        write_predictions(draft / artifacts.PREDICTIONS, dataset, probabilities)
        meta["metrics"] |= {"test": measure(dataset, probabilities), **_validate(model, dataset)}
        meta["calibration"] = calibrate(meta["recipe"], model, dataset, probabilities)
        artifacts.write_meta(draft, meta)
        meta["serving"] = _measure_served(draft, runs, dataset)
        artifacts.write_meta(draft, meta)
        card = model_card(name, artifacts.load_run(draft))
        artifacts.write_text(draft / artifacts.CARD, card)
    run = artifacts.load_run(folder)
    log_look(run, "flip-averaged", run.metrics["test"])
    return run


def _check(runs: Sequence[Run]) -> None:
    first = runs[0]
    for run in runs:
        if run.members:
            raise ModelError(f"The run {run.name} is combined itself: name its members instead.")
        if run.preprocessing != first.preprocessing:
            raise ModelError(f"The runs {first.name} and {run.name} prepare faces differently.")
        if run.details["recipe"]["validation"] != "slice":
            raise ModelError(
                f"The run {run.name} held no images out of training, so what is made with it "
                "cannot be calibrated."
            )


def _describe(name: str, runs: Sequence[Run]) -> dict[str, Any]:
    recipes = [run.details["recipe"] for run in runs]
    *most, last = (run.name for run in runs)
    names = " and ".join(filter(None, (", ".join(most), last)))
    return {
        "labels": list(EMOTIONS),
        "input_shape": [FACE_SIZE, FACE_SIZE, 1],
        "preprocessing": dict(runs[0].preprocessing),
        "seed": runs[0].seed,
        "commit": current_commit(),
        "members": {run.name: artifacts.member_hashes(run) for run in runs},
        "recipe": {
            "name": "combine",
            "run": name,
            "epochs": sum(recipe["epochs"] for recipe in recipes),
            "validation": "slice",
        },
        "protocol": f"The mean of the runs {names} over each face and its mirror image. Each was "
        "trained on nine tenths of the training split; the mean was calibrated on the tenth that "
        "all held out. The test split was looked at once, afterwards.",
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": sum(run.details["seconds"] for run in runs),
        "machine": machine(),
        "versions": {"python": platform.python_version(), **versions(_LIBRARIES)},
        "metrics": {
            "parameters": sum(run.metrics["parameters"] for run in runs),
            # For a face and its mirror image.
            "multiply_adds": 2 * sum(run.metrics["multiply_adds"] for run in runs),
        },
    }


def _validate(model: FacialExpressionModel, dataset: Dataset) -> Mapping[str, float]:
    train = dataset.split("train")
    held_out = validation_slice(train)
    labels = train.labels[held_out]
    probabilities = model.predict(train.images[held_out], calibrated=False)
    return {
        "val_accuracy": float((probabilities.argmax(axis=1) == labels).mean()),
        "val_loss": log_loss(labels, probabilities),
    }


def _measure_served(draft: Path, runs: Sequence[Run], dataset: Dataset) -> dict[str, Any]:
    """Measure the members' served files together against their float32 ones."""
    models = {
        "float32": FacialExpressionModel.load(draft, "float"),
        "served": FacialExpressionModel.load(draft),
    }
    sizes = {
        "float32": sum(_size(run, artifacts.SERVING) for run in runs),
        "served": sum(_size(run, artifacts.served_file(run)) for run in runs),
    }
    measured = measure_serving(models, sizes, dataset.split("test"))
    return {
        "way": "served",
        "machine": machine(),
        "measured": {way: asdict(found) for way, found in measured.items()},
    }


def _size(run: Run, file: str) -> int:
    return (artifacts.run_folder(run.name) / file).stat().st_size
