"""From a trained network to a finished run under ``models/``: files, figures, card, log."""

from __future__ import annotations

import math
import platform
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from fer import artifacts
from fer.classifier import FacialExpressionModel, litert_forward, load_keras
from fer.errors import ModelError
from fer.evaluation.evaluate import (
    calibrate,
    flip_averaged,
    measure,
    write_predictions,
)
from fer.evaluation.looks import log_look
from fer.evaluation.model_card import model_card
from fer.evaluation.serving import choose, measure_serving
from fer.fer2013.dataset import Dataset
from fer.preprocessing import Scaling, describe, scaling_of, to_model_input
from fer.provenance import machine, versions
from fer.training.conversion import FLOAT32, convert
from fer.training.fit import TrainedModel
from fer.training.network import multiply_adds
from fer.training.recipes import Recipe
from fer.types import EMOTIONS, FACE_SIZE, Run, Split

#: How far the float32 file's probabilities may be from the Keras model's.
_PARITY: Final = 1e-4

#: Training faces that show a converter the usual ranges.
_SAMPLE: Final = 500
_LIBRARIES: Final = ("tensorflow", "keras", "numpy", "ai-edge-litert")


def export_run(name: str, dataset: Dataset) -> Run:
    """Make a committed run's serving files anew from its architecture and weights.

    Which of them is served is measured and recorded anew as well.

    Raises:
        ModelError: if the run cannot be loaded, or the float32 file disagrees with Keras.
    """
    folder = artifacts.run_folder(name)
    meta = artifacts.read_meta(folder)
    model = load_keras(folder)
    sample = _sample(dataset.split("train"), scaling_of(meta["preprocessing"]))
    files = convert(model, sample)
    _write_float32(folder, files, model, meta)
    meta["serving"] = _write_fastest(folder, files, dataset.split("test"))
    artifacts.write_meta(folder, meta)
    run = artifacts.load_run(folder)
    artifacts.write_text(folder / artifacts.CARD, model_card(name, run))
    return run


def finish_run(recipe: Recipe, trained: TrainedModel, dataset: Dataset) -> Run:
    """Write a trained model as a finished run, measure it, and log the look at the test split.

    An older run of the same name is replaced once the new one is complete.

    Raises:
        ModelError: if the float32 file disagrees with the Keras model.
    """
    folder, test = artifacts.run_folder(recipe.run), dataset.split("test")
    with artifacts.draft_of(folder) as draft:
        artifacts.write_text(draft / artifacts.ARCHITECTURE, trained.model.to_json(indent=1))
        trained.model.save_weights(draft / artifacts.WEIGHTS)
        trained.history.to_csv(draft / artifacts.HISTORY, index=False, float_format="%.6g")

        files = convert(trained.model, _sample(dataset.split("train"), recipe.scaling))
        # A preliminary description lets the float32 file be loaded and judged.
        (draft / artifacts.PREDICTIONS).touch()
        network = _write_float32(draft, files, trained.model, _describe(recipe, trained, {}, {}))
        probabilities = network.predict(test.images, calibrated=False)
        mirrored = flip_averaged(network, test.images)
        write_predictions(draft / artifacts.PREDICTIONS, dataset, probabilities)
        write_predictions(draft / artifacts.FLIPPED, dataset, mirrored)
        metrics = measure(dataset, probabilities)
        calibration = calibrate(asdict(recipe), network, dataset, probabilities)
        meta = _describe(recipe, trained, metrics, calibration)
        artifacts.write_meta(draft, meta)
        meta["serving"] = _write_fastest(draft, files, test)
        artifacts.write_meta(draft, meta)
        card = model_card(recipe.run, artifacts.load_run(draft))
        artifacts.write_text(draft / artifacts.CARD, card)

    run = artifacts.load_run(folder)
    log_look(run, "single", metrics)
    log_look(run, "flip-averaged", measure(dataset, mirrored))
    return run


def _describe(
    recipe: Recipe,
    trained: TrainedModel,
    test: Mapping[str, Any],
    calibration: Mapping[str, Any],
) -> dict[str, Any]:
    kept = trained.history.iloc[trained.kept_epoch - 1]
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
        "versions": {"python": platform.python_version(), **versions(_LIBRARIES)},
        "metrics": {
            "parameters": trained.model.count_params(),
            "multiply_adds": multiply_adds(trained.model),
            "kept_epoch": trained.kept_epoch,
            "train_accuracy": float(kept["accuracy"]),
            "train_loss": float(kept["loss"]),
            "val_accuracy": _known(kept["val_accuracy"]),
            "val_loss": _known(kept["val_loss"]),
            "test": test,
        },
        "calibration": calibration,
    }


def _sample(train: Split, scaling: Scaling) -> NDArray[np.float32]:
    """Draw training faces, prepared for the network."""
    number = min(_SAMPLE, len(train))
    drawn = np.random.default_rng(0).choice(len(train), number, replace=False)
    return to_model_input(train.images[drawn], scaling)


def _write_float32(
    folder: Path, files: Mapping[str, bytes], model: keras.Model, meta: Mapping[str, Any]
) -> FacialExpressionModel:
    """Write the float32 file and its hash, and compare it with the Keras model.

    Compared on noise, which reaches more of a network than any face does.
    """
    (folder / artifacts.SERVING).write_bytes(files[FLOAT32])
    artifacts.write_meta(folder, meta)
    network = FacialExpressionModel.load(folder, "float")
    faces = np.random.default_rng(0).integers(0, 256, (16, 48, 48), dtype=np.uint8)
    prepared = to_model_input(faces, scaling_of(network.run.preprocessing))
    expected = model(prepared, training=False).numpy()
    worst = float(np.abs(network.predict(faces, calibrated=False) - expected).max())
    if worst > _PARITY:
        raise ModelError(f"The serving file differs from the Keras model by {worst:.2g}.")
    return network


def _write_fastest(folder: Path, files: Mapping[str, bytes], test: Split) -> dict[str, Any]:
    """Write the int8 file if one serves best, and describe what was measured and chosen."""
    run = artifacts.load_run(folder)
    with tempfile.TemporaryDirectory() as temporary:
        models = {}
        for way, content in files.items():
            path = Path(temporary) / f"{way}.tflite"
            path.write_bytes(content)
            models[way] = FacialExpressionModel(run, litert_forward(path))
        sizes = {way: len(content) for way, content in files.items()}
        measured = measure_serving(models, sizes, test)
    chosen = choose(measured)
    quantised = folder / artifacts.QUANTISED
    quantised.unlink(missing_ok=True)
    if chosen != FLOAT32:
        quantised.write_bytes(files[chosen])
    return {
        "file": artifacts.SERVING if chosen == FLOAT32 else artifacts.QUANTISED,
        "way": chosen,
        "machine": machine(),
        "measured": {way: asdict(found) for way, found in measured.items()},
    }


def _known(value: float) -> float | None:
    """JSON knows no NaN."""
    return None if math.isnan(value) else float(value)
