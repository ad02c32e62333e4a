"""Train a recipe on FER2013, resumable after a kill at any moment.

The state saved at the end of every epoch holds all that the next epoch depends
on: weights, optimiser, averages, dropout's random state, the weights to keep,
the learning-rate schedule's memory and the history. Order and augmentation of an
epoch are drawn from its number alone. So an interrupted run repeats its unfinished
epoch and goes on exactly as if nothing had happened.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Final

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from numpy.typing import NDArray

from fer import artifacts
from fer.classifier import FacialExpressionModel
from fer.errors import ModelError
from fer.evaluation.evaluate import flip_averaged
from fer.fer2013.dataset import Dataset
from fer.fer2013.duplicates import has_twin, validation_slice
from fer.metrics import log_loss
from fer.preprocessing import Scaling, to_model_input
from fer.provenance import current_commit
from fer.training import checkpoint
from fer.training.checkpoint import Memory, Tensors
from fer.training.network import NETWORKS, NetworkBuilder
from fer.training.optimisation import (
    Step,
    Targets,
    add_votes_head,
    compile_step,
    learning_rate,
    lower_on_plateau,
    make_optimizer,
    picture_size,
)
from fer.training.recipes import CosineSGD, PlateauAdam, Recipe
from fer.types import FACE_SIZE, Probabilities, Split

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


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A model with the weights to serve, and how it came about.

    Attributes:
        model: the network, holding the weights of ``kept_epoch``.
        history: one row per epoch.
        kept_epoch: epoch whose weights these are, from 1: see ``Recipe.keep``.
        commit: commit of the code that started the run.
    """

    model: keras.Model
    history: pd.DataFrame
    kept_epoch: int
    commit: str


def train(
    recipe: Recipe,
    dataset: Dataset,
    *,
    resume: bool = False,
    on_progress: OnProgress | None = None,
    networks: Mapping[str, NetworkBuilder] = NETWORKS,
) -> TrainedModel:
    """Train until the recipe's last epoch.

    Args:
        recipe: settings.
        dataset: all of FER2013; its test split is looked at only if the recipe
            validates on it.
        resume: go on from the saved state, if there is one, instead of from nothing.
        on_progress: called after every step.
        networks: where the recipe's network is looked up.

    Raises:
        ModelError: if a saved state exists but ``resume`` is not asked for, or
            if it belongs to other settings or is damaged, or if the weights to
            begin with do not fit.
        DatasetError: if the recipe needs FER+ votes that were not imported.
    """
    if checkpoint.exists(recipe) and not resume:
        raise checkpoint.begun_before(recipe)
    run = _TrainingRun(recipe, networks[recipe.network], *_divide(recipe, dataset))
    if checkpoint.exists(recipe):
        run.restore(*checkpoint.restore(recipe))
    while run.memory.epoch < recipe.epochs:
        run.train_epoch(on_progress)
        checkpoint.save(recipe, run.memory, run.tensors())
    return run.result()


def _divide(recipe: Recipe, dataset: Dataset) -> tuple[Targets, Split | None]:
    """Return what is trained on, and the images that judge each epoch, if any do."""
    split, test = dataset.split("train"), dataset.split("test")
    taken = np.ones(len(split), dtype=np.bool_)
    validation = test if recipe.validation == "test" else None
    if recipe.validation == "slice":
        held_out = validation_slice(split)
        validation, taken = _part(split, held_out), ~held_out
    if recipe.leave_out_twins:
        taken &= ~has_twin(test, split)
    votes = None if dataset.votes is None else dataset.votes[dataset.mask("train")][taken]
    part = _part(split, taken)
    return Targets.of(recipe, part, votes, _ask_teachers(recipe, part)), validation


def _ask_teachers(recipe: Recipe, split: Split) -> Probabilities | None:
    """Average what the recipe's teachers say of each image and its mirror image: (N, 7)."""
    if not recipe.teachers:
        return None
    # As they are served: seven times as fast as in float32, and as right.
    teachers = [FacialExpressionModel.load(name) for name in recipe.teachers]
    answers = [flip_averaged(teacher, split.images) for teacher in teachers]
    return np.asarray(np.mean(answers, axis=0), dtype=np.float32)


def _part(split: Split, mask: NDArray[np.bool_]) -> Split:
    return Split(split.images[mask], split.labels[mask], split.rows[mask])


