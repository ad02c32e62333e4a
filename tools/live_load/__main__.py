"""``python -m tools.live_load``: make the namespace, measure inside it, print what came of it."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from fer import artifacts
from fer.faces import detector_status
from fer.provenance import machine
from tools.live_load import measure
from tools.live_load.faults import faults
from tools.live_load.namespace import refuse_outside, run_inside
from tools.live_load.run import Run

#: Bounds of what may be asked for.
_MOST_VIEWERS: Final = 16
_MOST_SECONDS: Final = 300.0
_MOST_MINUTES: Final = 30.0

#: Seconds for all faults, at most.
_FAULTS_S: Final = 900.0

#: Seconds for starting and leaving, at most, per viewer.
_PER_VIEWER_S: Final = 60.0


def arguments() -> argparse.Namespace:
    """What is asked for, within its bounds."""
    parser = argparse.ArgumentParser(prog="python -m tools.live_load", description=__doc__)
    parser.add_argument("--viewers", type=int, nargs="+", default=[1, 2, 4, 8], metavar="N")
    parser.add_argument("--seconds", type=float, default=30.0, help="measured per number")
    parser.add_argument("--minutes", type=float, default=5.0, help="of drift, with 4 viewers")
    parser.add_argument("--faults", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--json", type=Path, help="write the figures there too")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if not all(1 <= viewers <= _MOST_VIEWERS for viewers in given.viewers):
        parser.error(f"1 to {_MOST_VIEWERS} viewers")
    if not 1 <= given.seconds <= _MOST_SECONDS or not 0 <= given.minutes <= _MOST_MINUTES:
        parser.error(f"at most {_MOST_SECONDS:.0f} seconds and {_MOST_MINUTES:.0f} minutes")
    return given


def main() -> None:
    """Measure."""
    given = arguments()
    if not given.inside:
        streams = sum(given.viewers) + 4 + 8
        limit_s = 60 * given.minutes + len(given.viewers) * given.seconds
        limit_s += streams * _PER_VIEWER_S + _FAULTS_S
        command = [sys.executable, "-m", "tools.live_load", "--inside", *sys.argv[1:]]
        sys.exit(run_inside(command, limit_s))
    refuse_outside()
    with tempfile.TemporaryDirectory(prefix="fer-load-") as made:
        figures = measure_all(Run(Path(made)), given)
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def measure_all(run: Run, given: argparse.Namespace) -> dict[str, Any]:
    """Measure what was asked for, and print it as it comes."""
    shutil.copytree(artifacts.models_dir(), run.folder / "models")
    (run.folder / "operator.toml").write_text(
        f"[limits]\nlive_sessions = {_MOST_VIEWERS + 2}\n", encoding="utf-8"
    )
    figures: dict[str, Any] = {
        "machine": machine(),
        "model": artifacts.default_run(),
        "detector": detector_status().name,
        "load": [],
    }
    print("{machine}; model {model}; faces found by {detector}; 640x480, 15/s".format(**figures))
    with run.serving():
        for viewers in given.viewers:
            figures["load"].append(measure.load(run, viewers, given.seconds))
            print(_row(figures["load"]), flush=True)
        if given.minutes:
            figures["drift"] = measure.drift(run, 4, given.minutes)
            print(
                "memory over {minutes:g} min with {viewers} viewers: {before_mb:.0f} MB to "
                "{after_mb:.0f} MB ({drift:+.1%})".format(**figures["drift"]),
                flush=True,
            )
        if given.faults:
            figures["faults"] = faults(run, min(given.seconds, 10.0))
            for fault in figures["faults"]:
                print(json.dumps(fault), flush=True)
    return figures


def _row(load: list[dict[str, Any]]) -> str:
    """The latest figures as a line; memory per viewer against the fewest viewers so far."""
    first, last = load[0], load[-1]
    more = last["viewers"] - first["viewers"]
    each = (last["memory_mb"] - first["memory_mb"]) / more if more else float("nan")
    return (
        "{viewers} viewers: analysed {fps_mean:.1f}/s each (least {fps_least:.1f}), "
        "age p50 {age_ms_p50:.0f} ms, p95 {age_ms_p95:.0f} ms; "
        "there and back p50 {there_and_back_ms_p50:.0f} ms, p95 {there_and_back_ms_p95:.0f} ms; "
        "server {server_cores:.2f} cores, {memory_mb:.0f} MB".format(**last)
        + (f", {each:.0f} MB per viewer more" if more else "")
    )


if __name__ == "__main__":
    main()
