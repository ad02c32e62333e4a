"""Faults of a third viewer or of the server, beside two viewers who must not notice.

Every fault begins on command, so that the time before it is one without it; and every one is
looked at where it happens, so that a fault that did not happen cannot pass for one survived.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fer import artifacts
from tools.live_load.run import Run, Viewer, wait_for
from tools.live_load.server import RAISE

#: Who watches beside a fault.
OTHERS: Final = 2

#: Seconds that three viewers get to settle before a fault.
_SETTLE_S: Final = 5.0

#: Seconds within which a viewer that left should be gone, and for which is waited.
_GONE_S: Final = 60.0
_PATIENCE_S: Final = 120.0

#: "Undisturbed": so much of the frame rate before, ...
KEPT_RATE: Final = 0.7
#: ... an age of what is shown, in its 95th percentile, of at most so many times that before and so
#: many milliseconds more, ...
OLDER_TIMES: Final = 1.5
OLDER_MS: Final = 50.0
#: ... and no longer a gap without a new picture, in seconds.
LONGEST_GAP_S: Final = 2.0


@dataclass(frozen=True)
class Seen:
    """What one viewer saw for some time.

    Attributes:
        fps: new pictures per second.
        age_ms_p95: 95th percentile of their age, there and back; infinite without any.
        longest_gap_s: without a new picture.
    """

    fps: float
    age_ms_p95: float
    longest_gap_s: float


def look(rows: NDArray[np.float64], begin_s: float, end_s: float) -> Seen:
    """Sum up what a viewer saw between two moments.

    Args:
        rows: from ``Viewer.seen``.
        begin_s: on the machine's monotonic clock.
        end_s: likewise.
    """
    within = rows[(rows[:, 0] >= begin_s) & (rows[:, 0] < end_s)]
    gaps = np.diff(np.concatenate([[begin_s], within[:, 0], [end_s]]))
    return Seen(
        fps=len(within) / (end_s - begin_s),
        age_ms_p95=float(np.quantile(within[:, 1], 0.95)) if len(within) else float("inf"),
        longest_gap_s=float(gaps.max()),
    )


def undisturbed(before: Seen, during: Seen) -> bool:
    """Whether somebody who watched beside a fault had nothing of it."""
    return (
        during.fps >= KEPT_RATE * before.fps
        and during.age_ms_p95 <= OLDER_TIMES * before.age_ms_p95 + OLDER_MS
        and during.longest_gap_s <= LONGEST_GAP_S
    )


def faults(run: Run, seconds: float) -> list[dict[str, Any]]:
    """Cause one fault after the other, for so many seconds each, and look at what came of it."""
    for _ in range(OTHERS):
        run.add_viewer()
    found = [
        _camera(run, seconds, "camera changes its size", "size"),
        _camera(run, seconds, "camera stops sending", "silent"),
        _detector(run, seconds),
        _leaving(run, seconds, "client closes its tab", run.dismiss),
        _leaving(run, seconds, "client vanishes", run.kill),
        _run_deleted(run, seconds),
    ]
    run.leave()
    return found


def _camera(run: Run, seconds: float, name: str, fault: str) -> dict[str, Any]:
    third = run.add_viewer(fault)
    times, found = _beside(run, name, seconds, third.misbehave)
    rows = _later_half(third, *times)
    sizes = sorted({int(width) for width in rows[:, 2]})
    found["happened"] = len(sizes) > 1 if fault == "size" else not len(rows)
    run.dismiss(third)
    return found


def _detector(run: Run, seconds: float) -> dict[str, Any]:
    third = run.add_viewer()
    flag = run.folder / RAISE

    def let_it_raise() -> None:
        last = run.status()["detectors"] - 1  # the third viewer's: it came last
        flag.write_text(str(last), encoding="utf-8")

    times, found = _beside(run, "exception in the detector", seconds, let_it_raise)
    found["happened"] = not len(_later_half(third, *times))
    flag.unlink()
    count = len(third.seen())
    found["recovers_within_s"] = wait_for(lambda: len(third.seen()) > count, "boxes again")
    run.dismiss(third)
    return found


def _leaving(
    run: Run, seconds: float, name: str, leave: Callable[[Viewer], None]
) -> dict[str, Any]:
    time.sleep(_SETTLE_S)
    alone = _use(run, seconds)
    third = run.add_viewer()
    time.sleep(_SETTLE_S)
    while_there = run.status()
    gone_s = float("inf")

    def leave_and_wait() -> None:
        nonlocal gone_s
        begun_s = time.monotonic()
        leave(third)
        with suppress(TimeoutError):  # the number tells
            wait_for(lambda: _is_gone(run, alone), "its end", _PATIENCE_S)
            gone_s = time.monotonic() - begun_s

    _, found = _beside(run, name, seconds, leave_and_wait)
    afterwards = _use(run, seconds)
    found["happened"] = third.process.poll() is not None
    found["gone_after_s"] = gone_s
    found["gone_in_time"] = gone_s <= _GONE_S
    for what in ("processors", "threads", "memory_mb"):
        found[what] = [alone[what], while_there[what], afterwards[what]]
    found["server_cores"] = [alone["cores"], afterwards["cores"]]
    return found


def _run_deleted(run: Run, seconds: float) -> dict[str, Any]:
    third = run.add_viewer()
    folder = run.folder / "models" / artifacts.default_run()
    times, found = _beside(run, "run deleted while serving", seconds, lambda: shutil.rmtree(folder))
    found["happened"] = not folder.exists()
    found["third_goes_on"] = bool(len(_later_half(third, *times)))
    return found


def _beside(
    run: Run, name: str, seconds: float, cause: Callable[[], None]
) -> tuple[tuple[float, float], dict[str, Any]]:
    """Watch two viewers before and during a fault; returns when it was, and what they saw."""
    time.sleep(_SETTLE_S)
    time.sleep(seconds)
    begin_s = time.monotonic()
    before = _look_at_all(run.viewers[:OTHERS], begin_s - seconds, begin_s)
    cause()
    time.sleep(max(0.0, begin_s + seconds - time.monotonic()))
    end_s = time.monotonic()
    during = _look_at_all(run.viewers[:OTHERS], begin_s, end_s)
    return (begin_s, end_s), {
        "fault": name,
        "fps": [[seen.fps for seen in then] for then in (before, during)],
        "age_ms_p95": [[seen.age_ms_p95 for seen in then] for then in (before, during)],
        "longest_gap_s": max(seen.longest_gap_s for seen in during),
        "undisturbed": all(map(undisturbed, before, during)),
    }


def _look_at_all(viewers: Sequence[Viewer], begin_s: float, end_s: float) -> list[Seen]:
    return [look(viewer.seen(), begin_s, end_s) for viewer in viewers]


def _later_half(viewer: Viewer, begin_s: float, end_s: float) -> NDArray[np.float64]:
    """What a viewer saw in the later half of a fault: the earlier may still be on its way."""
    rows = viewer.seen()
    return rows[(rows[:, 0] >= (begin_s + end_s) / 2) & (rows[:, 0] < end_s)]


def _use(run: Run, seconds: float) -> dict[str, Any]:
    """How the server is, and the processor time that it takes per second."""
    before = run.status()
    time.sleep(seconds)
    after = run.status()
    return {**after, "cores": (after["cpu_s"] - before["cpu_s"]) / (after["at_s"] - before["at_s"])}


def _is_gone(run: Run, alone: dict[str, Any]) -> bool:
    """Whether nothing is left of the third viewer: no place, no processor, no thread."""
    now = run.status()
    return all(now[what] <= alone[what] for what in ("places", "processors", "threads"))
