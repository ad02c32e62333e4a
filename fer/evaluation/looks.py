"""The log ``models/RESULTS.csv``: every look at the test split is on record."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from typing import Any

from fer import artifacts
from fer.types import Run


def log_look(run: Run, view: str, metrics: Mapping[str, Any]) -> None:
    """Add a line for a finished run.

    Args:
        run: the run.
        view: ``"single"`` or ``"flip-averaged"``.
        metrics: what ``evaluation.measure`` found in that view.
    """
    shown = ("all", "PublicTest", "PrivateTest", "without_twins")
    record = {
        "finished": run.details["finished"],
        "run": run.name,
        "recipe": run.details["recipe"]["name"],
        "validation": run.details["recipe"]["validation"],
        "seed": run.seed,
        "epochs": run.details["recipe"]["epochs"],
        "hours": round(run.details["seconds"] / 3600, 2),
        "parameters": run.metrics["parameters"],
        "multiply_adds": run.metrics["multiply_adds"],
        "view": view,
        **{name: round(metrics[name]["accuracy"], 4) for name in shown if name in metrics},
        "low": round(metrics["all"]["low"], 4),
        "high": round(metrics["all"]["high"], 4),
        "macro_f1": round(metrics["all"]["macro_f1"], 4),
        "commit": run.commit,
        "machine": run.details["machine"],
    }
    path = artifacts.models_dir() / artifacts.LOOKS
    is_new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(record), lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerow(record)
