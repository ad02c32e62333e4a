"""What is measured: load by number of viewers, drift of memory, and faults beside two viewers."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import numpy as np

from fer import artifacts
from tools.live_load.run import Run, wait_for
from tools.live_load.server import RAISE

#: Seconds that a number of viewers gets to settle before it is measured.
_SETTLE_S: Final = 5.0

#: Who watches beside a fault, and must not notice it.
_OTHERS: Final = 2

#: "Undisturbed": so much of the frame rate before, and no longer a gap without a new picture.
KEPT_RATE: Final = 0.7
LONGEST_GAP_S: Final = 2.0


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


def faults(run: Run, seconds: float) -> list[dict[str, Any]]:
    """Two viewers watch while a third one, or the server, has a fault of each kind."""
    for _ in range(_OTHERS):
        run.add_viewer()
    made = _OTHERS
    found = []

    def beside(name: str, cause: Callable[[], None], mend: Callable[[], None]) -> None:
        time.sleep(_SETTLE_S)
        before = _rates(run, seconds)
        cause()
        during = _rates(run, seconds)
        found.append(
            {
                "fault": name,
                "fps_before": [rate for rate, _ in before],
                "fps_during": [rate for rate, _ in during],
                "longest_gap_s": max(gap for _, gap in during),
                "undisturbed": all(
                    now >= KEPT_RATE * then and gap <= LONGEST_GAP_S
                    for (then, _), (now, gap) in zip(before, during, strict=True)
                ),
            }
        )
        mend()

    def third(fault: str = "none") -> None:
        nonlocal made
        run.add_viewer(fault)
        made += 1

    def third_leaves() -> None:
        run.viewers.pop().process.kill()

    flag = run.folder / RAISE
    for fault in ("size", "silent"):
        third(fault)
        beside(f"camera: {fault}", lambda: None, third_leaves)
    third()
    beside(
        "exception in the detector",
        lambda: void(flag.write_text(str(made - 1), encoding="utf-8")),
        flag.unlink,
    )
    last = run.viewers[-1]
    count = len(last.seen())
    wait_for(lambda: len(last.seen()) > count, "the recovery of the detector")
    beside("client vanishes", third_leaves, lambda: None)
    seconds_left = wait_for(lambda: run.status()["places"] <= _OTHERS, "a free place")
    found[-1]["gone_after_s"] = seconds + seconds_left
    found[-1]["processors_left"] = _processors(run)
    served = artifacts.default_run()
    beside(
        "run deleted while serving",
        lambda: shutil.rmtree(run.folder / "models" / served),
        lambda: None,
    )
    run.leave()
    return found


def void(_: object) -> None:
    """Drop a value."""


def _processors(run: Run) -> int:
    """Processors in memory, when those of viewers that left had time to go."""
    with suppress(TimeoutError):  # the number tells
        wait_for(lambda: run.status()["processors"] <= _OTHERS, "freed memory", 30.0)
    return int(run.status()["processors"])


def _rates(run: Run, seconds: float) -> list[tuple[float, float]]:
    """New pictures per second, and the longest gap between two, of the viewers beside."""
    begin_s = time.monotonic()
    time.sleep(seconds)
    end_s = time.monotonic()
    rates = []
    for viewer in run.viewers[:_OTHERS]:
        came = viewer.seen()[:, 0]
        within = came[(came >= begin_s) & (came < end_s)]
        gaps = np.diff(np.concatenate([[begin_s], within, [end_s]]))
        rates.append((len(within) / seconds, float(gaps.max())))
    return rates
