"""One training step: a batch of faces in, weights moved, loss and hits out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from numpy.typing import NDArray

from fer.errors import DatasetError
from fer.preprocessing import to_model_input
from fer.training.augmentation import augment
from fer.training.checkpoint import Memory
from fer.training.network import FEATURES
from fer.training.recipes import CosineSGD, PlateauAdam, Recipe
from fer.types import EMOTIONS, FACE_SIZE, Probabilities, Split

#: FER+ emotions that are voted on faces: its first eight columns. The other two say
#: "unknown" and "not a face".
_VOTED: Final = 8

#: Batch positions (B,) int32 and seed (2,) int32 to mean loss and number of hits.
Step = Callable[[NDArray[np.int32], NDArray[np.int32]], tuple[tf.Tensor, tf.Tensor]]


@dataclass(frozen=True, eq=False)
class Targets:
    """What a training split is to be recognised as.

    Attributes:
        split: images and labels.
        shares: (N, 7) float32 that the network is to answer: the label, smoothed, and
            what teachers say.
        votes: (N, 8) float32 shares of the FER+ votes, a row of zeros for an
            image without votes; None if the recipe does not ask for them.
    """

    split: Split
    shares: NDArray[np.float32]
    votes: NDArray[np.float32] | None

    @classmethod
    def of(
        cls,
        recipe: Recipe,
        split: Split,
        votes: NDArray[np.int64] | None,
        taught: Probabilities | None = None,
    ) -> Targets:
        """Prepare the targets that the recipe asks for.

        Args:
            recipe: settings.
            split: images and labels.
            votes: (N, 10) FER+ votes, if there are any.
            taught: (N, 7) what the recipe's teachers say.

        Raises:
            DatasetError: if it asks for FER+ votes and there are none.
        """
        classes = len(EMOTIONS)
        certain = np.eye(classes, dtype=np.float32)[split.labels]
        shares = certain * (1 - recipe.label_smoothing) + recipe.label_smoothing / classes
        if taught is not None:
            shares = (1 - recipe.teaching) * shares + recipe.teaching * taught
        if not recipe.votes_weight:
            return cls(split, shares, None)
        if votes is None:
            raise DatasetError(
                f"The recipe {recipe.name!r} learns from FER+ votes too. Import them with: "
                "python -m fer data import PATH --ferplus CSV"
            )
        faces = votes[:, :_VOTED].astype(np.float32)
        return cls(split, shares, faces / np.maximum(faces.sum(1, keepdims=True), 1))


def add_votes_head(model: keras.Model) -> keras.Model:
    """Attach the head for FER+ votes to a network, sharing all its weights.

    Returns:
        Model with two outputs: (N, 7) probabilities of the expressions, (N, 8) of the votes.
    """
    features = model.get_layer(FEATURES).output
    votes = layers.Dense(_VOTED, activation="softmax", name="votes", dtype="float32")(features)
    return keras.Model(model.inputs, [*model.outputs, votes], name=f"{model.name}_with_votes")


def make_optimizer(recipe: Recipe) -> keras.optimizers.Optimizer:
    """Build the recipe's optimiser; its rate is set anew before every step."""
    if isinstance(recipe.optimizer, PlateauAdam):
        return keras.optimizers.Adam(recipe.optimizer.learning_rate)
    return keras.optimizers.SGD(
        recipe.optimizer.learning_rate, momentum=recipe.optimizer.momentum, nesterov=True
    )


def learning_rate(recipe: Recipe, memory: Memory, step: int, steps: int) -> float:
    """Return the rate for a step.

    Args:
        recipe: settings.
        memory: holds the rate that a plateau has led to.
        step: steps taken so far, over the whole run.
        steps: steps of the whole run.
    """
    rule = recipe.optimizer
    if isinstance(rule, PlateauAdam):
        return memory.plateau_rate
    warm_up = rule.warm_up * steps
    if step < warm_up:
        return rule.learning_rate * (step + 1) / warm_up
    progress = (step - warm_up) / (steps - warm_up)
    return rule.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))


