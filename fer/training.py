"""Train a recipe on FER2013, resumable after a kill at any moment.

One file, replaced whole at the end of every epoch, holds all that the next epoch
depends on: weights, optimiser, dropout's random state, the best weights so far,
the learning-rate schedule's memory and the history. Order and flips of an epoch
are drawn from (seed, epoch) alone. So an interrupted run repeats its unfinished
epoch and goes on exactly as if nothing had happened.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from numpy.typing import NDArray

from fer import artifacts
from fer.duplicates import validation_slice
from fer.errors import ModelError
from fer.images import to_model_input
from fer.metrics import log_loss
from fer.network import NETWORKS, NetworkBuilder
from fer.recipes import Recipe
from fer.types import Probabilities, Split

_STATE: Final = "state.npz"
_PREDICT_BATCH: Final = 256


@dataclass(frozen=True)
class TrainingProgress:
    """How far a run has come.

    Attributes:
        epoch: epoch under way, from 1.
        step: steps finished over the whole run.
        steps: steps of the whole run.
        loss: running mean of this epoch's training loss.
        accuracy: running training accuracy of this epoch.
        images_per_s: training images per second in this epoch.
        history: one record per finished epoch.
    """

    epoch: int
    step: int
    steps: int
    loss: float
    accuracy: float
    images_per_s: float
    history: tuple[dict[str, float], ...]


OnProgress = Callable[[TrainingProgress], None]


@dataclass
class _Memory:
    """What a run remembers from epoch to epoch beside its tensors; ready for JSON."""

    recipe: dict[str, Any]
    commit: str
    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    plateau_best: float = float("inf")
    plateau_wait: int = 0

    @property
    def epoch(self) -> int:
        return len(self.history)


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A model with its best weights, and how it came about.

    Attributes:
        model: the network, holding the weights of ``best_epoch``.
        history: one row per epoch.
        best_epoch: epoch with the best validation accuracy, from 1.
        commit: commit of the code that started the run.
    """

    model: keras.Model
    history: pd.DataFrame
    best_epoch: int
    commit: str


def train(
    recipe: Recipe,
    train_split: Split,
    test_split: Split,
    *,
    resume: bool = False,
    on_progress: OnProgress | None = None,
    networks: Mapping[str, NetworkBuilder] = NETWORKS,
) -> TrainedModel:
    """Train until the recipe's last epoch.

    Args:
        recipe: settings.
        train_split: the official training images.
        test_split: the official test images; looked at only if the recipe
            validates on them.
        resume: go on from the saved state, if there is one, instead of from nothing.
        on_progress: called after every step.
        networks: where the recipe's network is looked up.

    Raises:
        ModelError: if a saved state exists but ``resume`` is not asked for, or
            if it belongs to other settings or is damaged.
    """
    model = networks[recipe.network](recipe.seed)
    run = _TrainingRun(recipe, model, *_validation(recipe, train_split, test_split))
    state = artifacts.runs_dir() / recipe.run / _STATE
    if state.exists():
        if not resume:
            raise ModelError(
                f"Training of {recipe.run} was begun before. Go on with --resume, or delete "
                f"{state.parent} to begin anew."
            )
        run.restore(state)
    while run.memory.epoch < recipe.epochs:
        run.train_epoch(on_progress)
        run.save(state)
    return run.result()


def _validation(recipe: Recipe, train_split: Split, test_split: Split) -> tuple[Split, Split]:
    """Return the images that are trained on and those that choose the checkpoint."""
    if recipe.validation == "test":
        return train_split, test_split
    held_out = validation_slice(train_split)
    return _part(train_split, ~held_out), _part(train_split, held_out)


def _part(split: Split, mask: NDArray[np.bool_]) -> Split:
    return Split(split.images[mask], split.labels[mask], split.rows[mask])


