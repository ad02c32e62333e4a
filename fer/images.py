"""From pixels to the model's input: the only preprocessing, used in training and serving alike."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fer.types import FACE_SIZE, Image

#: Recorded with every run; a run that was trained with other values is refused.
#: Grey levels of FER2013's training faces have mean 129 and deviation 64 or so.
PREPROCESSING: Final[Mapping[str, Any]] = MappingProxyType(
    {"colour": "grey", "size": FACE_SIZE, "mean": 129.0, "scale": 64.0}
)


def to_model_input(faces: Image) -> NDArray[np.float32]:
    """Turn grey faces into the network's input.

    Args:
        faces: (N, 48, 48) uint8, grey.

    Returns:
        (N, 48, 48, 1) float32, about -2 to 2.

    Raises:
        ValueError: if shape or type differ.
    """
    if faces.ndim != 3 or faces.shape[1:] != (FACE_SIZE, FACE_SIZE) or faces.dtype != np.uint8:
        raise ValueError(
            f"faces must be (N, {FACE_SIZE}, {FACE_SIZE}) uint8, got {faces.shape} {faces.dtype}"
        )
    scaled = (faces.astype(np.float32) - PREPROCESSING["mean"]) / PREPROCESSING["scale"]
    return scaled[..., np.newaxis].astype(np.float32, copy=False)
