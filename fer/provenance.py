"""Where a figure comes from: the code, the libraries and the machine; and what it is not for."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Final

#: Goes with whatever is handed out.
NOTE: Final = (
    "Apparent expressions, as a model reads them from pictures: not what people feel, "
    "and not for decisions about people."
)


def current_commit() -> str:
    """Return the commit of the code in use, ``-dirty`` if its files differ, or ``unknown``."""
    # Only what is loaded can shape a run: a page being edited does not count.
    sources = [str(m.__file__) for name, m in sys.modules.items() if name.startswith("fer.")]
    try:
        commit = _git("rev-parse", "--short=12", "HEAD")
        changed = _git("status", "--porcelain", "--", *sources)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{commit}-dirty" if changed else commit


def machine() -> str:
    """Describe this machine in a few words: processor and cores."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
        model = names[0] if names else model
    return f"{model}, {os.cpu_count()} cores"


def versions(libraries: Iterable[str]) -> dict[str, str]:
    """Versions of installed libraries by name; those that are not installed are left out."""
    found = {}
    for library in libraries:
        with suppress(metadata.PackageNotFoundError):  # other builds have other names
            found[library] = metadata.version(library)
    return found


def _git(*arguments: str) -> str:
    done = subprocess.run(  # noqa: S603
        ["git", *arguments],  # noqa: S607
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()
