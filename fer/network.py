"""Keras architectures, and the count of their multiply-adds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import keras
from keras import layers

from fer.types import EMOTIONS, FACE_SIZE

#: Builds an uncompiled model from a random seed.
NetworkBuilder = Callable[[int], keras.Model]


def seed_cnn(seed: int) -> keras.Model:
    """Build the original system's sequential CNN.

    Four blocks of convolution 3x3, batch normalisation, ReLU, max pooling and
    dropout: channels 64, 128, 256, 512 double while the side halves from 48 to 3.
    Then dense 256 and 512 with batch normalisation and dropout, and softmax.
    2,871,815 parameters, 130 M multiply-adds.

    Args:
        seed: of initial weights and dropout.

    Returns:
        Uncompiled model: (N, 48, 48, 1) float32 to (N, 7) probabilities.
    """
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((FACE_SIZE, FACE_SIZE, 1))], name="seed_cnn")
    for channels in (64, 128, 256, 512):
        model.add(layers.Conv2D(channels, 3, padding="same"))
        model.add(layers.BatchNormalization())
        model.add(layers.ReLU())
        model.add(layers.MaxPooling2D(2))
        model.add(layers.Dropout(0.25))
    model.add(layers.Flatten())
    for units in (256, 512):
        model.add(layers.Dense(units))
        model.add(layers.BatchNormalization())
        model.add(layers.ReLU())
        model.add(layers.Dropout(0.25))
    model.add(layers.Dense(len(EMOTIONS), activation="softmax"))
    return model


NETWORKS: Final[Mapping[str, NetworkBuilder]] = MappingProxyType({"seed_cnn": seed_cnn})


def multiply_adds(model: keras.Model) -> int:
    """Count the multiplications of one face's forward pass in convolutions and dense layers."""
    total = 0
    for layer in model.layers:
        if isinstance(layer, layers.Conv2D):
            # Each output position applies the whole kernel once.
            _, height, width, _ = layer.output.shape
            total += int(height * width * layer.kernel.shape.num_elements())
        elif isinstance(layer, layers.Dense):
            total += int(layer.kernel.shape.num_elements())
    return total
