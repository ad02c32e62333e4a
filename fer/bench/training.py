"""Benchmark: a training step against its floor, against Keras's own ``fit``, and its input."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np

from fer import artifacts
from fer.bench.classifier import peak_float32
from fer.bench.record import Plan, Section, Table
from fer.bench.timing import in_turns
from fer.fer2013.dataset import Dataset, load_dataset
from fer.preprocessing import to_model_input
from fer.training.recipes import Recipe, get_recipe
from fer.types import FACE_SIZE

_CORES: Final = 2
_PASSES: Final = 3  # forward, and backward for inputs and for weights, cost about the same
_STEPS: Final = 4  # of ``fit`` at a time


def training(plan: Plan) -> Section:
    """Time a few steps of the default run's recipe at the size of FER2013's faces.

    Raises:
        DatasetError: if the data set or its votes were not imported.
    """
    run = artifacts.load_run(artifacts.default_run())
    recipe = dataclasses.replace(get_recipe(run.details["recipe"]["name"]), teachers=())
    dataset = load_dataset()
    times = in_turns(
        {
            "a step of this project": _own_step(recipe, dataset),
            "its input alone (gather and vary)": _input(recipe, dataset),
            f"{_STEPS} steps of model.fit": _plain_fit(recipe, dataset),
        },
        2 if plan.quick else 12,
    )
    own, inputs, plain = times.values()
    multiply_adds = run.metrics["multiply_adds"] * recipe.batch_size * _PASSES
    floor_ms = multiply_adds / (_CORES * peak_float32()) / 1e6
    steps = len(dataset.split("train")) // recipe.batch_size
    rows = [
        (name, ms, processor_ms, ms * steps / 1000, ms / floor_ms)
        for name, ms, processor_ms in (
            ("a step of this project", own.ms, own.processor_ms),
            ("of that its input", inputs.ms, inputs.processor_ms),
            ("a step of model.fit", plain.ms / _STEPS, plain.processor_ms / _STEPS),
            (f"the floor on {_CORES} cores", floor_ms, _CORES * floor_ms),
        )
    ]
    columns = ("what", "ms, wall", "ms, processor", "s per epoch", "times the floor")
    return Section(
        tables=(Table(f"{run.name}, batches of {recipe.batch_size}", columns, tuple(rows)),),
        figures={
            "input_share": inputs.processor_ms / own.processor_ms,
            "of_plain_fit": own.over(plain) * _STEPS,
            "epoch_s": own.ms * steps / 1000,
            "step_times_floor": own.ms / floor_ms,
        },
        notes=(
            "model.fit: the same network and batches, plain SGD, one head, nothing varied.",
            f"Floor: {_PASSES} times the multiply-adds of the forward pass over the float32 peak.",
        ),
    )


def _own_step(recipe: Recipe, dataset: Dataset) -> Callable[[], Any]:
    from fer.training.network import NETWORKS
    from fer.training.optimisation import Targets, add_votes_head, compile_step, make_optimizer

    train = dataset.split("train")
    votes = None if dataset.votes is None else dataset.votes[dataset.mask("train")]
    targets = Targets.of(recipe, train, votes)
    model = NETWORKS[recipe.network](recipe.seed, None if recipe.early_epochs else FACE_SIZE)
    trainee = add_votes_head(model) if recipe.votes_weight else model
    optimizer = make_optimizer(recipe)
    optimizer.build(trainee.trainable_variables)
    import tensorflow as tf

    averages = [tf.Variable(value, trainable=False) for value in trainee.weights]
    step = compile_step(recipe, trainee, optimizer, targets, averages=averages, size=FACE_SIZE)
    index = np.arange(recipe.batch_size, dtype=np.int32)
    return partial(step, index, np.zeros(2, np.int32))


def _input(recipe: Recipe, dataset: Dataset) -> Callable[[], Any]:
    import tensorflow as tf

    from fer.training.augmentation import augment

    images = tf.constant(to_model_input(dataset.split("train").images, "fixed"))
    index = tf.range(recipe.batch_size)

    @tf.function  # type: ignore[untyped-decorator]
    def make(seed: tf.Tensor) -> tf.Tensor:
        faces = tf.gather(images, index)
        return augment(faces, seed, recipe.augmentation, FACE_SIZE, recipe.scaling)

    return partial(make, tf.zeros(2, tf.int32))


def _plain_fit(recipe: Recipe, dataset: Dataset) -> Callable[[], Any]:
    from fer.training.network import NETWORKS

    model = NETWORKS[recipe.network](recipe.seed, FACE_SIZE)
    model.compile("sgd", "sparse_categorical_crossentropy")
    train = dataset.split("train")
    number = _STEPS * recipe.batch_size
    faces = to_model_input(train.images[:number], "fixed")
    labels = train.labels[:number]
    return partial(model.fit, faces, labels, batch_size=recipe.batch_size, verbose=0)
