"""Where the project's own files are, wherever a module of it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Final

#: The folder that holds ``fer``, ``pages``, ``models`` and ``data``.
PROJECT: Final = Path(__file__).resolve().parent.parent

#: Pictures, styles and schemas that belong to the program.
ASSETS: Final = PROJECT / "fer" / "assets"
