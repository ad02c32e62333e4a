"""Keras architectures, and the count of their multiply-adds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import keras
from keras import layers

from fer.types import EMOTIONS, FACE_SIZE

#: Builds an uncompiled model from a random seed and the side of its input in
#: pixels; None leaves the side open, for networks that can take any.
NetworkBuilder = Callable[[int, int | None], keras.Model]

#: Layer whose output a second head may be attached to in training.
FEATURES: Final = "features"


def seed_cnn(seed: int, side: int | None = FACE_SIZE) -> keras.Model:
    """Build the original system's sequential CNN.

    Four blocks of convolution 3x3, batch normalisation, ReLU, max pooling and
    dropout: channels 64, 128, 256, 512 double while the side halves from 48 to 3.
    Then dense 256 and 512 with batch normalisation and dropout, and softmax.
    2,871,815 parameters, 130 M multiply-adds.

    Args:
        seed: of initial weights and dropout.
        side: 48; the dense layers take no other.

    Returns:
        Uncompiled model: (N, 48, 48, 1) float32 to (N, 7) probabilities.
    """
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((side, side, 1))], name="seed_cnn")
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


def compact_cnn(seed: int, side: int | None = FACE_SIZE) -> keras.Model:
    """Build a small residual network (He et al. 2016) without dense layers.

    The side halves at once, so that 3x3 convolutions are wide where they are cheap;
    then stages of 32, 64, 128 and 256 channels with 1, 2, 2 and 1 blocks, global
    average pooling, dropout and softmax. 1,605,207 parameters, 60 M multiply-adds.

    Args:
        seed: of initial weights and dropout.
        side: of the input in pixels, or None for any.

    Returns:
        Uncompiled model: (N, side, side, 1) float32 to (N, 7) probabilities.
    """
    return _residual_cnn("compact_cnn", _halving_stem(32), _doubling_stages(32), seed, side)


def wide_cnn(seed: int, side: int | None = FACE_SIZE) -> keras.Model:
    """Build ``compact_cnn`` half as wide again: stages of 48, 96, 192 and 384 channels.

    3,604,735 parameters, 134 M multiply-adds.

    Args:
        seed: of initial weights and dropout.
        side: of the input in pixels, or None for any.

    Returns:
        Uncompiled model: (N, side, side, 1) float32 to (N, 7) probabilities.
    """
    return _residual_cnn("wide_cnn", _halving_stem(48), _doubling_stages(48), seed, side)


def swift_cnn(seed: int, side: int | None = FACE_SIZE) -> keras.Model:
    """Build a residual network whose channels fill a processor's matrix units.

    They, and the kernels written for them, take channels 64 at a time: 128 channels take
    hardly longer than 96. So every width is a multiple of 64, from the first convolution on;
    and less is left to the smallest side, where each weight is used nine times only and
    fetching it is what takes the time. Stages of 128, 256 and 320 channels with 2, 1 and 1
    blocks. 3,232,263 parameters, 146 M multiply-adds.

    Args:
        seed: of initial weights and dropout.
        side: of the input in pixels, or None for any.

    Returns:
        Uncompiled model: (N, side, side, 1) float32 to (N, 7) probabilities.
    """
    stages = ((128, 2), (256, 1), (320, 1))
    return _residual_cnn("swift_cnn", ((64, 2), (64, 1)), stages, seed, side)


def _halving_stem(width: int) -> tuple[tuple[int, int], ...]:
    return ((width // 2, 1), (width, 2))


def _doubling_stages(width: int) -> tuple[tuple[int, int], ...]:
    return tuple((width * 2**stage, blocks) for stage, blocks in enumerate((1, 2, 2, 1)))


def _residual_cnn(
    name: str,
    stem: Sequence[tuple[int, int]],
    stages: Sequence[tuple[int, int]],
    seed: int,
    side: int | None,
) -> keras.Model:
    """Convolutions of (channels, stride) each, then stages of (channels, blocks) each.

    A stage halves the side where it changes the number of channels.
    """
    keras.utils.set_random_seed(seed)
    x = inputs = keras.Input((side, side, 1))
    for channels, stride in stem:
        x = layers.ReLU()(_normalised_convolution(x, channels, stride=stride))
    for channels, blocks in stages:
        for _ in range(blocks):
            x = _residual_block(x, channels, stride=1 if x.shape[-1] == channels else 2)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(0.3, name=FEATURES)(x)
    outputs = layers.Dense(len(EMOTIONS), activation="softmax", dtype="float32")(x)
    return keras.Model(inputs, outputs, name=name)


def _residual_block(x: keras.KerasTensor, channels: int, stride: int) -> keras.KerasTensor:
    """Two convolutions beside a shortcut, which is pooled and projected where shapes change."""
    y = layers.ReLU()(_normalised_convolution(x, channels, stride=stride))
    y = _normalised_convolution(y, channels)
    if stride > 1:
        x = layers.AveragePooling2D(stride, padding="same")(x)
    if x.shape[-1] != channels:
        x = _normalised_convolution(x, channels, kernel=1)
    return layers.ReLU()(layers.Add()([x, y]))


def _normalised_convolution(
    x: keras.KerasTensor, channels: int, kernel: int = 3, stride: int = 1
) -> keras.KerasTensor:
    x = layers.Conv2D(
        channels,
        kernel,
        stride,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
    )(x)
    # Keras's own 0.99 forgets too slowly for the statistics to follow in short runs.
    return layers.BatchNormalization(momentum=0.97)(x)


NETWORKS: Final[Mapping[str, NetworkBuilder]] = MappingProxyType(
    {
        "seed_cnn": seed_cnn,
        "compact_cnn": compact_cnn,
        "wide_cnn": wide_cnn,
        "swift_cnn": swift_cnn,
    }
)


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
