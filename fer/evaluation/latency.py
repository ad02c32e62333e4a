"""How long a classifier takes for a face on this machine."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fer.types import FACE_SIZE, Classifier

#: Called with the share that is done, 0 to 1.
OnProgress = Callable[[float], None]


@dataclass(frozen=True)
class Latency:
    """Time for one face, in milliseconds, at one size of batch.

    Attributes:
        batch: faces per call.
        calls: calls that were timed.
        median: of the calls, divided by the faces.
        slowest: 95th percentile, likewise: what a loaded machine does now and then.
    """

    batch: int
    calls: int
    median: float
    slowest: float


def measure(
    classifier: Classifier,
    batches: tuple[int, ...] = (1, 8),
    calls: int = 60,
    on_progress: OnProgress | None = None,
) -> tuple[Latency, ...]:
    """Time a classifier, preparation of the faces included, detection excluded.

    Args:
        classifier: what to time. A network takes the same time for noise as for faces.
        batches: faces per call.
        calls: how often each batch is timed, after a few calls to warm up.
        on_progress: called after every call.
    """
    random = np.random.default_rng(0)
    found = []
    for number, batch in enumerate(batches):
        faces = random.integers(0, 256, (batch, FACE_SIZE, FACE_SIZE), dtype=np.uint8)
        for _ in range(3):
            classifier.predict(faces)
        times = []
        for call in range(calls):
            started = time.perf_counter()
            classifier.predict(faces)
            times.append((time.perf_counter() - started) * 1000 / batch)
            if on_progress:
                on_progress((number + (call + 1) / calls) / len(batches))
        slowest = float(np.quantile(times, 0.95))
        found.append(Latency(batch, calls, statistics.median(times), slowest))
    return tuple(found)
