"""Let several readers use one open file at once, each at a position of its own."""

from __future__ import annotations

import io
import threading
from typing import BinaryIO


class SharedFile:
    """Hands out views of a file that may be read from different threads.

    Args:
        file: seekable, and from now on only read through views.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._lock = threading.Lock()

    def view(self) -> FileView:
        """A new view, at the beginning of the file."""
        return FileView(self._file, self._lock)


class FileView(io.RawIOBase):
    """Reads a file without moving the position that others rely on.

    Args:
        file: seekable.
        lock: held while the file's own position is moved; one for all views.
    """

    def __init__(self, file: BinaryIO, lock: threading.Lock) -> None:
        self._file = file
        self._lock = lock
        self._position = 0

    def read(self, size: int = -1) -> bytes:
        """Read at this view's position."""
        with self._lock:
            theirs = self._file.tell()
            self._file.seek(self._position)
            data = self._file.read(size)
            self._position = self._file.tell()
            self._file.seek(theirs)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move this view's position."""
        if whence == io.SEEK_CUR:
            offset, whence = offset + self._position, io.SEEK_SET
        with self._lock:
            theirs = self._file.tell()
            self._position = self._file.seek(offset, whence)
            self._file.seek(theirs)
        return self._position

    def tell(self) -> int:
        """This view's position."""
        return self._position

    def seekable(self) -> bool:
        """Always."""
        return True

    def readable(self) -> bool:
        """Always."""
        return True
