"""Measure this program on this machine: ``python -m fer bench``, or ``make bench``.

Every section runs in a process of its own, so that one that fails takes no other with it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Annotated, Final

import typer

from fer.bench.process import busy_share
from fer.bench.record import Plan, Section, keep
from fer.commands.console import complain
from fer.errors import FerError
from fer.paths import PROJECT

#: Sections in their order: each is a function in the module of its name, which loads what it needs.
SECTIONS: Final = (
    "classifier",
    "peers",
    "detector",
    "stages",
    "video",
    "app",
    "training",
    "growth",
    "viewers",
)

#: The better detector, where it lies beside the media: as in ``fer.faces``, which is heavy.
YUNET_FILE: Final = "face_detection_yunet_2023mar.onnx"

#: A section that takes longer than this hangs.
_LONGEST_S: Final = 900


def bench(
    sections: Annotated[
        list[str] | None, typer.Argument(metavar="SECTION", help=f"Of {', '.join(SECTIONS)}.")
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Where the results are kept.")
    ] = PROJECT / "docs",
    media: Annotated[
        Path, typer.Option(metavar="DIR", help="Real videos and photos to measure with.")
    ] = PROJECT.parent / "shared" / "media",
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help="Only try everything out; figures are of no worth.")
    ] = False,
) -> None:
    """Measure speed and size, and write benchmarks.json and benchmarks.md.

    About ten minutes on two free cores. A section that fails is reported, and the exit code is 1.
    """
    chosen = sections or list(SECTIONS)
    if unknown := [name for name in chosen if name not in SECTIONS]:
        raise typer.BadParameter(f"no section {unknown[0]!r}; there are {', '.join(SECTIONS)}")
    plan = Plan(quick, media, output)
    output.mkdir(parents=True, exist_ok=True)
    beside = media.parent / "models" / YUNET_FILE
    if beside.exists():
        os.environ.setdefault("FER_YUNET_MODEL", str(beside))
    if len(chosen) == 1:
        failed = [] if measure(chosen[0], plan) else chosen
    else:
        failed = [name for name in chosen if not _measure_apart(name, plan)]
    if failed:
        raise typer.Exit(1)


def measure(name: str, plan: Plan, function: Callable[[Plan], Section] | None = None) -> bool:
    """Measure a section in this process, and keep what it found or why it failed.

    Args:
        name: of the section.
        plan: how to measure, and where to keep it.
        function: measures it; the section's own if None.

    Returns:
        Whether it was measured.
    """
    busy = busy_share()
    started = time.monotonic()
    outcome: Section | str
    try:
        if function is None:
            function = getattr(import_module(f"fer.bench.{name}"), name)
        outcome = function(plan)
    except Exception as exc:  # noqa: BLE001 whatever fails: it is told, and the others stand
        reason = str(exc) if isinstance(exc, FerError) else f"{type(exc).__name__}: {exc}"
        outcome = " ".join(reason.split())
        complain(f"{name}: {outcome}")
    keep(name, outcome, plan, time.monotonic() - started, busy)
    typer.echo(f"{name}: {time.monotonic() - started:.0f} s")
    return isinstance(outcome, Section)


def _measure_apart(name: str, plan: Plan) -> bool:
    command = [sys.executable, "-m", "fer", "bench", name, "-o", str(plan.output)]
    command += ["--media", str(plan.media), *(["--quick"] if plan.quick else [])]
    try:
        return subprocess.run(command, timeout=_LONGEST_S, check=False).returncode == 0  # noqa: S603
    except subprocess.TimeoutExpired:
        keep(name, f"It took longer than {_LONGEST_S} s.", plan, _LONGEST_S, busy_share())
        return False
