"""What is measured by number of viewers: load, and drift of memory."""

from __future__ import annotations

import time
from typing import Any, Final

import numpy as np

from tools.live_load.run import Run, wait_for

#: Seconds that a number of viewers gets to settle before it is measured.
_SETTLE_S: Final = 5.0


def load(run: Run, viewers: int, seconds: float) -> dict[str, Any]:
    """Measure with so many viewers; they are gone afterwards."""
    for _ in range(viewers):
        run.add_viewer()
    time.sleep(_SETTLE_S)
    begin_s, cpu_s = time.monotonic(), run.status()["cpu_s"]
    time.sleep(seconds)
    end_s, status = time.monotonic(), run.status()
    ages = run.ages(begin_s, end_s)
    seen = [
        rows[(rows[:, 0] >= begin_s) & (rows[:, 0] < end_s)]
        for rows in (viewer.seen() for viewer in run.viewers)
    ]
    run.leave()
    wait_for(lambda: run.status()["places"] == 0, "an empty server")
    analysed = sorted(len(values) / (end_s - begin_s) for values in ages.values())
    result_ages = np.concatenate(list(ages.values()))
    there_and_back = np.concatenate([rows[:, 1] for rows in seen])
    return {
        "viewers": viewers,
        "fps_least": analysed[0],
        "fps_mean": float(np.mean(analysed)),
        "shown_fps_mean": float(np.mean([len(rows) / (end_s - begin_s) for rows in seen])),
        "age_ms_p50": float(np.quantile(result_ages, 0.5)),
        "age_ms_p95": float(np.quantile(result_ages, 0.95)),
        "there_and_back_ms_p50": float(np.quantile(there_and_back, 0.5)),
        "there_and_back_ms_p95": float(np.quantile(there_and_back, 0.95)),
        "server_cores": (status["cpu_s"] - cpu_s) / (end_s - begin_s),
        "memory_mb": status["memory_mb"],
    }


def drift(run: Run, viewers: int, minutes: float) -> dict[str, Any]:
    """Memory of the server at the beginning and at the end of some minutes."""
    for _ in range(viewers):
        run.add_viewer()
    time.sleep(min(30.0, 30.0 * minutes))
    before = run.status()["memory_mb"]
    time.sleep(60 * minutes)
    after = run.status()["memory_mb"]
    run.leave()
    wait_for(lambda: run.status()["places"] == 0, "an empty server")
    return {
        "viewers": viewers,
        "minutes": minutes,
        "before_mb": before,
        "after_mb": after,
        "drift": after / before - 1,
    }
