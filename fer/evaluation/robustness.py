"""How a run holds up when faces look otherwise than FER2013's: dark, blurred, turned, small.

The same test faces are spoilt in nine ways at five strengths each. What a
detector does wrong is part of it: its boxes sit a little off and too wide or tight.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fer.evaluation.evaluate import TOLERANCE
from fer.metrics import accuracy_interval
from fer.types import FACE_SIZE, Classifier, Image, Split

#: One face (48, 48) uint8, a strength and a source of chance to the spoilt face.
Spoil = Callable[[Image, float, np.random.Generator], Image]

_CENTRE: Final = ((FACE_SIZE - 1) / 2, (FACE_SIZE - 1) / 2)


@dataclass(frozen=True)
class Condition:
    """One way to spoil a face.

    Attributes:
        name: for tables.
        unit: what a strength is, such as ``"degrees"``.
        strengths: five, from mild to severe.
        spoil: does it.
    """

    name: str
    unit: str
    strengths: tuple[float, float, float, float, float]
    spoil: Spoil


def _darken(face: Image, gain: float, random: np.random.Generator) -> Image:
    # A dim picture keeps the sensor's noise while the light goes.
    return _grey(face * gain + random.normal(0, 4, face.shape))


def _noise(face: Image, deviation: float, random: np.random.Generator) -> Image:
    return _grey(face + random.normal(0, deviation, face.shape))


def _blur(face: Image, deviation: float, random: np.random.Generator) -> Image:  # noqa: ARG001
    return _grey(cv2.GaussianBlur(face, (0, 0), deviation, borderType=cv2.BORDER_REPLICATE))


def _compress(face: Image, quality: float, random: np.random.Generator) -> Image:  # noqa: ARG001
    _, data = cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
    return _grey(np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)))


def _turn(face: Image, degrees: float, random: np.random.Generator) -> Image:
    return _warp(face, cv2.getRotationMatrix2D(_CENTRE, random.choice((-1, 1)) * degrees, 1.0))


def _shift(face: Image, pixels: float, random: np.random.Generator) -> Image:
    angle = random.uniform(0, 2 * np.pi)
    right, down = pixels * np.cos(angle), pixels * np.sin(angle)
    return _warp(face, np.array([[1, 0, right], [0, 1, down]]))


def _zoom(face: Image, factor: float, random: np.random.Generator) -> Image:  # noqa: ARG001
    return _warp(face, cv2.getRotationMatrix2D(_CENTRE, 0, factor))


def _shrink(face: Image, side: float, random: np.random.Generator) -> Image:  # noqa: ARG001
    small = cv2.resize(face, (int(side), int(side)), interpolation=cv2.INTER_AREA)
    return _grey(cv2.resize(small, (FACE_SIZE, FACE_SIZE), interpolation=cv2.INTER_LINEAR))


def _warp(face: Image, matrix: NDArray[Any]) -> Image:
    size = (FACE_SIZE, FACE_SIZE)
    return _grey(cv2.warpAffine(face, matrix, size, borderMode=cv2.BORDER_REPLICATE))


def _grey(values: NDArray[np.generic]) -> Image:
    return np.asarray(np.clip(np.rint(values.astype(np.float64)), 0, 255), dtype=np.uint8)


CONDITIONS: Final = (
    Condition("low light", "of the light", (0.6, 0.4, 0.25, 0.15, 0.08), _darken),
    Condition("noise", "grey levels", (5, 10, 20, 30, 45), _noise),
    Condition("blur", "pixels", (0.6, 1.0, 1.5, 2.0, 3.0), _blur),
    Condition("compression", "JPEG quality", (60, 40, 25, 15, 8), _compress),
    Condition("turned", "degrees", (5, 10, 15, 25, 40), _turn),
    Condition("shifted", "pixels of 48", (1, 2, 4, 6, 9), _shift),
    Condition("cropped wider", "of the size", (0.95, 0.9, 0.8, 0.7, 0.55), _zoom),
    Condition("cropped tighter", "of the size", (1.05, 1.1, 1.2, 1.35, 1.6), _zoom),
    Condition("small", "pixels across", (36, 28, 22, 16, 11), _shrink),
)


def robustness_table(
    classifier: Classifier,
    test: Split,
    *,
    every: int = 3,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Measure accuracy on spoilt test faces.

    Args:
        classifier: the run to measure.
        test: faces and labels.
        every: take one face in so many; the interval says what that costs.
        seed: of noise and directions.
        on_progress: called with the conditions measured and their number.

    Returns:
        One row for the faces as they are (condition ``"as they are"``, strength 0),
        then one per condition and strength 1 to 5: ``condition``, ``strength``,
        ``value``, ``unit``, ``images``, ``accuracy``, ``low``, ``high``.
    """
    faces, labels = test.images[::every], test.labels[::every]
    cases = [
        (condition, strength, value)
        for condition in CONDITIONS
        for strength, value in enumerate(condition.strengths, start=1)
    ]
    rows = [_row("as they are", 0, None, "", _right(classifier, faces, labels))]
    for done, (condition, strength, value) in enumerate(cases, start=1):
        random = np.random.default_rng([seed, strength])
        spoilt = np.stack([condition.spoil(face, value, random) for face in faces])
        right = _right(classifier, spoilt, labels)
        rows.append(_row(condition.name, strength, value, condition.unit, right))
        if on_progress is not None:
            on_progress(done, len(cases))
    return pd.DataFrame(rows)


def compare(committed: pd.DataFrame, found: pd.DataFrame) -> list[str]:
    """Say in a sentence where a committed table cannot be reproduced, in a list; else nothing."""
    keys = ["condition", "strength"]
    if committed[keys].values.tolist() != found[keys].values.tolist():
        return ["The committed robustness is about other conditions: measure it again."]
    worst = float((committed["accuracy"] - found["accuracy"]).abs().max())
    if worst > TOLERANCE:
        return [f"The committed robustness differs by up to {worst:.2g} from what is found now."]
    return []


def _right(classifier: Classifier, faces: Image, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.asarray(classifier.predict(faces).argmax(axis=1) == labels)


def _row(
    condition: str, strength: int, value: float | None, unit: str, right: NDArray[np.bool_]
) -> dict[str, object]:
    low, high = accuracy_interval(int(right.sum()), len(right))
    return {
        "condition": condition,
        "strength": strength,
        "value": value,
        "unit": unit,
        "images": len(right),
        "accuracy": round(float(right.mean()), 4),
        "low": round(low, 4),
        "high": round(high, 4),
    }
