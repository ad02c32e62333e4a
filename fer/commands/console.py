"""What the commands of the command line share."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from fer.errors import FerError, MediaError

OutputOption = Annotated[
    Path, typer.Option("--output", "-o", metavar="OUT_DIR", help="Folder for the results.")
]
ModelOption = Annotated[
    str | None,
    typer.Option("--model", metavar="RUN", help="A run under models/; else the default run."),
]


def prepare(target: Path, source: Path) -> None:
    """Make the folder of a result, which must not replace what it was made from.

    Raises:
        MediaError: if it would.
    """
    if target.exists() and source.exists() and target.samefile(source):
        raise MediaError(f"The result would overwrite {source}. Choose another OUT_DIR.")
    target.parent.mkdir(parents=True, exist_ok=True)


def sentence(exc: FerError | OSError) -> str:
    """Say in one line what went wrong."""
    if isinstance(exc, OSError) and exc.filename is not None:
        return f"{exc.filename}: {exc.strerror}"
    return " ".join(str(exc).split())


def complain(words: str) -> None:
    """Write an error to stderr, beside any progress bar."""
    tqdm.write(f"Error: {words}", file=sys.stderr)
