"""Benchmark: what each viewer of the Live page costs."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from fer.bench.record import Plan, Section, Table
from fer.bench.timing import line
from fer.errors import FerError
from fer.paths import PROJECT


def viewers(plan: Plan) -> Section:
    """Let the load harness, in its own network, measure one, two and four viewers.

    Raises:
        FerError: if it cannot run here.
    """
    numbers, seconds = (("1", "2"), "5") if plan.quick else (("1", "2", "4"), "15")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "load.json"
        command = [sys.executable, "-m", "tools.live_load", "--viewers", *numbers]
        command += ["--seconds", seconds, "--minutes", "0", "--no-faults", "--json", str(target)]
        done = subprocess.run(  # noqa: S603 our own command
            command, cwd=PROJECT, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise FerError(f"The load harness failed: {done.stderr.strip()[-300:]}")
        load = json.loads(target.read_text(encoding="utf-8"))["load"]
    keys = ("viewers", "fps_mean", "age_ms_p50", "age_ms_p95", "server_cores", "memory_mb")
    rows = tuple(tuple(found[key] for key in keys) for found in load)
    columns = ("viewers", "frames/s each", "age p50, ms", "age p95, ms", "cores", "MB")
    x = np.array([found["viewers"] for found in load], float)
    idle, cores = line(x, np.array([found["server_cores"] for found in load]))
    start_mb, mb = line(x, np.array([found["memory_mb"] for found in load]))
    frames = float(np.mean([found["fps_mean"] for found in load]))
    return Section(
        tables=(Table("640x480 at 15 frames per second", columns, rows),),
        figures={
            "cores_per_viewer": cores,
            "cores_idle": idle,
            "mb_per_viewer": mb,
            "mb_start": start_mb,
            "ms_per_frame": 1000 * cores / frames,
        },
        notes=(
            f"Fitted: {idle:.2f} + {cores:.2f} cores and {start_mb:.0f} + {mb:.0f} MB per viewer.",
            "Viewers run on the same machine; cores are the server's processor time alone.",
        ),
    )
