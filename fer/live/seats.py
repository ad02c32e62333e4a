"""A limit on live sessions: who comes too many is told so, and nobody blocks a place for ever."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from typing import Final

#: A place whose camera has been silent for so many seconds may be taken by somebody else.
LEASE_S: Final = 20.0


class Seats:
    """Places for live sessions. Safe between threads.

    Args:
        clock: seconds that never run backwards.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._renewed_s: dict[int, float] = {}

    def new(self) -> int:
        """A number under which a session can ``hold`` a place; it holds none yet."""
        return next(self._numbers)

    def hold(self, number: int, limit: int) -> bool:
        """Take a place, or go on holding it; call it with every frame.

        Args:
            number: from ``new``.
            limit: how many may hold a place at once.

        Returns:
            Whether there was room.
        """
        with self._lock:
            self._forget()
            if number not in self._renewed_s and len(self._renewed_s) >= limit:
                return False
            self._renewed_s[number] = self._clock()
            return True

    def free(self, number: int) -> None:
        """Give a place up; harmless if none is held."""
        with self._lock:
            self._renewed_s.pop(number, None)

    def taken(self) -> int:
        """How many places are held."""
        with self._lock:
            self._forget()
            return len(self._renewed_s)

    def _forget(self) -> None:
        now = self._clock()
        self._renewed_s = {n: s for n, s in self._renewed_s.items() if now - s <= LEASE_S}


#: The places of this process.
SEATS: Final = Seats()
