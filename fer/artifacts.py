"""Read and write the folders of runs, finished (``models/``) and under way (``runs/``).

A finished run is a folder of plain files; ``meta.json`` describes it and holds the
SHA-256 of every other file, so that a damaged or altered one is noticed. No
TensorFlow here: this is what the served app reads.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Collection, Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from fer.errors import ModelError
from fer.paths import PROJECT
from fer.preprocessing import scaling_of
from fer.types import EMOTIONS, FACE_SIZE, Run

#: The run that every page and command uses unless told otherwise.
DEFAULT_RUN: Final = "swift"

#: The run that the app offers beside it: slower, and more often right.
ACCURATE_RUN: Final = "accurate"

META: Final = "meta.json"
ARCHITECTURE: Final = "model.json"
WEIGHTS: Final = "model.weights.h5"
SERVING: Final = "model.tflite"
QUANTISED: Final = "model.int8.tflite"
HISTORY: Final = "history.csv"
PREDICTIONS: Final = "test_predictions.csv"
FLIPPED: Final = "test_predictions_flipped.csv"
CARD: Final = "MODEL_CARD.md"
ROBUSTNESS: Final = "robustness.csv"
STATUS: Final = "status.json"

#: Log of every look at the test split, beside the runs.
LOOKS: Final = "RESULTS.csv"

#: What a finished run must hold, a combined one its predictions only; their hashes stand in
#: ``meta.json``.
HASHED: Final = (ARCHITECTURE, WEIGHTS, SERVING, HISTORY, PREDICTIONS)

#: What a run may hold besides; hashed as well where it is there.
OPTIONAL: Final = (FLIPPED, QUANTISED)


@dataclass(frozen=True)
class TrainingStatus:
    """A training run that is under way or was interrupted.

    Attributes:
        name: name of the run.
        recipe: name of its recipe.
        epoch: epochs finished.
        epochs: epochs planned.
        folder: holds its ``history.csv``.
        updated: when it last made progress, in Unix seconds.
    """

    name: str
    recipe: str
    epoch: int
    epochs: int
    folder: Path
    updated: float


def models_dir() -> Path:
    """Folder of finished runs: ``FER_MODELS``, else the project's ``models/``."""
    return Path(os.environ.get("FER_MODELS", PROJECT / "models"))


def runs_dir() -> Path:
    """Folder of training states: ``FER_RUNS``, else the project's ``runs/`` (ignored by git)."""
    return Path(os.environ.get("FER_RUNS", PROJECT / "runs"))


def run_folder(name: str) -> Path:
    """Folder of the finished run of that name."""
    return models_dir() / name


def list_runs() -> tuple[str, ...]:
    """Names of the finished runs, the default one first."""
    names = sorted(path.parent.name for path in models_dir().glob(f"*/{META}"))
    return tuple(sorted(names, key=lambda name: name != default_run()))


def default_run() -> str:
    """Name of the run that is served unless another is asked for."""
    return DEFAULT_RUN


def load_run(name: str | Path) -> Run:
    """Read a run's description and check all its files.

    Args:
        name: name of a run under ``models_dir()``, or a run's folder.

    Raises:
        ModelError: naming the file that is missing, truncated or altered, or
            saying in what the run disagrees with this code.
    """
    folder = name if isinstance(name, Path) else run_folder(name)
    run = _describe(folder.name, read_meta(folder))
    for file in _files_of(folder, run.members, run.files):
        _check_file(folder / file, run.files.get(file))
    for member, recorded in run.details.get("members", {}).items():
        if recorded != member_hashes(load_run(member)):
            raise ModelError(
                f"The run {run.name} was made with another {member} than the one that is here. "
                f"Make it anew: python -m fer combine {run.name} {' '.join(run.members)}"
            )
    return run


def _files_of(folder: Path, members: Collection[str], recorded: Container[str]) -> list[str]:
    """Files that a run must hold or does hold, and whose hashes are kept."""
    required = (PREDICTIONS,) if members else HASHED
    return [*required, *(file for file in OPTIONAL if file in recorded or (folder / file).exists())]


def member_hashes(run: Run) -> dict[str, str]:
    """What is kept of a member of a combined run: SHA-256 of its files that answer."""
    return {"float": run.files[SERVING], "served": run.files[served_file(run)]}


def served_hash(run: Run) -> str:
    """SHA-256 of what answers for a run in the app: of its served file, or of its members'."""
    if not run.members:
        return run.files[served_file(run)]
    hashes = (member["served"] for member in run.details["members"].values())
    return hashlib.sha256("".join(hashes).encode()).hexdigest()


def served_file(run: Run) -> str:
    """Name of the file that answers for a run in the app: ``SERVING`` or ``QUANTISED``.

    Raises:
        ModelError: if the run's record names another.
    """
    name = run.details.get("serving", {}).get("file", SERVING)
    if name not in (SERVING, QUANTISED):
        raise ModelError(f"{run.name}/{META} names {name!r} as the file to serve.")
    return str(name)


