"""Give memory back that is free already."""

from __future__ import annotations

import ctypes
from contextlib import suppress


def give_back() -> None:
    """Return freed memory to the system, where the C library is glibc.

    It keeps what lies between pieces that are still in use: of an index of one hour's pictures,
    which FFmpeg builds while it opens a file, 14 MB for every opened file.
    """
    with suppress(AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)
