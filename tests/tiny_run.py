"""A tiny network and recipe, so that training and export are tested in seconds."""

from __future__ import annotations

import dataclasses

import keras
from keras import layers

from fer.training.network import FEATURES
from fer.training.recipes import Recipe, get_recipe


def tiny_cnn(seed: int, side: int | None = 48) -> keras.Model:
    """Build a network with every kind of layer that the real ones have."""
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((side, side, 1)),
            layers.MaxPooling2D(8),
            layers.Conv2D(8, 3, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.GlobalAveragePooling2D(),
            layers.Dropout(0.25, name=FEATURES),
            layers.Dense(7, activation="softmax"),
        ],
        name="tiny_cnn",
    )


def tiny_recipe(base: str = "seed", **changes: object) -> Recipe:
    """Make a recipe small enough for a made-up data set."""
    small = dataclasses.replace(
        get_recipe(base), name="tiny", run="tiny-cnn", network="tiny_cnn", epochs=4, batch_size=8
    )
    return dataclasses.replace(small, **changes)  # type: ignore[arg-type]