def read_meta(folder: Path) -> dict[str, Any]:
    """Read ``meta.json`` of a run's folder as it stands, unchecked.

    Raises:
        ModelError: if there is no such run, or the file is no JSON object.
    """
    try:
        meta = json.loads((folder / META).read_text(encoding="utf-8"))
    except FileNotFoundError as exc:
        known = list_runs()
        advice = (
            f"Known: {', '.join(known)}."
            if known
            else "No model has been trained here yet: python -m fer train --recipe seed does it."
        )
        raise ModelError(f"There is no trained run {folder.name!r}. {advice}") from exc
    except (OSError, ValueError) as exc:
        raise ModelError(f"{folder.name}/{META} cannot be read: {exc}.") from exc
    if not isinstance(meta, dict):
        raise ModelError(f"{folder.name}/{META} holds no description of a run.")
    return meta


def _describe(name: str, meta: Mapping[str, Any]) -> Run:
    try:
        run = Run(
            name=name,
            labels=tuple(meta["labels"]),
            input_shape=tuple(meta["input_shape"]),
            preprocessing=meta["preprocessing"],
            metrics=meta["metrics"],
            commit=meta["commit"],
            seed=meta["seed"],
            files=meta["files"],
            details={key: meta[key] for key in meta.keys() - Run.__dataclass_fields__.keys()},
        )
    except (KeyError, TypeError) as exc:
        raise ModelError(f"{name}/{META} lacks or garbles {exc}.") from exc
    if run.labels != EMOTIONS:
        raise ModelError(
            f"{name}/{META} orders its labels {', '.join(run.labels)}; this code needs "
            f"{', '.join(EMOTIONS)}."
        )
    try:
        scaling_of(run.preprocessing)
    except ModelError as exc:
        raise ModelError(f"{name}/{META}: {exc}") from exc
    if run.input_shape != (FACE_SIZE, FACE_SIZE, 1):
        raise ModelError(f"{name}/{META} has the input shape {run.input_shape}.")
    return run


def _check_file(path: Path, expected: str | None) -> None:
    label = f"{path.parent.name}/{path.name}"
    if not path.is_file():
        raise ModelError(f"The run's file {label} is missing. Restore it, or train the run again.")
    if file_hash(path) != expected:
        raise ModelError(
            f"The run's file {label} is damaged or was altered: its SHA-256 is not the one "
            f"recorded in {META}. Restore it, or train the run again."
        )


def file_hash(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_meta(folder: Path, meta: Mapping[str, Any]) -> None:
    """Write ``meta.json`` with the hashes of the files that lie beside it."""
    names = _files_of(folder, meta.get("members", ()), ())
    hashes = {name: file_hash(folder / name) for name in names}
    write_text(folder / META, json.dumps({**meta, "files": hashes}, indent=2) + "\n")


@contextmanager
def draft_of(folder: Path) -> Iterator[Path]:
    """Make a folder to write a run into, which takes the old one's place once it is complete."""
    draft = folder.with_name(folder.name + ".part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    yield draft
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def read_history(folder: Path) -> pd.DataFrame:
    """Read one row per finished epoch.

    Returns:
        Columns ``epoch`` (from 1), ``loss``, ``accuracy``, ``val_loss``,
        ``val_accuracy``, ``learning_rate``, ``seconds``.
    """
    return _read_csv(folder / HISTORY)


def read_predictions(folder: Path, file: str = PREDICTIONS) -> pd.DataFrame:
    """Read the predictions on the test split.

    Args:
        folder: of the run.
        file: ``PREDICTIONS`` of a single view, or ``FLIPPED``: averaged with the mirror image's.

    Returns:
        One row per test image: ``row`` in fer2013.csv, official ``split``, true
        ``label`` as a word, and the seven uncalibrated probabilities.
    """
    return _read_csv(folder / file)


def read_robustness(folder: Path) -> pd.DataFrame | None:
    """Read the accuracy on spoilt faces, None where it was not measured."""
    return _read_csv(folder / ROBUSTNESS) if (folder / ROBUSTNESS).exists() else None


def read_references() -> pd.DataFrame:
    """Read what other tools reach on the same images, with source and date."""
    return _read_csv(models_dir() / "references.csv")


def read_looks() -> pd.DataFrame:
    """Read the log of every look at the test split; empty before the first."""
    path = models_dir() / LOOKS
    return _read_csv(path) if path.exists() else pd.DataFrame()


def _read_csv(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path)
    except (OSError, ValueError) as exc:
        raise ModelError(f"{path.parent.name}/{path.name} cannot be read: {exc}.") from exc


def write_status(status: TrainingStatus) -> None:
    """Record how far a training run has come."""
    record = {key: value for key, value in asdict(status).items() if key != "folder"}
    write_text(status.folder / STATUS, json.dumps(record, indent=2) + "\n")


def training_runs() -> tuple[TrainingStatus, ...]:
    """Training runs that have not finished, most recently active first."""
    found = []
    for path in runs_dir().glob(f"*/{STATUS}"):
        status = TrainingStatus(**json.loads(path.read_text(encoding="utf-8")), folder=path.parent)
        if status.epoch < status.epochs:
            found.append(status)
    return tuple(sorted(found, key=lambda status: -status.updated))
