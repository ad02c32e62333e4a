"""Stand-ins for the two parts that need files: handed in, never patched in."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from fer.preprocessing import describe
from fer.types import (
    EMOTIONS,
    FACE_SIZE,
    Face,
    FacePrediction,
    FrameResult,
    Image,
    Probabilities,
    Run,
)

Box = tuple[int, int, int, int]


def centre_box(image: Image) -> Box:
    """The middle half of an image."""
    height, width = image.shape[:2]
    return (width // 4, height // 4, max(width * 3 // 4, 1), max(height * 3 // 4, 1))


class FakeDetector:
    """Finds what it was told to find: one face in the middle unless told otherwise.

    Args:
        boxes: the same boxes for every image; or a function from the number of
            the call (from 0) to its boxes, for faces that move, come and go.
    """

    name = "fake detector"

    def __init__(self, boxes: tuple[Box, ...] | Callable[[int], tuple[Box, ...]] | None = None):
        self.boxes = boxes
        self.calls = 0

    def detect(self, image: Image) -> tuple[Face, ...]:
        if self.boxes is None:
            boxes: tuple[Box, ...] = (centre_box(image),)
        elif callable(self.boxes):
            boxes = self.boxes(self.calls)
        else:
            boxes = self.boxes
        self.calls += 1
        return tuple(Face(box, score=0.9) for box in boxes)


class FakeClassifier:
    """Answers every face with the same probabilities.

    Args:
        label: the expression to answer, with ``confidence``.
        confidence: its probability; the other six share the rest.
    """

    def __init__(self, label: str = "happy", confidence: float = 0.7):
        self.probabilities = probabilities(**{label: confidence})
        self.batches: list[int] = []
        self.run = fake_run()

    def predict(self, faces: Image) -> Probabilities:
        assert faces.shape[1:] == (FACE_SIZE, FACE_SIZE)
        assert faces.dtype == np.uint8
        self.batches.append(len(faces))
        return np.tile(self.probabilities, (len(faces), 1))


def fake_run(name: str = "fake-cnn", metrics: Mapping[str, object] | None = None) -> Run:
    """A run that could be served."""
    return Run(
        name=name,
        labels=EMOTIONS,
        input_shape=(FACE_SIZE, FACE_SIZE, 1),
        preprocessing=describe("fixed"),
        metrics=metrics or {},
        commit="0" * 40,
        seed=0,
        files={"model.tflite": "f" * 64},
    )


def probabilities(**named: float) -> Probabilities:
    """(7,) float32: the named expressions, what is left shared by the others."""
    rest = (1.0 - sum(named.values())) / max(len(EMOTIONS) - len(named), 1)
    return np.array([named.get(label, rest) for label in EMOTIONS], np.float32)


def prediction(
    box: Box = (10, 10, 50, 60),
    *,
    track: int | None = None,
    score: float = 0.9,
    quality: tuple[str, ...] = (),
    **named: float,
) -> FacePrediction:
    """A face with the named probabilities (happy 0.7 when none are named)."""
    return FacePrediction(
        Face(box, score, track=track), probabilities(**(named or {"happy": 0.7})), quality
    )


def frame(*predictions: FacePrediction, index: int = 0, time_s: float = 0.0) -> FrameResult:
    """A 160 x 120 frame with these faces."""
    return FrameResult(index, time_s, 160, 120, predictions)
