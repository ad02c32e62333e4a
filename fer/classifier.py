"""FacialExpressionModel: load a trained run and read expressions from faces."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from fer import artifacts
from fer.calibration import Calibration
from fer.errors import ModelError
from fer.preprocessing import scaling_of, to_model_input
from fer.types import EMOTIONS, Image, Probabilities, Run

if TYPE_CHECKING:
    import keras

#: From prepared faces (N, 48, 48, 1) float32 to probabilities (N, 7), N at least 1.
Forward = Callable[[NDArray[np.float32]], NDArray[np.float32]]

#: Which of a run's files answers: the one that its record names as the best to serve, the
#: float32 one beside it, or the Keras model that both were made from.
Runtime = Literal["served", "float", "keras"]


class FacialExpressionModel:
    """A trained run, ready to classify. Safe to share between threads."""

    def __init__(self, run: Run, forward: Forward) -> None:
        """Wrap a forward pass; use ``load`` for a run on disk."""
        self._run = run
        self._forward = forward
        self._scaling = scaling_of(run.preprocessing)
        self._calibration = Calibration.of(run.details)
        self._lock = threading.Lock()

    @classmethod
    def load(
        cls, run: str | Path | None = None, runtime: Runtime = "served"
    ) -> FacialExpressionModel:
        """Load a run after checking all its files.

        Args:
            run: its name, or its folder; the default run if None.
            runtime: ``"served"`` is what the app uses, often with int8 weights;
                ``"float"`` gives the Keras model's numbers without TensorFlow;
                ``"keras"`` reads ``model.json`` and the HDF5 weights.

        Raises:
            ModelError: if a file is missing, damaged or altered, or the run's
                labels or preprocessing disagree with this code.
        """
        chosen = run or artifacts.default_run()
        described = artifacts.load_run(chosen)
        folder = chosen if isinstance(chosen, Path) else artifacts.run_folder(chosen)
        return cls(described, _forward_of(described, folder, runtime))

    @property
    def run(self) -> Run:
        """The run that is being served."""
        return self._run

    def predict(self, faces: Image, *, calibrated: bool = True) -> Probabilities:
        """Classify faces.

        Args:
            faces: (N, 48, 48) uint8, grey, as ``images.crop_face`` makes them; N may be 0.
            calibrated: apply the run's calibration, so that confidence means what it
                says; False gives what the network itself puts out.

        Returns:
            (N, 7) float32 probabilities in ``EMOTIONS`` order, each row summing to 1.
        """
        prepared = to_model_input(faces, self._scaling)
        if not len(prepared):
            return np.zeros((0, len(EMOTIONS)), dtype=np.float32)
        with self._lock:
            probabilities = self._forward(prepared)
        return self._calibration.apply(probabilities) if calibrated else probabilities


def _forward_of(run: Run, folder: Path, runtime: Runtime) -> Forward:
    """The forward pass of a run, or the mean of its members'."""
    if run.members:
        members = [artifacts.load_run(member) for member in run.members]
        return _averaged(
            [_forward_of(member, artifacts.run_folder(member.name), runtime) for member in members]
        )
    if runtime == "keras":
        return _keras_forward(folder)
    file = artifacts.served_file(run) if runtime == "served" else artifacts.SERVING
    return litert_forward(folder / file)


def _averaged(forwards: Sequence[Forward]) -> Forward:
    """The mean of several networks over each face and its mirror image."""

    def forward(faces: NDArray[np.float32]) -> NDArray[np.float32]:
        views = (faces, np.ascontiguousarray(faces[:, :, ::-1]))
        answers = [each(view) for each in forwards for view in views]
        return np.asarray(np.mean(answers, axis=0), dtype=np.float32)

    return forward


def litert_forward(path: Path) -> Forward:
    """Make the forward pass of a LiteRT file.

    Raises:
        ModelError: if the file is no LiteRT model.
    """
    from ai_edge_litert.interpreter import Interpreter

    try:
        interpreter = Interpreter(model_path=str(path), num_threads=1)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as exc:
        raise ModelError(f"{path.parent.name}/{path.name} is no LiteRT model: {exc}.") from exc
    source = interpreter.get_input_details()[0]["index"]
    target = interpreter.get_output_details()[0]["index"]

    def forward(faces: NDArray[np.float32]) -> NDArray[np.float32]:
        # One by one: a batch is no faster per face, and takes memory (docs/performance.md).
        probabilities = np.empty((len(faces), len(EMOTIONS)), np.float32)
        for number in range(len(faces)):
            interpreter.set_tensor(source, faces[number : number + 1])
            interpreter.invoke()
            probabilities[number] = interpreter.get_tensor(target)[0]
        return probabilities

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
    batch = 64  # more are taken in turns, so that memory stays bounded

    def forward(faces: NDArray[np.float32]) -> NDArray[np.float32]:
        starts = range(0, len(faces), batch)
        parts = [model(faces[i : i + batch], training=False).numpy() for i in starts]
        return np.concatenate(parts)

    return forward