def lower_on_plateau(rule: PlateauAdam, memory: Memory, val_loss: float) -> None:
    """Update the remembered rate after an epoch, as Keras's ReduceLROnPlateau does."""
    # Keras too takes a change of less than 1e-4 for none, and divides by ten.
    if val_loss < memory.plateau_best - 1e-4:
        memory.plateau_best, memory.plateau_wait = val_loss, 0
        return
    memory.plateau_wait += 1
    if memory.plateau_wait >= rule.patience:
        memory.plateau_rate = max(memory.plateau_rate * 0.1, rule.least_learning_rate)
        memory.plateau_wait = 0


def compile_step(
    recipe: Recipe,
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    targets: Targets,
    *,
    averages: Sequence[tf.Variable],
    size: int,
) -> Step:
    """Compile the training step.

    Args:
        recipe: settings.
        model: network in training; with a second output if there are votes.
        optimizer: built for the model's trainable variables.
        targets: what to learn from.
        averages: running averages of ``model.weights``, updated by every step; may be empty.
        size: side of the pictures in pixels.
    """
    # The whole split is one constant: a batch is a gather by index, which costs
    # next to nothing beside the convolutions.
    images = tf.constant(to_model_input(targets.split.images, "fixed"))  # (N, 48, 48, 1)
    labels = tf.constant(targets.split.labels)  # (N,)
    truths = tf.constant(targets.shares)  # (N, 7)
    votes = None if targets.votes is None else tf.constant(targets.votes)  # (N, 8)
    weights = model.trainable_variables
    rule = recipe.optimizer
    decay = rule.weight_decay if isinstance(rule, CosineSGD) else 0.0
    averaging = rule.averaging if isinstance(rule, CosineSGD) else 0.0
    kernels = [value for value in weights if value.name == "kernel"]

    def loss_of(faces: tf.Tensor, index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        outputs = model(faces, training=True)
        probabilities = outputs if votes is None else outputs[0]  # (B, 7)
        loss = tf.reduce_mean(
            keras.losses.categorical_crossentropy(tf.gather(truths, index), probabilities)
        )
        if votes is not None:
            shares = tf.gather(votes, index)  # (B, 8)
            # Cross-entropy takes for granted that its targets sum to 1: without this
            # factor the loss of a row of zeros is 0 but its gradient is not, and the few
            # images without votes pull without end (a run diverged in its eighth epoch).
            voted = tf.reduce_sum(shares, axis=1)  # (B,) 1, or 0 without votes
            loss += recipe.votes_weight * tf.reduce_mean(
                voted * keras.losses.categorical_crossentropy(shares, outputs[1])
            )
        return loss, probabilities

    @tf.function(  # type: ignore[untyped-decorator]
        input_signature=[tf.TensorSpec([None], tf.int32), tf.TensorSpec([2], tf.int32)]
    )
    def step(index: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        faces = augment(tf.gather(images, index), seed, recipe.augmentation, size, recipe.scaling)
        with tf.GradientTape() as tape:
            loss, probabilities = loss_of(faces, index)
            decayed = loss
            if decay:
                decayed += decay * tf.add_n([tf.nn.l2_loss(kernel) for kernel in kernels])
        gradients = tape.gradient(decayed, weights)
        optimizer.apply_gradients(zip(gradients, weights, strict=True))
        # Early averages forget fast, or they would remember the random start for long.
        taken = tf.cast(optimizer.iterations, tf.float32)
        kept = tf.minimum(averaging, (1.0 + taken) / (10.0 + taken))
        for average, value in zip(averages, model.weights if averages else (), strict=True):
            average.assign(kept * average + (1.0 - kept) * tf.convert_to_tensor(value))
        hits = tf.equal(tf.argmax(probabilities, 1), tf.gather(labels, index))
        return loss, tf.reduce_sum(tf.cast(hits, tf.int32))

    return step  # type: ignore[no-any-return]


def picture_size(recipe: Recipe, epoch: int) -> int:
    """Side in pixels of the training pictures in an epoch, counted from 1."""
    return recipe.early_size if epoch <= recipe.early_epochs else FACE_SIZE
