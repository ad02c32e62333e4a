"""One directory for whatever this process puts on disk for a while, open to its owner alone.

Uploads and results live in memory, and serving writes no file of its own. Libraries may: the
web server, for one, lays uploads of more than a megabyte aside while they arrive. After
``claim`` all that asks Python for a temporary file gets it in here. The directory goes with
the process; what a killed process left goes when the next one starts.
"""

from __future__ import annotations

import atexit
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import BinaryIO, Final

from fer.errors import FerError

#: Held locked by a process for as long as it lives; the system unlocks it even after SIGKILL.
_LOCK: Final = "lock"


class PrivateFilesError(FerError):
    """The place for temporary files is not private, or cannot be written."""


@cache
def claim() -> Path:
    """Make this process's directory, and have Python put every temporary file there.

    What processes that are gone have left is deleted first. From now on a crash of this process
    leaves no image of its memory, which holds pictures, on disk.

    Returns:
        The directory; the same one at every call.

    Raises:
        PrivateFilesError: if somebody else could look into it, or it cannot be made.
    """
    try:
        own = _make(_shared())
    except OSError as exc:
        raise PrivateFilesError(
            f"Temporary files cannot be kept: {exc.strerror}. Let TMPDIR name a folder that the "
            "app may write to."
        ) from exc
    tempfile.tempdir = str(own)
    _forbid_core_dumps()
    return own


def leftovers() -> tuple[Path, ...]:
    """Files of any process in the private directories, its locks left out."""
    found = (path for path in _shared().rglob("*") if path.is_file() and path.name != _LOCK)
    return tuple(sorted(found))


@cache
def _parent() -> Path:
    """Where temporary files go by themselves: asked before ``claim`` changes that."""
    return Path(tempfile.gettempdir())


def _shared() -> Path:
    """The directory of this user, which holds one per process."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    directory = _parent() / f"fer-{user}"
    directory.mkdir(mode=stat.S_IRWXU, exist_ok=True)
    about = directory.lstat()
    if not stat.S_ISDIR(about.st_mode) or (
        hasattr(os, "getuid") and (about.st_uid != user or stat.S_IMODE(about.st_mode) & 0o077)
    ):
        raise PrivateFilesError(
            f"{directory} should be a folder of this app alone, and is not: somebody else made "
            "it, or may look into it. Delete it, or let TMPDIR name another place."
        )
    return directory


def _forbid_core_dumps() -> None:
    if sys.platform == "win32":  # no such thing
        return
    import resource

    # One byte: too little for a file, and Linux's sign not to hand the image to a program either,
    # which it would with none (core(5), fs/coredump.c).
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    least = 1 if hard == resource.RLIM_INFINITY else min(hard, 1)
    resource.setrlimit(resource.RLIMIT_CORE, (least, least))


def _make(shared: Path) -> Path:
    with _locked(shared / _LOCK):  # or a directory might be swept before its lock is taken
        _sweep(shared)
        own = Path(tempfile.mkdtemp(prefix="process-", dir=shared))
        held = (own / _LOCK).open("wb")
        _lock(held, wait=False)

    def remove() -> None:
        shutil.rmtree(own, ignore_errors=True)
        held.close()

    atexit.register(remove)
    return own


def _sweep(shared: Path) -> None:
    """Delete the directories whose locks nobody holds."""
    if sys.platform == "win32":  # no such locks: whoever runs the app clears up after a crash
        return
    for directory in shared.iterdir():
        if not directory.is_dir():
            continue
        with suppress(BlockingIOError), (directory / _LOCK).open("ab") as file:
            _lock(file, wait=False)
            shutil.rmtree(directory)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("ab") as file:
        _lock(file, wait=True)
        yield


def _lock(file: BinaryIO, *, wait: bool) -> None:
    """Lock a file until it is closed.

    Raises:
        BlockingIOError: if another process holds it, and waiting is not wanted.
    """
    if sys.platform == "win32":
        return
    import fcntl

    fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
