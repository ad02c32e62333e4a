"""From a trained network to a finished run under ``models/``: files, figures, card, log."""

from __future__ import annotations

import csv
import platform
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np

from fer import artifacts
from fer.classifier import FacialExpressionModel, load_keras
from fer.dataset import Dataset
from fer.errors import ModelError
from fer.evaluation import (
    calibrate,
    calibration_error,
    flip_averaged,
    measure,
    write_predictions,
)
from fer.model_card import model_card
from fer.network import multiply_adds
from fer.preprocessing import describe, scaling_of, to_model_input
from fer.provenance import machine
from fer.recipes import Recipe
from fer.training import TrainedModel
from fer.types import EMOTIONS, FACE_SIZE, Run

#: How far the serving file's probabilities may be from the Keras model's.
_PARITY: Final = 1e-4
_LIBRARIES: Final = ("tensorflow", "keras", "numpy", "ai-edge-litert")


def export_serving(model: keras.Model, path: Path) -> None:
    """Write the LiteRT serving file of a Keras model.

    Raises:
        ModelError: if the converted file cannot be written.
    """
    try:
        model.export(str(path), format="litert", verbose=False)
    except (OSError, RuntimeError, ValueError) as exc:
        raise ModelError(f"The serving file could not be made: {exc}.") from exc


def export_run(name: str) -> Run:
    """Make a committed run's serving file anew from its architecture and weights.

    Raises:
        ModelError: if the run cannot be loaded, or the new file disagrees with Keras.
    """
    folder = artifacts.run_folder(name)
    meta = artifacts.read_meta(folder)
    model = load_keras(folder)
    export_serving(model, folder / artifacts.SERVING)
    artifacts.write_meta(folder, meta)
    _check_parity(model, FacialExpressionModel.load(folder))
    return artifacts.load_run(folder)


def finish_run(recipe: Recipe, trained: TrainedModel, dataset: Dataset) -> Run:
    """Write a trained model as a finished run, measure it, and log the look at the test split.

    An older run of the same name is replaced once the new one is complete.

    Raises:
        ModelError: if the serving file disagrees with the Keras model.
    """
    folder = artifacts.run_folder(recipe.run)
    draft = folder.with_name(folder.name + ".part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    artifacts.write_text(draft / artifacts.ARCHITECTURE, trained.model.to_json(indent=1))
    trained.model.save_weights(draft / artifacts.WEIGHTS)
    export_serving(trained.model, draft / artifacts.SERVING)
    trained.history.to_csv(draft / artifacts.HISTORY, index=False, float_format="%.6g")

    test = dataset.split("test")
    # A preliminary description lets the serving file be loaded and judged as users will.
    (draft / artifacts.PREDICTIONS).touch()
    artifacts.write_meta(draft, _describe(recipe, trained, {}, {}))
    served = FacialExpressionModel.load(draft)
    _check_parity(trained.model, served)
    probabilities = served.predict(test.images, calibrated=False)
    mirrored = flip_averaged(served, test.images)
    write_predictions(draft / artifacts.PREDICTIONS, dataset, probabilities)
    write_predictions(draft / artifacts.FLIPPED, dataset, mirrored)
    metrics = measure(dataset, probabilities)
    calibration = calibrate(recipe.validation, served, trained.validation)
    if calibration:
        calibration |= calibration_error(test.labels, probabilities, calibration["temperature"])
    artifacts.write_meta(draft, _describe(recipe, trained, metrics, calibration))
    artifacts.write_text(draft / artifacts.CARD, model_card(recipe.run, artifacts.load_run(draft)))
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)

    run = artifacts.load_run(folder)
    _log_look(run, "single", metrics)
    _log_look(run, "flip-averaged", measure(dataset, mirrored))
    return run


def _describe(
    recipe: Recipe,
    trained: TrainedModel,
    test: Mapping[str, Any],
    calibration: Mapping[str, Any],
) -> dict[str, Any]:
    best = trained.history.iloc[trained.kept_epoch - 1]
    return {
        "labels": list(EMOTIONS),
        "input_shape": [FACE_SIZE, FACE_SIZE, 1],
        "preprocessing": describe(recipe.scaling),
        "seed": recipe.seed,
        "commit": trained.commit,
        "recipe": asdict(recipe),
        "protocol": recipe.protocol,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(float(trained.history["seconds"].sum()), 1),
        "machine": machine(),
        "versions": {"python": platform.python_version()}
        | {library: version(library) for library in _LIBRARIES},
        "metrics": {
            "parameters": trained.model.count_params(),
            "multiply_adds": multiply_adds(trained.model),
            "kept_epoch": trained.kept_epoch,
            "train_accuracy": float(best["accuracy"]),
            "train_loss": float(best["loss"]),
            "val_accuracy": float(best["val_accuracy"]),
            "val_loss": float(best["val_loss"]),
            "test": test,
        },
        "calibration": calibration,
    }


def _check_parity(model: keras.Model, served: FacialExpressionModel) -> None:
    """Compare both runtimes on noise, which reaches more of a network than any face does."""
    faces = np.random.default_rng(0).integers(0, 256, (16, 48, 48), dtype=np.uint8)
    prepared = to_model_input(faces, scaling_of(served.run.preprocessing))
    expected = model(prepared, training=False).numpy()
    worst = float(np.abs(served.predict(faces, calibrated=False) - expected).max())
    if worst > _PARITY:
        raise ModelError(f"The serving file differs from the Keras model by {worst:.2g}.")


def _log_look(run: Run, view: str, metrics: Mapping[str, Any]) -> None:
    """Add one line to ``RESULTS.csv``: every look at the test split is on record."""
    shown = ("all", "PublicTest", "PrivateTest", "without_twins")
    record = {
        "finished": run.details["finished"],
        "run": run.name,
        "recipe": run.details["recipe"]["name"],
        "validation": run.details["recipe"]["validation"],
        "seed": run.seed,
        "epochs": run.details["recipe"]["epochs"],
        "hours": round(run.details["seconds"] / 3600, 2),
        "parameters": run.metrics["parameters"],
        "multiply_adds": run.metrics["multiply_adds"],
        "view": view,
        **{name: round(metrics[name]["accuracy"], 4) for name in shown if name in metrics},
        "low": round(metrics["all"]["low"], 4),
        "high": round(metrics["all"]["high"], 4),
        "macro_f1": round(metrics["all"]["macro_f1"], 4),
        "commit": run.commit,
        "machine": run.details["machine"],
    }
    path = artifacts.models_dir() / artifacts.LOOKS
    is_new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(record), lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerow(record)
