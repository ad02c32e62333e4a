"""Timing in turns, so that whatever else the machine does slows all alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Times:
    """Milliseconds of every round.

    Attributes:
        wall: (rounds,) as a clock on the wall tells them.
        processor: (rounds,) used by all threads of this process together.
    """

    wall: NDArray[np.float64]
    processor: NDArray[np.float64]

    @property
    def ms(self) -> float:
        """Median wall time."""
        return float(np.median(self.wall))

    @property
    def processor_ms(self) -> float:
        """Median processor time."""
        return float(np.median(self.processor))

    def over(self, other: Times) -> float:
        """How many times as long as another, in processor time: median over the rounds."""
        return float(np.median(self.processor / np.maximum(other.processor, 1e-9)))


def in_turns(
    functions: Mapping[str, Callable[[], object]], rounds: int, per: int = 1
) -> dict[str, Times]:
    """Call each function once per round, after one round to warm up.

    Args:
        functions: what to time.
        rounds: how often.
        per: times are divided by this, such as faces per call.
    """
    wall: dict[str, list[float]] = {name: [] for name in functions}
    processor: dict[str, list[float]] = {name: [] for name in functions}
    for number in range(rounds + 1):
        for name, function in functions.items():
            begun, used = time.perf_counter(), time.process_time()
            function()
            if number:
                processor[name].append((time.process_time() - used) * 1000 / per)
                wall[name].append((time.perf_counter() - begun) * 1000 / per)
    return {name: Times(np.array(wall[name]), np.array(processor[name])) for name in functions}


def line(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    """Fit y = start + slope x by least squares; return start and slope."""
    slope, start = np.polyfit(x, y, 1)
    return float(start), float(slope)