class _TrainingRun:
    """The live state of a run: model, optimiser, best weights and memory."""

    def __init__(
        self, recipe: Recipe, model: keras.Model, training: Split, validation: Split
    ) -> None:
        self.recipe = recipe
        self.training = training
        self.validation = validation
        self.model = model
        self.optimizer = keras.optimizers.Adam(recipe.learning_rate)
        self.optimizer.build(self.model.trainable_variables)
        self.best = [value.numpy() for value in self.model.weights]
        self.memory = _Memory(recipe=asdict(recipe), commit=current_commit())
        self._step = self._compile_step()

    @property
    def steps(self) -> int:
        """Whole batches in an epoch."""
        return len(self.training) // self.recipe.batch_size

    def train_epoch(self, on_progress: OnProgress | None) -> None:
        """Train on every image once, validate, and remember the epoch."""
        epoch, started = self.memory.epoch + 1, time.monotonic()
        learning_rate = float(self.optimizer.learning_rate.numpy())
        random = np.random.default_rng([self.recipe.seed, epoch])
        order = random.permutation(len(self.training)).astype(np.int32)
        flips = random.random(len(self.training)) < 0.5
        loss, correct, size = 0.0, 0, self.recipe.batch_size
        for step in range(self.steps):
            batch = slice(step * size, (step + 1) * size)
            batch_loss, batch_correct = self._step(order[batch], flips[batch])
            loss += float(batch_loss)
            correct += int(batch_correct)
            if on_progress:
                seen = (step + 1) * size
                on_progress(
                    TrainingProgress(
                        epoch=epoch,
                        step=(epoch - 1) * self.steps + step + 1,
                        steps=self.recipe.epochs * self.steps,
                        loss=loss / (step + 1),
                        accuracy=correct / seen,
                        images_per_s=seen / (time.monotonic() - started),
                        history=tuple(self.memory.history),
                    )
                )
        probabilities = predict(self.model, self.validation)
        predicted = probabilities.argmax(1)
        self._remember(
            {
                "epoch": epoch,
                "loss": loss / self.steps,
                "accuracy": correct / (self.steps * size),
                "val_loss": log_loss(self.validation.labels, probabilities),
                "val_accuracy": float((predicted == self.validation.labels).mean()),
                "learning_rate": learning_rate,
                "seconds": time.monotonic() - started,
            }
        )

    def _remember(self, record: dict[str, float]) -> None:
        """Keep the best weights, and lower the learning rate on a plateau."""
        memory = self.memory
        if record["val_accuracy"] > max((r["val_accuracy"] for r in memory.history), default=-1):
            memory.best_epoch = int(record["epoch"])
            self.best = [value.numpy() for value in self.model.weights]
        memory.history.append(record)
        # A change of less than 1e-4 is no improvement: Keras's own ReduceLROnPlateau
        # has that margin, and the factor 0.1.
        if record["val_loss"] < memory.plateau_best - 1e-4:
            memory.plateau_best, memory.plateau_wait = record["val_loss"], 0
            return
        memory.plateau_wait += 1
        if memory.plateau_wait >= self.recipe.plateau_patience:
            lowered = max(record["learning_rate"] * 0.1, self.recipe.least_learning_rate)
            self.optimizer.learning_rate.assign(lowered)
            memory.plateau_wait = 0

    def _compile_step(self) -> Callable[..., tuple[tf.Tensor, tf.Tensor]]:
        # The whole split is one constant: a batch is a gather by index, which costs
        # next to nothing beside the convolutions.
        images = tf.constant(to_model_input(self.training.images))  # (N, 48, 48, 1)
        labels = tf.constant(self.training.labels)  # (N,)
        model, optimizer = self.model, self.optimizer
        weights = model.trainable_variables

        @tf.function(  # type: ignore[untyped-decorator]
            input_signature=[tf.TensorSpec([None], tf.int32), tf.TensorSpec([None], tf.bool)]
        )
        def step(index: tf.Tensor, flip: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            faces = tf.gather(images, index)  # (B, 48, 48, 1)
            faces = tf.where(flip[:, None, None, None], tf.reverse(faces, [2]), faces)
            truth = tf.gather(labels, index)  # (B,)
            with tf.GradientTape() as tape:
                probabilities = model(faces, training=True)  # (B, 7)
                loss = tf.reduce_mean(
                    keras.losses.sparse_categorical_crossentropy(truth, probabilities)
                )
            optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
            hits = tf.equal(tf.argmax(probabilities, 1), truth)
            return loss, tf.reduce_sum(tf.cast(hits, tf.int32))

        return step  # type: ignore[no-any-return]

    def save(self, path: Path) -> None:
        """Write everything the next epoch depends on, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays = {
            **{f"model_{i}": v.numpy() for i, v in enumerate(self.model.variables)},
            **{f"optimizer_{i}": v.numpy() for i, v in enumerate(self.optimizer.variables)},
            **{f"best_{i}": v for i, v in enumerate(self.best)},
        }
        temporary = path.with_name(path.name + ".part")
        with temporary.open("wb") as stream:
            np.savez(stream, memory=np.array(json.dumps(asdict(self.memory))), **arrays)
        temporary.replace(path)
        history = pd.DataFrame(self.memory.history).to_csv(index=False, float_format="%.6g")
        artifacts.write_text(path.parent / artifacts.HISTORY, history)
        artifacts.write_status(
            artifacts.TrainingStatus(
                name=self.recipe.run,
                recipe=self.recipe.name,
                epoch=self.memory.epoch,
                epochs=self.recipe.epochs,
                folder=path.parent,
                updated=time.time(),
            )
        )

    def restore(self, path: Path) -> None:
        """Take the state of an earlier process over.

        Raises:
            ModelError: if the state is damaged or of other settings.
        """
        try:
            with np.load(path, allow_pickle=False) as stored:
                memory = _Memory(**json.loads(str(stored["memory"])))
                if memory.recipe != asdict(self.recipe):
                    raise ModelError(
                        f"The saved training of {self.recipe.run} used other settings. Delete "
                        f"{path.parent} to begin anew."
                    )
                for i, variable in enumerate(self.model.variables):
                    variable.assign(stored[f"model_{i}"])
                for i, variable in enumerate(self.optimizer.variables):
                    variable.assign(stored[f"optimizer_{i}"])
                self.best = [stored[f"best_{i}"] for i in range(len(self.best))]
        except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as exc:
            raise ModelError(f"The saved training {path} is damaged: {exc}.") from exc
        self.memory = memory

    def result(self) -> TrainedModel:
        """Return the model with its best weights."""
        for variable, value in zip(self.model.weights, self.best, strict=True):
            variable.assign(value)
        return TrainedModel(
            model=self.model,
            history=pd.DataFrame(self.memory.history),
            best_epoch=self.memory.best_epoch,
            commit=self.memory.commit,
        )


def predict(model: keras.Model, split: Split) -> Probabilities:
    """Classify a split as it is (no flips): (N, 7) probabilities."""
    parts = [
        model(to_model_input(split.images[i : i + _PREDICT_BATCH]), training=False).numpy()
        for i in range(0, len(split), _PREDICT_BATCH)
    ]
    return np.concatenate(parts)


def current_commit() -> str:
    """Return the commit of the code in use, ``-dirty`` if its files differ, or ``unknown``."""
    # Only what is loaded can shape the run: a page being edited does not count.
    sources = [str(m.__file__) for name, m in sys.modules.items() if name.startswith("fer.")]
    try:
        commit = _git("rev-parse", "--short=12", "HEAD")
        changed = _git("status", "--porcelain", "--", *sources)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{commit}-dirty" if changed else commit


def _git(*arguments: str) -> str:
    done = subprocess.run(  # noqa: S603
        ["git", *arguments],  # noqa: S607
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()