class _TrainingRun:
    """The live state of a run: networks, optimiser, averages, weights to keep and memory."""

    def __init__(
        self, recipe: Recipe, build: NetworkBuilder, targets: Targets, validation: Split | None
    ) -> None:
        self.recipe = recipe
        self.build = build
        self.targets = targets
        self.validation = validation
        # Only a network that trains on pictures of several sizes leaves its side open.
        with _precision(recipe):
            self.model = build(recipe.seed, None if recipe.early_epochs else FACE_SIZE)
            if recipe.begins_with:
                _begin_with(recipe.begins_with, self.model)
            self.trainee = add_votes_head(self.model) if recipe.votes_weight else self.model
        self.optimizer = make_optimizer(recipe)
        self.optimizer.build(self.trainee.trainable_variables)
        averaged = isinstance(recipe.optimizer, CosineSGD)
        self.averages = [
            tf.Variable(value, trainable=False) for value in self.trainee.weights if averaged
        ]
        self.kept = self._judged_weights()
        self.memory = Memory(
            recipe=asdict(recipe),
            commit=current_commit(),
            plateau_rate=recipe.optimizer.learning_rate,
        )
        self._compiled: dict[int, Step] = {}

    @property
    def steps(self) -> int:
        """Whole batches in an epoch."""
        return len(self.targets.split) // self.recipe.batch_size

    def train_epoch(self, on_progress: OnProgress | None) -> None:
        """Train on every image once, validate, and remember the epoch."""
        recipe, epoch, started = self.recipe, self.memory.epoch + 1, time.monotonic()
        train_step = self._step(picture_size(recipe, epoch))
        all_steps, first = recipe.epochs * self.steps, (epoch - 1) * self.steps
        order = np.random.default_rng([recipe.seed, epoch]).permutation(len(self.targets.split))
        loss, hits, rate = 0.0, 0, 0.0
        for step in range(self.steps):
            rate = learning_rate(recipe, self.memory, first + step, all_steps)
            self.optimizer.learning_rate.assign(rate)
            index = order[step * recipe.batch_size : (step + 1) * recipe.batch_size]
            seed = np.array([recipe.seed, first + step], dtype=np.int32)
            step_loss, step_hits = train_step(index.astype(np.int32), seed)
            loss += float(step_loss)
            hits += int(step_hits)
            if on_progress:
                seen = (step + 1) * recipe.batch_size
                on_progress(
                    TrainingProgress(
                        epoch=epoch,
                        step=first + step + 1,
                        steps=all_steps,
                        loss=loss / (step + 1),
                        accuracy=hits / seen,
                        images_per_s=seen / (time.monotonic() - started),
                        history=tuple(self.memory.history),
                    )
                )
        record = {
            "epoch": epoch,
            "loss": loss / self.steps,
            "accuracy": hits / (self.steps * recipe.batch_size),
            **self._validate(),
            "learning_rate": rate,
            "seconds": time.monotonic() - started,
        }
        self._remember(record)

    def _step(self, size: int) -> Step:
        """Return the compiled step for pictures of this size."""
        if size not in self._compiled:
            self._compiled[size] = compile_step(
                self.recipe,
                self.trainee,
                self.optimizer,
                self.targets,
                averages=self.averages,
                size=size,
            )
        return self._compiled[size]

    def _validate(self) -> dict[str, float]:
        """Judge the weights that would be kept now, if there are images to do it on."""
        if self.validation is None:
            return {"val_loss": math.nan, "val_accuracy": math.nan}
        current = [value.numpy() for value in self.model.weights]
        _assign(self.model.weights, self._judged_weights())
        probabilities = predict(self.model, self.validation, self.recipe.scaling)
        _assign(self.model.weights, current)
        labels = self.validation.labels
        return {
            "val_loss": log_loss(labels, probabilities),
            "val_accuracy": float((probabilities.argmax(1) == labels).mean()),
        }

    def _judged_weights(self) -> list[NDArray[Any]]:
        """Weights of the served network: averaged ones, if the recipe averages."""
        if not self.averages:
            return [value.numpy() for value in self.model.weights]
        average_of = {
            value.path: average.numpy()
            for value, average in zip(self.trainee.weights, self.averages, strict=True)
        }
        return [average_of[value.path] for value in self.model.weights]

    def _remember(self, record: dict[str, float]) -> None:
        """Keep the weights if they are to be, and let the learning rate follow a plateau."""
        memory, rule = self.memory, self.recipe.optimizer
        best_so_far = max((r["val_accuracy"] for r in memory.history), default=-1)
        if self.recipe.keep == "last" or record["val_accuracy"] > best_so_far:
            memory.kept_epoch = int(record["epoch"])
            self.kept = self._judged_weights()
        memory.history.append(record)
        if isinstance(rule, PlateauAdam):
            lower_on_plateau(rule, memory, record["val_loss"])

    def tensors(self) -> Tensors:
        """Everything that changes from step to step."""
        return {
            "model": [value.numpy() for value in self.trainee.variables],
            "optimizer": [value.numpy() for value in self.optimizer.variables],
            "average": [value.numpy() for value in self.averages],
            "kept": self.kept,
        }

    def restore(self, memory: Memory, tensors: Tensors) -> None:
        """Take the state of an earlier process over."""
        self.memory = memory
        _assign(self.trainee.variables, tensors["model"])
        _assign(self.optimizer.variables, tensors["optimizer"])
        _assign(self.averages, tensors.get("average", ()))
        self.kept = list(tensors["kept"])

    def result(self) -> TrainedModel:
        """Return the served network with the weights to keep, at the size of FER2013's faces."""
        model = self.build(self.recipe.seed, FACE_SIZE)
        _assign(model.weights, self.kept)
        return TrainedModel(
            model=model,
            history=pd.DataFrame(self.memory.history),
            kept_epoch=self.memory.kept_epoch,
            commit=self.memory.commit,
        )


def _begin_with(name: str, model: keras.Model) -> None:
    """Give a network the weights of a finished run.

    Raises:
        ModelError: if they do not fit.
    """
    try:
        model.load_weights(artifacts.run_folder(name) / artifacts.WEIGHTS)
    except (OSError, ValueError) as exc:
        raise ModelError(f"The weights of the run {name} do not fit this network: {exc}") from exc


@contextmanager
def _precision(recipe: Recipe) -> Iterator[None]:
    """Build layers that compute in the recipe's precision."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(recipe.precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _assign(variables: Any, values: Any) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def predict(model: keras.Model, split: Split, scaling: Scaling) -> Probabilities:
    """Classify a split as it is (no flips): (N, 7) probabilities."""
    starts = range(0, len(split), _PREDICT_BATCH)
    batches = (split.images[start : start + _PREDICT_BATCH] for start in starts)
    parts = [model(to_model_input(batch, scaling), training=False).numpy() for batch in batches]
    return np.concatenate(parts)
