"""From a Keras model to LiteRT files: in float32, and with int8 weights in two ways."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from fer.errors import ModelError

#: The ways to convert, by the names under which they are recorded. Weights are int8 in the last
#: two, with a scale per channel. ``int8-static`` scales what flows between layers by ranges
#: that were found once, on sample faces; ``int8-dynamic`` by what each face brings itself.
FLOAT32: Final = "float32"
STATIC: Final = "int8-static"
DYNAMIC: Final = "int8-dynamic"
WAYS: Final = (FLOAT32, STATIC, DYNAMIC)

#: Stays in float in ``int8-static``: a softmax in int8 has steps of 1/256, which would spoil
#: small probabilities, and the layers before it cost next to nothing.
_HEAD: Final = ("MEAN", "FULLY_CONNECTED", "SOFTMAX")


def convert(
    model: keras.Model, sample: NDArray[np.float32], ways: Sequence[str] = WAYS
) -> dict[str, bytes]:
    """Convert a model; float in and out, any number of faces.

    Args:
        model: (N, 48, 48, 1) to (N, 7).
        sample: prepared training faces (N, 48, 48, 1) that show the usual ranges.
        ways: of ``WAYS``.

    Returns:
        The content of a LiteRT file for each way.

    Raises:
        ModelError: if TensorFlow cannot convert the model.
    """
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # TensorFlow warns of its own use of its older interpreter.
        warnings.filterwarnings("ignore", message=".*tf.lite.Interpreter is deprecated")
        try:
            model.export(folder, format="tf_saved_model", verbose=False)
            return {way: _convert(folder, way, sample) for way in ways}
        except (OSError, RuntimeError, ValueError) as exc:
            raise ModelError(f"The serving files could not be made: {exc}.") from exc


def _convert(folder: str, way: str, sample: NDArray[np.float32]) -> bytes:
    converter = tf.lite.TFLiteConverter.from_saved_model(folder)
    if way != FLOAT32:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converted: bytes = _convert_static(converter, sample) if way == STATIC else converter.convert()
    return converted


def _convert_static(converter: Any, sample: NDArray[np.float32]) -> bytes:
    def faces() -> Iterator[list[NDArray[np.float32]]]:
        for face in sample:
            yield [face[np.newaxis]]

    converter.representative_dataset = faces
    # The only way that TensorFlow offers to leave some layers in float.
    lite = tf.lite.experimental
    options = lite.QuantizationDebugOptions(denylisted_ops=list(_HEAD))
    debugger = lite.QuantizationDebugger(
        converter=converter, debug_dataset=faces, debug_options=options
    )
    converted: bytes = debugger.get_nondebug_quantized_model()
    return converted
