"""What a benchmark finds, and how it is kept: ``benchmarks.json`` and ``benchmarks.md``."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from fer.provenance import current_commit, machine

Cell = str | float | int | None

_LIBRARIES: Final = (
    "ai-edge-litert",
    "av",
    "numpy",
    "opencv-python-headless",
    "streamlit",
    "streamlit-webrtc",
    "tensorflow",
)

#: What was wanted: figure, section, words, the limit, and its unit.
GOALS: Final = (
    ("times_floor", "classifier", "Classifier: times the floor of its arithmetic", 2.0, ""),
    ("peers_better", "peers", "Peers that are both faster and more accurate", 0.0, ""),
    ("first_page_s", "app", "`streamlit run` to the first page", 3.0, "s"),
    ("idle_mb", "app", "Memory when idle", 250.0, "MB"),
    ("working_mb", "app", "Memory at work, at most", 450.0, "MB"),
    ("video_ratio", "video", "A whole video against decoding and encoding alone", 1.6, ""),
    ("input_share", "training", "Input pipeline's share of a training step", 0.1, ""),
)


#: Up to this share of other work a machine counts as free.
_QUIET: Final = 0.15

#: Share of a core that may be busy before answers come late.
BUSY: Final = 0.7


@dataclass(frozen=True)
class Plan:
    """How to measure.

    Attributes:
        quick: only try everything out: few rounds, figures of no worth.
        media: folder of real videos and photos.
        output: folder of the results.
        port: of the servers that are started.
    """

    quick: bool
    media: Path
    output: Path
    port: int = 8651


@dataclass(frozen=True)
class Table:
    """Rows of words and numbers under a caption."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Section:
    """What one section found.

    Attributes:
        tables: for the reader.
        figures: single numbers by name, for goals and for ``docs/scaling.md``.
        notes: sentences on how it was measured.
        pictures: file names beside ``benchmarks.md``.
    """

    tables: tuple[Table, ...]
    figures: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()


def keep(name: str, outcome: Section | str, plan: Plan, seconds: float, busy: float) -> None:
    """Put a section's outcome, or the sentence that tells why there is none, into both files.

    Args:
        name: of the section.
        outcome: what it found, or why it found nothing.
        plan: how it was measured.
        seconds: that it took.
        busy: share of the processors that did other work when it began, 0 to 1.
    """
    folder = plan.output
    record = read(folder)
    stamp = {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": current_commit(),
        "seconds": round(seconds, 1),
        "quick": plan.quick,
        "busy": round(busy, 2),
    }
    found = {"error": outcome} if isinstance(outcome, str) else asdict(outcome)
    record["machine"] = machine()
    record["versions"] = {"python": platform.python_version()} | {
        library: metadata.version(library) for library in _LIBRARIES
    }
    record.setdefault("sections", {})[name] = stamp | found
    (folder / "benchmarks.json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    (folder / "benchmarks.md").write_text(render(record), "utf-8")


def read(folder: Path) -> dict[str, Any]:
    """Read what was kept; empty before the first run."""
    path = folder / "benchmarks.json"
    found: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return found


def render(record: Mapping[str, Any]) -> str:
    """Write the record as Markdown."""
    sections = record["sections"]
    parts = [
        "# Benchmarks\n",
        "Written by `make bench`; `python -m fer bench SECTION` measures one section anew. "
        f"Machine: {record['machine']}. "
        + ", ".join(f"{name} {version}" for name, version in record["versions"].items())
        + ".\n\nTimes beside each other were taken in turns in one process, so compare them; "
        "processor time counts all threads and suffers little from other work on the machine, wall "
        "time does. [performance.md](performance.md) tells what was changed because of them, "
        "[scaling.md](scaling.md) what they mean for many viewers.\n",
        _goals(sections),
        _capacity(sections),
        *(_section(name, found) for name, found in sections.items()),
    ]
    return "\n".join(parts)


def _goals(sections: Mapping[str, Any]) -> str:
    rows = []
    for figure, section, words, limit, unit in GOALS:
        found = sections.get(section, {}).get("figures", {}).get(figure)
        verdict = "not measured" if found is None else "yes" if found <= limit else "**no**"
        shown = "" if found is None else f"{_cell(found)} {unit}"
        rows.append((words, f"{_cell(limit)} {unit}", shown, verdict))
    return "## Goals\n\n" + _table(("goal", "at most", "measured", "holds"), rows)


def _capacity(sections: Mapping[str, Any]) -> str:
    """What one core serves, as ``docs/scaling.md`` reckons it."""
    live = sections.get("viewers", {}).get("figures", {})
    video = sections.get("video", {}).get("figures", {})
    rows: list[tuple[Cell, ...]] = []
    if cores := live.get("cores_per_viewer"):
        needed = 1000 * cores / BUSY
        rows += [
            ("viewers of Live per core", BUSY / cores),
            ("cores for 1,000 viewers at a time", needed),
            ("memory for them in GB, 8 cores a replica", _replicas_gb(live, needed)),
        ]
    if ms := video.get("ms_per_frame"):
        rows += [
            ("hours of video (25 frames/s, 640x360) per core and day", 24 * 1000 / (25 * ms)),
            ("core-hours for 10,000 hours of video", 10_000 * 25 * ms / 1000),
        ]
    return "## What one core serves\n\n" + _table(("what", "number"), rows) if rows else ""


def _replicas_gb(live: Mapping[str, float], cores: float) -> float:
    return (cores / 8 * live["mb_start"] + 1000 * live["mb_per_viewer"]) / 1024


def _section(name: str, found: Mapping[str, Any]) -> str:
    stamp = f"Measured {found['measured']} at commit {found['commit']} in {found['seconds']:.0f} s"
    if found["busy"] > _QUIET:
        stamp += f", {found['busy']:.0%} of the processors busy with other work: times are too long"
    lines = [f"## {name.capitalize()}\n", stamp + ".\n"]
    if found["quick"]:
        lines.append("**A quick trial: these figures are of no worth.**\n")
    if "error" in found:
        return "\n".join([*lines, f"Not measured: {found['error']}\n"])
    for table in found["tables"]:
        lines += [f"{table['caption']}:\n", _table(table["columns"], table["rows"])]
    lines += [f"![{picture}]({picture})\n" for picture in found["pictures"]]
    lines += [f"- {note}" for note in found["notes"]]
    return "\n".join([*lines, ""])


def _table(columns: Any, rows: Any) -> str:
    lines = [columns, ["---"] * len(columns), *[[_cell(cell) for cell in row] for row in rows]]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return str(value)
