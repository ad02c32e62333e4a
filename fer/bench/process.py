"""A process watched from outside: its memory, its processor time, what it loads. Linux only."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

_LONGEST_START_S = 60


def tree(pid: int) -> list[int]:
    """A process and all that descend from it."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*"):
            try:
                children = (task / "children").read_text(encoding="ascii")
            except OSError:  # it has just ended
                continue
            found += [int(child) for child in children.split()]
    return found


def memory_mb(pid: int) -> float:
    """Resident memory of a process, and what its children hold beside it, in 2^20 bytes."""
    own, *children = tree(pid)
    total = _smaps(own, "Rss:") + sum(_smaps(child, "Private_") for child in children)
    return total / 1024


def _smaps(pid: int, field: str) -> int:
    """Sum of the fields with this beginning, in 2^10 bytes."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:  # it has just ended
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith(field))


def processor_s(pid: int) -> float:
    """Processor time that a process and its living children have used, in seconds."""
    total = 0
    for each in tree(pid):
        try:
            fields = Path(f"/proc/{each}/stat").read_text(encoding="utf-8").rpartition(")")[2]
        except OSError:  # it has just ended
            continue
        total += sum(int(ticks) for ticks in fields.split()[11:13])  # in user and system mode
    return total / os.sysconf("SC_CLK_TCK")


def busy_share(seconds: float = 1.0) -> float:
    """Share of the machine's processors that work now, while this process waits: 0 to 1."""
    first = _ticks()
    time.sleep(seconds)
    second = _ticks()
    spent = [after - before for before, after in zip(first, second, strict=True)]
    idle = spent[3] + spent[4]  # waiting for nothing, and for disks
    return 1 - idle / max(sum(spent), 1)


def _ticks() -> list[int]:
    line = Path("/proc/stat").read_text(encoding="ascii").partition("\n")[0]
    return [int(number) for number in line.split()[1:9]]


def loads(pid: int, library: str) -> bool:
    """Whether a process or one of its children has files of a library in memory."""
    for each in tree(pid):
        try:
            if f"/{library}/" in Path(f"/proc/{each}/maps").read_text(encoding="utf-8"):
                return True
        except OSError:  # it has just ended
            continue
    return False


class Watch:
    """Keeps the largest memory of a process and its children while a block runs."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._ended = threading.Event()
        self.peak_mb = 0.0
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while True:
            self.peak_mb = max(self.peak_mb, memory_mb(self._pid))
            if self._ended.wait(0.2):
                return
