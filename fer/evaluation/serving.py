"""Which of a run's files serves best: the fastest that is right and honest enough."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from fer.calibration import expected_calibration_error
from fer.classifier import FacialExpressionModel
from fer.types import Split

#: What a faster file may cost: share of right answers, and calibration error.
LEAST_ACCURACY_CHANGE: Final = -0.002
MOST_ECE_CHANGE: Final = 0.005

#: A recorded figure may differ by this much: on another processor some roundings between
#: layers fall differently, and with them a few of the 7,178 faces.
TOLERANCE: Final = 1e-3

_ROUNDS: Final = 30
_FACES: Final = 10


@dataclass(frozen=True)
class ServingFigures:
    """What a serving file reaches.

    Attributes:
        accuracy: on all test faces, 0 to 1.
        ece: expected calibration error there (15 bins), with the run's calibration.
        speed: how many times as fast as the float32 file, in processor time of one thread.
        size: of the file in bytes.
    """

    accuracy: float
    ece: float
    speed: float
    size: int


def measure_serving(
    models: Mapping[str, FacialExpressionModel], sizes: Mapping[str, int], test: Split
) -> dict[str, ServingFigures]:
    """Measure the files of a run against each other.

    Args:
        models: one for each file, the float32 one first.
        sizes: bytes of each.
        test: the test split.
    """
    speeds = _relative_speeds(models, test)
    found = {}
    for name, model in models.items():
        accuracy, ece = _judge(model, test)
        found[name] = ServingFigures(accuracy, ece, speeds[name], sizes[name])
    return found


def choose(measured: Mapping[str, ServingFigures]) -> str:
    """Name the fastest file among those that lose no more than is allowed against the first."""
    reference = next(iter(measured.values()))
    allowed = [
        name
        for name, found in measured.items()
        if found.accuracy - reference.accuracy >= LEAST_ACCURACY_CHANGE
        and found.ece - reference.ece <= MOST_ECE_CHANGE
    ]
    return max(allowed, key=lambda name: measured[name].speed)


def compare_serving(model: FacialExpressionModel, test: Split) -> list[str]:
    """Tell how what a served file reaches now differs from its record, in sentences.

    Args:
        model: a run, as it is served.
        test: the test split.
    """
    serving = model.run.details.get("serving")
    if serving is None:
        return []
    recorded = serving["measured"][serving["way"]]
    accuracy, ece = _judge(model, test)
    return [
        f"The served file is recorded with {name} {recorded[name]:.4f}; it is {now:.4f} now."
        for name, now in (("accuracy", accuracy), ("ece", ece))
        if abs(recorded[name] - now) > TOLERANCE
    ]


def _judge(model: FacialExpressionModel, test: Split) -> tuple[float, float]:
    probabilities = model.predict(test.images)
    accuracy = float((probabilities.argmax(axis=1) == test.labels).mean())
    return accuracy, expected_calibration_error(test.labels, probabilities)


def _relative_speeds(models: Mapping[str, FacialExpressionModel], test: Split) -> dict[str, float]:
    """Time in turns, so that whatever else the machine does slows all alike."""
    times: dict[str, list[float]] = {name: [] for name in models}
    for number in range(_ROUNDS + 1):
        for name, model in models.items():
            started = time.thread_time()
            model.predict(test.images[:_FACES], calibrated=False)
            if number:  # the first is to warm up
                times[name].append(time.thread_time() - started)
    medians = np.array([statistics.median(taken) for taken in times.values()])
    return dict(zip(models, (medians[0] / medians).tolist(), strict=True))
