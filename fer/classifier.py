"""FacialExpressionModel: load a trained run and read expressions from faces."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray

from fer import artifacts
from fer.calibration import apply_temperature
from fer.errors import ModelError
from fer.preprocessing import scaling_of, to_model_input
from fer.types import EMOTIONS, Image, Probabilities, Run

if TYPE_CHECKING:
    import keras

#: From prepared faces (N, 48, 48, 1) float32 to probabilities (N, 7), N at least 1.
Forward = Callable[[NDArray[np.float32]], NDArray[np.float32]]

#: Faces in one pass; more are taken in turns, so that memory stays bounded.
_LARGEST_BATCH: Final = 64


class FacialExpressionModel:
    """A trained run, ready to classify. Safe to share between threads."""

    def __init__(self, run: Run, forward: Forward) -> None:
        """Wrap a forward pass; use ``load`` for a run on disk."""
        self._run = run
        self._forward = forward
        self._scaling = scaling_of(run.preprocessing)
        self._temperature = float(run.details.get("calibration", {}).get("temperature", 1.0))
        self._lock = threading.Lock()

    @classmethod
    def load(
        cls, run: str | Path | None = None, runtime: Literal["litert", "keras"] = "litert"
    ) -> FacialExpressionModel:
        """Load a run after checking all its files.

        Args:
            run: its name, or its folder; the default run if None.
            runtime: ``"litert"`` reads the exported serving file and needs no
                TensorFlow; ``"keras"`` reads ``model.json`` and the HDF5 weights.

        Raises:
            ModelError: if a file is missing, damaged or altered, or the run's
                labels or preprocessing disagree with this code.
        """
        chosen = run or artifacts.default_run()
        described = artifacts.load_run(chosen)
        folder = chosen if isinstance(chosen, Path) else artifacts.run_folder(chosen)
        forward = _litert_forward(folder) if runtime == "litert" else _keras_forward(folder)
        return cls(described, forward)

    @property
    def run(self) -> Run:
        """The run that is being served."""
        return self._run

    def predict(self, faces: Image, *, calibrated: bool = True) -> Probabilities:
        """Classify faces.

        Args:
            faces: (N, 48, 48) uint8, grey, as ``images.crop_face`` makes them; N may be 0.
            calibrated: apply the run's temperature, so that confidence means what it
                says; False gives what the network itself puts out.

        Returns:
            (N, 7) float32 probabilities in ``EMOTIONS`` order, each row summing to 1.
        """
        prepared = to_model_input(faces, self._scaling)
        if not len(prepared):
            return np.zeros((0, len(EMOTIONS)), dtype=np.float32)
        with self._lock:
            parts = [
                self._forward(prepared[i : i + _LARGEST_BATCH])
                for i in range(0, len(prepared), _LARGEST_BATCH)
            ]
        probabilities = np.concatenate(parts)
        return apply_temperature(probabilities, self._temperature) if calibrated else probabilities


def _litert_forward(folder: Path) -> Forward:
    from ai_edge_litert.interpreter import Interpreter

    path = folder / artifacts.SERVING
    try:
        interpreter = Interpreter(model_path=str(path), num_threads=1)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as exc:
        raise ModelError(f"{folder.name}/{path.name} is no LiteRT model: {exc}.") from exc
    source = interpreter.get_input_details()[0]["index"]
    target = interpreter.get_output_details()[0]["index"]

    def forward(faces: NDArray[np.float32]) -> NDArray[np.float32]:
        if tuple(interpreter.get_input_details()[0]["shape"]) != faces.shape:
            interpreter.resize_tensor_input(source, faces.shape)
            interpreter.allocate_tensors()
        interpreter.set_tensor(source, faces)
        interpreter.invoke()
        return np.asarray(interpreter.get_tensor(target), dtype=np.float32)

    return forward


def load_keras(folder: Path) -> keras.Model:
    """Rebuild the Keras model of a run from its architecture and weights.

    Raises:
        ModelError: if the two do not make a model.
    """
    import keras

    try:
        architecture = (folder / artifacts.ARCHITECTURE).read_text(encoding="utf-8")
        model = keras.models.model_from_json(architecture)
        model.load_weights(folder / artifacts.WEIGHTS)
    except (OSError, ValueError, TypeError, KeyError) as exc:
        raise ModelError(f"{folder.name} does not hold a loadable Keras model: {exc}.") from exc
    return model


def _keras_forward(folder: Path) -> Forward:
    model = load_keras(folder)

    def forward(faces: NDArray[np.float32]) -> NDArray[np.float32]:
        probabilities: NDArray[np.float32] = model(faces, training=False).numpy()
        return probabilities

    return forward
