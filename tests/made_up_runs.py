"""Finished runs and trainings under way, made up of small files; no network was trained."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fer import artifacts
from fer.metrics import score
from fer.preprocessing import describe
from fer.types import EMOTIONS, FACE_SIZE

#: Where the test split begins in fer2013.csv.
FIRST_TEST_ROW = 28_709

#: A network of every kind of layer, as Keras writes it into ``model.json``.
NETWORK: dict[str, Any] = {
    "class_name": "Sequential",
    "config": {
        "layers": [
            {
                "class_name": "InputLayer",
                "config": {"name": "input", "batch_shape": [None, 48, 48, 1]},
            },
            {
                "class_name": "Conv2D",
                "config": {
                    "name": "conv",
                    "filters": 8,
                    "kernel_size": [3, 3],
                    "strides": [2, 2],
                    "padding": "same",
                    "use_bias": True,
                },
            },
            {"class_name": "Flatten", "config": {"name": "flat"}},
            {
                "class_name": "Dense",
                "config": {"name": "answer", "units": 7, "use_bias": True, "activation": "softmax"},
            },
        ]
    },
}


def make_run(
    name: str = artifacts.DEFAULT_RUN, *, temperature: float | None = None
) -> pd.DataFrame:
    """Write a finished run whose network is empty files, and return its predictions.

    Args:
        name: of the run.
        temperature: calibrates it, with 0.5 as the limit of "unsure".
    """
    folder = artifacts.run_folder(name)
    folder.mkdir(parents=True)
    labels = np.arange(70) % 7
    seven = np.random.default_rng(1).dirichlet(np.ones(7), 70)
    seven[:40, :] = 0.05
    seven[np.arange(40), labels[:40]] = 0.7
    predictions = pd.DataFrame(seven, columns=list(EMOTIONS))
    predictions.insert(0, "label", np.array(EMOTIONS)[labels])
    predictions.insert(0, "split", "PublicTest")
    predictions.insert(0, "row", np.arange(70) + FIRST_TEST_ROW)
    predictions.to_csv(folder / artifacts.PREDICTIONS, index=False)
    make_history(folder, epochs=3)
    (folder / artifacts.ARCHITECTURE).write_text(json.dumps(NETWORK))
    for file in (artifacts.WEIGHTS, artifacts.SERVING):
        (folder / file).touch()
    (folder / artifacts.CARD).write_text("# Model card\nMeant for learning.")
    figures = score(labels, seven.astype(np.float32))
    calibration: dict[str, object] = {}
    if temperature is not None:
        calibration = {"temperature": temperature, "even_share": 0.0}
        calibration |= {"unsure_threshold": 0.5, "fitted_on": "10 faces"}
    artifacts.write_meta(
        folder,
        {
            "labels": EMOTIONS,
            "input_shape": [FACE_SIZE, FACE_SIZE, 1],
            "preprocessing": describe("fixed"),
            "metrics": {
                "kept_epoch": 3,
                "parameters": 2_870_000,
                "multiply_adds": 117e6,
                "train_accuracy": 0.681,
                "train_loss": 0.9,
                "test": {"all": figures, "PublicTest": figures, "without_twins": figures},
            },
            "commit": "0" * 12,
            "seed": 1,
            "protocol": "The checkpoint was chosen on the test faces.",
            "recipe": {"name": "seed", "epochs": 3, "optimizer": {"learning_rate": 5e-4}},
            "calibration": calibration,
        },
    )
    (artifacts.models_dir() / "references.csv").write_text(
        "name,version,kind,train_accuracy,accuracy,accuracy_without_twins,ms_per_face,source,date\n"
        "The original,,published,0.641,0.630,,,its authors,2020\n"
        "Another,1.0,measured,,0.66,0.64,,measured,2026\n"
    )
    return predictions


def make_combined(name: str, members: Sequence[str]) -> None:
    """Write the mean of runs that were made before."""
    folder = artifacts.run_folder(name)
    folder.mkdir(parents=True)
    runs = [artifacts.load_run(member) for member in members]
    for file in (artifacts.PREDICTIONS, artifacts.CARD):
        shutil.copy(artifacts.run_folder(members[0]) / file, folder)
    meta = artifacts.read_meta(artifacts.run_folder(members[0]))
    meta["members"] = {run.name: artifacts.member_hashes(run) for run in runs}
    meta["metrics"] = {key: meta["metrics"][key] for key in ("parameters", "multiply_adds", "test")}
    meta["recipe"] = {"name": "combine", "epochs": 6}
    artifacts.write_meta(folder, meta)


def make_history(folder: Path, epochs: int) -> None:
    steps = np.arange(1, epochs + 1)
    history = {"epoch": steps, "learning_rate": 5e-4, "seconds": 60.0}
    history |= dict.fromkeys(("loss", "val_loss"), 1.0 / steps)
    history |= dict.fromkeys(("accuracy", "val_accuracy"), 1 - 0.5 / steps)
    pd.DataFrame(history).to_csv(folder / artifacts.HISTORY, index=False)


def make_training(name: str, epoch: int, updated: float) -> None:
    folder = artifacts.runs_dir() / name
    folder.mkdir(parents=True, exist_ok=True)
    make_history(folder, epoch)
    artifacts.write_status(artifacts.TrainingStatus(name, "seed", epoch, 15, folder, updated))
