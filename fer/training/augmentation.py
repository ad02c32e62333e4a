"""Random variation of training faces, as part of the training step's graph.

Everything is drawn from a seed by stateless generators, so that an interrupted
epoch repeats itself. Pixel values are those of fixed scaling, -2 to 2; where
faces are standardised, that comes after all variation but the erasing.
"""

from __future__ import annotations

import math
from typing import Final, Literal

import tensorflow as tf

from fer.preprocessing import LEAST_VARIANCE, MEAN, SCALE, Scaling

#: How faces are varied, each including what is named before it.
Variation = Literal["flip", "full", "wild"]

_ROTATION: Final = math.radians(15)
_LOG_SCALE: Final = 0.18
_SHIFT: Final = 4.5 / 48  # of the side
_SHEAR: Final = 0.1
_LOG_CONTRAST: Final = 0.3
_BRIGHTNESS: Final = 0.4
_ERASED_SIDE: Final = (0.15, 0.40)  # of the side
_ERASED_SHARE: Final = 0.5  # of the images
_DIM_SHARE: Final = 0.25  # of the images
_LEAST_LIGHT: Final = 0.1  # of the light
_NOISY_SHARE: Final = 0.33  # of the images
_NOISE: Final = 0.6  # at most; 38 grey levels

# What 0 and 255 become in the network's input.
_BLACK: Final = (0 - MEAN) / SCALE
_WHITE: Final = (255 - MEAN) / SCALE


def augment(
    faces: tf.Tensor, seed: tf.Tensor, kind: Variation, size: int, scaling: Scaling
) -> tf.Tensor:
    """Vary a batch of faces.

    ``"flip"`` mirrors half of them. ``"full"`` also turns, scales, shifts and shears
    them as a detector's boxes vary, changes contrast and brightness as cameras do,
    and erases a square in half of them as hands and hair do. ``"wild"`` besides takes
    the light from some and adds a sensor's noise to some.

    Args:
        faces: (B, S, S, 1) float32, of fixed scaling.
        seed: (2,) int32; the same seed gives the same variation.
        kind: which variation.
        size: side of the result in pixels (mirroring alone leaves it as it is).
        scaling: of the result.

    Returns:
        (B, size, size, 1) float32.
    """
    if kind == "flip":
        mirrored = tf.random.stateless_uniform([tf.shape(faces)[0]], seed) < 0.5
        flipped = tf.where(mirrored[:, None, None, None], tf.reverse(faces, [2]), faces)
        return _scale(flipped, scaling)
    random = tf.random.stateless_uniform([12, tf.shape(faces)[0]], seed)  # (12, B), 0 to 1
    both_ways = 2.0 * random - 1.0
    varied = _warp(faces, both_ways[:6], size)
    contrast = tf.exp(_LOG_CONTRAST * both_ways[6])[:, None, None, None]
    brightness = (_BRIGHTNESS * both_ways[7])[:, None, None, None]
    lit = varied * contrast + brightness
    if kind == "wild":
        lit = _photograph_badly(lit, seed)
    return _erase(_scale(lit, scaling), random[8:], size)


def _scale(faces: tf.Tensor, scaling: Scaling) -> tf.Tensor:
    """Do for varied faces what ``to_model_input`` does for real ones."""
    if scaling == "fixed":
        return faces
    mean, variance = tf.nn.moments(faces, [1, 2, 3], keepdims=True)
    return (faces - mean) / tf.sqrt(variance + LEAST_VARIANCE)


def _photograph_badly(faces: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Darken some, and add noise to some, mild more often than strong."""
    seeds = tf.random.split(seed, 2)
    random = tf.random.stateless_uniform([4, tf.shape(faces)[0]], seeds[0])  # (4, B), 0 to 1
    light = tf.where(random[0] < _DIM_SHARE, _LEAST_LIGHT ** random[1], 1.0)
    deviation = tf.where(random[2] < _NOISY_SHARE, _NOISE * random[3] ** 2, 0.0)
    noise = tf.random.stateless_normal(tf.shape(faces), seeds[1])
    dim = _BLACK + (faces - _BLACK) * light[:, None, None, None]
    return tf.clip_by_value(dim + noise * deviation[:, None, None, None], _BLACK, _WHITE)


def _warp(faces: tf.Tensor, random: tf.Tensor, size: int) -> tf.Tensor:
    """Turn, scale, shear, mirror and shift by six numbers of -1 to 1 each: (6, B)."""
    side = tf.cast(tf.shape(faces)[1], tf.float32)
    angle, scale = _ROTATION * random[0], tf.exp(_LOG_SCALE * random[1]) * side / size
    shear, mirror = _SHEAR * random[2], tf.sign(random[3])
    cosine, sine = tf.cos(angle), tf.sin(angle)
    # Rows of the matrix that takes a place in the result, seen from its centre, to
    # the place in the source that its pixel comes from.
    a, b = scale * cosine * mirror, scale * (shear * cosine - sine)
    c, d = scale * sine * mirror, scale * (shear * sine + cosine)
    centre, target = (side - 1) / 2, (size - 1) / 2
    x0 = centre + _SHIFT * side * random[4] - (a + b) * target
    y0 = centre + _SHIFT * side * random[5] - (c + d) * target
    zero = tf.zeros_like(a)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=faces,
        transforms=tf.stack([a, b, x0, c, d, y0, zero, zero], axis=1),  # (B, 8)
        output_shape=[size, size],
        interpolation="BILINEAR",
        fill_mode="NEAREST",  # as serving pads a face at the picture's edge
        fill_value=0.0,
    )


def _erase(faces: tf.Tensor, random: tf.Tensor, size: int) -> tf.Tensor:
    """Paint a square of value 0 by four numbers of 0 to 1 each: (4, B)."""
    least, most = _ERASED_SIDE
    half = size * (least + (most - least) * random[0]) / 2
    half = tf.where(random[1] < _ERASED_SHARE, half, 0.0)[:, None]  # (B, 1)
    place = tf.range(size, dtype=tf.float32)[None, :]  # (1, size)
    rows = tf.abs(place - size * random[2][:, None]) < half  # (B, size)
    columns = tf.abs(place - size * random[3][:, None]) < half
    erased = tf.logical_and(rows[:, :, None], columns[:, None, :])[..., None]
    return tf.where(erased, 0.0, faces)
