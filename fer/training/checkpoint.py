"""The saved state of a training run: one file, replaced whole at the end of every epoch."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fer import artifacts
from fer.errors import ModelError
from fer.training.recipes import Recipe

_STATE: Final = "state.npz"

#: Groups of tensors by what they are of: the model, the optimiser, averages, the weights to keep.
Tensors = Mapping[str, Sequence[NDArray[Any]]]


@dataclass
class Memory:
    """What a run remembers from epoch to epoch beside its tensors; ready for JSON.

    Attributes:
        recipe: its settings.
        commit: commit of the code that started it.
        history: one record per finished epoch.
        kept_epoch: epoch whose weights are to be served, so far; from 1.
        plateau_rate: learning rate of ``PlateauAdam`` now.
        plateau_best: least validation loss so far.
        plateau_wait: epochs since that improved or the rate fell.
    """

    recipe: dict[str, Any]
    commit: str
    history: list[dict[str, float]] = field(default_factory=list)
    kept_epoch: int = 0
    plateau_rate: float = 0.0
    plateau_best: float = float("inf")
    plateau_wait: int = 0

    @property
    def epoch(self) -> int:
        """Number of finished epochs."""
        return len(self.history)


def exists(recipe: Recipe) -> bool:
    """Say whether a state of this run was saved before."""
    return (_folder(recipe) / _STATE).exists()


def save(recipe: Recipe, memory: Memory, tensors: Tensors) -> None:
    """Write everything the next epoch depends on, then what people watch."""
    folder = _folder(recipe)
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {f"{group}_{i}": v for group, values in tensors.items() for i, v in enumerate(values)}
    temporary = folder / (_STATE + ".part")
    with temporary.open("wb") as stream:
        np.savez(stream, allow_pickle=False, memory=np.array(json.dumps(asdict(memory))), **arrays)
    temporary.replace(folder / _STATE)
    history = pd.DataFrame(memory.history).to_csv(index=False, float_format="%.6g")
    artifacts.write_text(folder / artifacts.HISTORY, history)
    artifacts.write_status(
        artifacts.TrainingStatus(
            name=recipe.run,
            recipe=recipe.name,
            epoch=memory.epoch,
            epochs=recipe.epochs,
            folder=folder,
            updated=time.time(),
        )
    )


def restore(recipe: Recipe) -> tuple[Memory, Tensors]:
    """Read the state of an earlier process.

    Raises:
        ModelError: if it is damaged or of other settings.
    """
    path = _folder(recipe) / _STATE
    try:
        # NumPy leaves a damaged file open that it opened itself.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            memory = Memory(**json.loads(str(stored["memory"])))
            # By way of JSON, so that tuples and lists compare alike.
            if memory.recipe != json.loads(json.dumps(asdict(recipe))):
                raise ModelError(
                    f"The saved training of {recipe.run} used other settings. Delete "
                    f"{path.parent} to begin anew."
                )
            tensors: dict[str, list[NDArray[Any]]] = {}
            for name in stored.files[1:]:  # in the order of writing, after the memory
                tensors.setdefault(name.rsplit("_", 1)[0], []).append(stored[name])
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as exc:
        raise ModelError(f"The saved training {path} is damaged: {exc}.") from exc
    return memory, tensors


def begun_before(recipe: Recipe) -> ModelError:
    """Make the error for a run that exists and was not asked to go on."""
    return ModelError(
        f"Training of {recipe.run} was begun before. Go on with --resume, or delete "
        f"{_folder(recipe)} to begin anew."
    )


def _folder(recipe: Recipe) -> Path:
    return artifacts.runs_dir() / recipe.run
