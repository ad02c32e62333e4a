from __future__ import annotations

import numpy as np
import pytest

from fer.classifier import FacialExpressionModel, Forward
from fer.evaluation.serving import ServingFigures, choose, measure_serving
from fer.types import Split
from tests.fakes import fake_run


@pytest.mark.parametrize(
    ("accuracy", "ece", "speed", "chosen"),
    [
        (0.6981, 0.0249, 3.0, "int8"),  # a little less right and honest, but faster
        (0.6979, 0.0200, 3.0, "float32"),  # loses more than 0.2 points
        (0.7500, 0.0251, 3.0, "float32"),  # loses more than 0.005 of calibration
        (0.7500, 0.0100, 0.9, "float32"),  # is slower
    ],
)
def test_the_fastest_that_loses_little_is_chosen(
    accuracy: float, ece: float, speed: float, chosen: str
) -> None:
    measured = {
        "float32": ServingFigures(0.7, 0.02, 1.0, 100),
        "int8": ServingFigures(accuracy, ece, speed, 25),
    }
    assert choose(measured) == chosen


def test_files_are_measured_against_the_first() -> None:
    def always(label: int, work: int) -> Forward:
        def forward(faces: np.ndarray) -> np.ndarray:
            np.sort(np.tile(faces[:1].ravel(), work))
            answer = np.full((len(faces), 7), 0.05, np.float32)
            answer[:, label] = 0.7
            return answer

        return forward

    images = np.random.default_rng(0).integers(0, 256, (10, 48, 48), dtype=np.uint8)
    labels = np.array([3] * 7 + [0] * 3)
    models = {
        "float32": FacialExpressionModel(fake_run(), always(3, work=60)),
        "int8": FacialExpressionModel(fake_run(), always(0, work=1)),
    }
    found = measure_serving(
        models, {"float32": 4, "int8": 1}, Split(images, labels, np.arange(len(labels)))
    )
    assert found["float32"].accuracy == pytest.approx(0.7)
    assert found["float32"].ece == pytest.approx(0, abs=1e-6)
    assert found["int8"].accuracy == pytest.approx(0.3)
    assert found["int8"].ece == pytest.approx(0.4)
    assert found["float32"].speed == 1
    assert found["int8"].speed > 2
    assert (found["float32"].size, found["int8"].size) == (4, 1)
