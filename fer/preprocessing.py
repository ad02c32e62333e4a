"""The only preprocessing: from grey faces to the network's input, in training and serving alike.

A run is trained on faces that were scaled in one of two ways, and says which.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from fer.errors import ModelError
from fer.types import FACE_SIZE, Image

#: ``"fixed"``: the same for all faces. ``"standardised"``: by the grey levels of the face
#: itself, so that the light it was taken in does not matter.
Scaling = Literal["fixed", "standardised"]

#: Grey levels of FER2013's training faces have mean 129 and deviation 64 or so.
MEAN: Final = 129.0
SCALE: Final = 64.0

#: Variance, in units of ``SCALE``, that a face is taken to have in addition: the noise of an
#: all but plain picture is not blown up without end. It is that of 3.5 grey levels.
LEAST_VARIANCE: Final = 0.003

_KINDS: Final[Mapping[Scaling, Mapping[str, Any]]] = MappingProxyType(
    {
        "fixed": {"colour": "grey", "size": FACE_SIZE, "mean": MEAN, "scale": SCALE},
        "standardised": {
            "colour": "grey",
            "size": FACE_SIZE,
            "mean": "of the face",
            "scale": "deviation of the face",
            "least_variance": LEAST_VARIANCE,
        },
    }
)


def describe(scaling: Scaling) -> dict[str, Any]:
    """Describe the preprocessing, as it is recorded with every run."""
    return dict(_KINDS[scaling])


def scaling_of(description: Mapping[str, Any]) -> Scaling:
    """Find the scaling that a run's record describes.

    Raises:
        ModelError: if this code prepares no faces in that way.
    """
    for scaling in get_args(Scaling):
        if dict(description) == describe(scaling):
            return scaling  # type: ignore[no-any-return]
    raise ModelError(
        f"The run was trained on pictures prepared otherwise ({dict(description)}) than "
        "this code can prepare them."
    )


def to_model_input(faces: Image, scaling: Scaling) -> NDArray[np.float32]:
    """Turn grey faces into the network's input.

    Args:
        faces: (N, 48, 48) uint8, grey.
        scaling: of the run that they are for.

    Returns:
        (N, 48, 48, 1) float32; "fixed" is -2 to 2, "standardised" has mean 0 and
        deviation 1 or a little less.

    Raises:
        ValueError: if shape or type differ.
    """
    if faces.ndim != 3 or faces.shape[1:] != (FACE_SIZE, FACE_SIZE) or faces.dtype != np.uint8:
        raise ValueError(
            f"faces must be (N, {FACE_SIZE}, {FACE_SIZE}) uint8, got {faces.shape} {faces.dtype}"
        )
    scaled = ((faces.astype(np.float32) - np.float32(MEAN)) / np.float32(SCALE))[..., np.newaxis]
    if scaling == "fixed":
        return scaled
    mean = scaled.mean(axis=(1, 2, 3), keepdims=True)
    variance = scaled.var(axis=(1, 2, 3), keepdims=True)
    return np.asarray((scaled - mean) / np.sqrt(variance + np.float32(LEAST_VARIANCE)))
