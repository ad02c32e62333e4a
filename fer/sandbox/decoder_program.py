"""Keep ``fer.sandbox.decoder`` running, and know what confines the children that it starts."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Collection
from typing import Any, Final

from fer.paths import PROJECT

#: Longest packet in bytes, either way.
PACKET: Final = 65_536

#: Seconds that the program may take to load its libraries, on a machine that is busy.
_START_S: Final = 60.0

#: Of this process's environment the program gets no more than what finds its libraries.
_PASSED: Final = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL")


_NO_FENCE: Final = (
    "Neither Landlock nor seccomp works here (too old a Linux, or a container that forbids them): "
    "a hole in a decoder would open the files and the network that the app can reach. What is left "
    "is a process of its own for every file, with limits and without secrets."
)

_log = logging.getLogger(__name__)


class Program:
    """The running ``fer.sandbox.decoder``. It ends by itself when this process does.

    Raises:
        OSError: if it does not start.
    """

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 its own module
                [sys.executable, "-m", "fer.sandbox.decoder", str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                env={name: os.environ[name] for name in _PASSED if name in os.environ}
                | {"OPENBLAS_NUM_THREADS": "1"},  # a process with threads cannot be forked safely
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        ours.settimeout(_START_S)
        self._line = ours
        self._lock = threading.Lock()
        self.fences = tuple(self._next()["fences"])
        """Which fences of ``fer.sandbox.confinement`` stand around its children."""

    @property
    def is_running(self) -> bool:
        """Whether it can be asked."""
        return self._process.poll() is None

    def close(self) -> None:
        """End it, and all its children."""
        self._process.kill()
        self._process.wait()
        self._line.close()

    def ask(self, request: dict[str, Any], descriptors: tuple[int, ...] = ()) -> dict[str, Any]:
        """Send a request and wait for its answer.

        Raises:
            OSError: if the program is gone or hangs; it is then ended.
        """
        with self._lock:
            try:
                socket.send_fds(self._line, [json.dumps(request).encode()], descriptors)
            except OSError:
                self.close()
                raise
            return self._next()

    def _next(self) -> dict[str, Any]:
        """What it says next."""
        try:
            packet = self._line.recv(PACKET)
            if not packet:
                raise ConnectionResetError
        except OSError:
            self.close()
            raise
        said: dict[str, Any] = json.loads(packet)
        return said


class _Programs:
    """Keeps one program running.

    Args:
        start: starts it.
    """

    def __init__(self, start: Callable[[], Program] = Program) -> None:
        self._start = start
        self._lock = threading.Lock()
        self._program: Program | None = None

    def get(self) -> Program:
        with self._lock:
            if self._program is not None and not self._program.is_running:
                self._program.close()
                self._program = None
            if self._program is None:
                self._program = self._start()
                for weakness in weaknesses(self._program.fences):
                    _log.warning("%s", weakness)
            return self._program


_programs = _Programs()


def running() -> Program:
    """The program, started if it does not run.

    Raises:
        OSError: if it does not start.
    """
    return _programs.get()


def weaknesses(fences: Collection[str]) -> tuple[str, ...]:
    """What keeps decoders less confined than they could be, a sentence each; empty at best.

    Args:
        fences: those of ``fer.sandbox.confinement`` that hold.
    """
    if not fences:
        return (_NO_FENCE,)
    found = []
    if "Landlock" not in fences:
        found.append(
            "Landlock does not work here (it needs Linux 5.13, and a container that allows it): "
            "the filter of system calls alone keeps decoders from files and the network."
        )
    if "seccomp" not in fences:
        found.append(
            "System calls of decoders are not filtered here (it needs 64-bit x86, and a container "
            "that allows it): Landlock alone keeps them from files, and from TCP where Linux is "
            "6.7 or newer."
        )
    return tuple(found)
