from __future__ import annotations

import pytest

from fer.evaluation.latency import measure
from tests.fakes import FakeClassifier


def test_every_batch_is_timed_and_progress_told() -> None:
    told: list[float] = []
    classifier = FakeClassifier()
    one, four = measure(classifier, batches=(1, 4), calls=5, on_progress=told.append)
    assert (one.batch, four.batch, one.calls) == (1, 4, 5)
    assert 0 < one.median <= one.slowest
    # Three calls each to warm up.
    assert classifier.batches == [1] * 8 + [4] * 8
    assert told == pytest.approx([0.1 * step for step in range(1, 11)])
