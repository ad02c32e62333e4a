"""Start jobs of ``fer.sandbox.decoder`` and listen to them; nothing here trusts what they say."""

from __future__ import annotations

import json
import mmap
import os
import shutil
import signal
import socket
import time
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

import numpy as np
from numpy.typing import NDArray

from fer.errors import MediaError
from fer.sandbox import decoder_program
from fer.sandbox.decoder_program import PACKET
from fer.types import Image

#: Longest sentence that a job may say.
_SENTENCE: Final = 400

_NO_PROGRAM: Final = (
    "The server cannot start the process that decodes files. Try again in a minute."
)
_CRASHED: Final = (
    "The decoder crashed on this file, which is damaged or made to do harm. "
    "Only this file is affected."
)


@dataclass(frozen=True)
class Limits:
    """What a job may take.

    Attributes:
        memory: bytes.
        cpu_s: seconds of processor time.
        silence_s: seconds between two signs of life.
    """

    memory: int
    cpu_s: int
    silence_s: float


class DecoderError(MediaError):
    """The child crashed or exceeded a limit, and was ended.

    Attributes:
        status: how it ended, as ``subprocess`` tells it: the negative number of a signal, 1 for
            an error of its own; None where it had to be stopped.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class Job:
    """One job in a child of its own, with one upload. Use as a context manager.

    Args:
        name: what to do.
        source: the upload; read here, so that the child gets nothing but its bytes.
        limits: what the child may take.
        slots: how many pictures may be under way.
        slot: bytes of the largest picture. What is never used costs nothing.
        options: of the job.
    """

    def __init__(
        self,
        name: str,
        source: Path | BinaryIO | bytes,
        limits: Limits,
        *,
        slots: int = 1,
        slot: int = 1,
        **options: Any,
    ) -> None:
        self._source = source
        self._limits = limits
        self._slots, self._slot = slots, slot
        self._request = {
            "job": name,
            "options": options,
            "slot": slot,
            "memory": limits.memory,
            "cpu_s": limits.cpu_s,
        }
        self._held: set[int] = set()
        self._pid: int | None = None

    def __enter__(self) -> Self:
        size = self._slots * self._slot
        with ExitStack() as stack:
            pictures = _memory("pictures")
            stack.callback(os.close, pictures)
            os.ftruncate(pictures, size)
            _seal(pictures)  # or the child could take memory away that is in use here
            self._memory = mmap.mmap(pictures, size)
            upload = stack.enter_context(_descriptor(self._source))
            self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            stack.enter_context(theirs)
            self._line.settimeout(self._limits.silence_s)
            try:
                self._program = decoder_program.running()
                answer = self._program.ask(self._request, (theirs.fileno(), upload, pictures))
            except OSError as exc:
                self._line.close()
                raise MediaError(_NO_PROGRAM) from exc
            self._pid = answer["pid"]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()
        self._line.close()

    def receive(self) -> dict[str, Any]:
        """Wait for the child's next message.

        Raises:
            MediaError: if it cannot decode the file, crashed, or exceeded a limit.
        """
        deadline = time.monotonic() + self._limits.cpu_s
        while True:
            try:
                packet = self._line.recv(PACKET)
                message = json.loads(packet) if packet else None
            except TimeoutError as exc:
                raise self._too_slow(self._limits.silence_s) from exc
            except ConnectionResetError:  # it is gone; what it said before can still be read
                continue
            except (OSError, ValueError, RecursionError) as exc:
                raise self._explained() from exc
            if not isinstance(message, dict):
                raise self._explained()
            if "error" in message:
                raise MediaError(str(message["error"])[:_SENTENCE])
            if "memory" in message:
                raise DecoderError(self._too_much_memory())
            if "alive" not in message:
                return message
            if time.monotonic() > deadline:  # signs of life alone are not to keep us for ever
                raise self._too_slow(self._limits.cpu_s)

    def picture(self, slot: object, shape: object) -> Image:
        """The picture in a slot, where it lies; its slot is given back when nobody holds it.

        Raises:
            MediaError: if there is no such slot or it cannot hold that.
        """
        match shape:
            case [int(height), int(width), 3] if min(height, width) > 0:
                return self.content(slot, height * width * 3).reshape(height, width, 3)
        raise DecoderError(_CRASHED)

    def content(self, slot: object, size: int) -> NDArray[np.uint8]:
        """So many bytes of a slot, as ``picture``.

        Raises:
            MediaError: as ``picture``.
        """
        match slot:
            case int() if (
                0 <= slot < self._slots and slot not in self._held and 0 < size <= self._slot
            ):
                flat = np.frombuffer(self._memory, np.uint8, size, slot * self._slot)
                self._held.add(slot)
                weakref.finalize(flat, self._give_back, slot).atexit = False
                return flat
        raise DecoderError(_CRASHED)

    @property
    def is_full(self) -> bool:
        """Whether all slots are held, so that the child waits."""
        return len(self._held) >= self._slots

    def _give_back(self, slot: int) -> None:
        self._held.discard(slot)
        with suppress(OSError):  # the child may be gone
            self._line.send(json.dumps({"free": slot}).encode(), socket.MSG_DONTWAIT)

    def _end(self) -> int | None:
        """End the child; how it ended, as ``subprocess`` tells it."""
        pid, self._pid = self._pid, None
        if pid is None:
            return None
        with suppress(OSError):  # when the program is gone, so are its children
            status: int = self._program.ask({"end": pid})["status"]
            return status
        return None

    def _explained(self) -> DecoderError:
        """End the child, and say why it was silent."""
        status = self._end()
        text = _CRASHED
        if status == -signal.SIGXCPU:
            text = (
                f"Decoding this file took more than {self._limits.cpu_s} s of processor time "
                "and was stopped."
            )
        elif status == -signal.SIGKILL:
            text = self._too_much_memory()
        return DecoderError(text, status)

    def _too_slow(self, seconds: float) -> DecoderError:
        return DecoderError(
            f"Decoding this file took more than {seconds:g} s for one picture and was stopped."
        )

    def _too_much_memory(self) -> str:
        return (
            f"Decoding this file needs more than {self._limits.memory / 1e9:g} GB of memory "
            "and was stopped. Make its pictures smaller."
        )


def _memory(name: str) -> int:
    """A new file that exists in memory only and has no name."""
    return os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)


def _seal(descriptor: int, *, finished: bool = False) -> None:
    """Fix the size of a file in memory, for good; of a finished one the content, too."""
    import fcntl  # not on every system

    seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals | (fcntl.F_SEAL_WRITE if finished else 0))


@contextmanager
def _descriptor(source: Path | BinaryIO | bytes) -> Iterator[int]:
    """A descriptor that reads the source, and that nobody can write through."""
    if isinstance(source, Path):
        try:
            with source.open("rb") as file:
                yield file.fileno()
        except OSError as exc:
            raise MediaError(f"The file cannot be opened: {exc.strerror}.") from exc
        return
    with os.fdopen(_memory("upload"), "r+b") as copy:
        if isinstance(source, bytes):
            copy.write(source)
        else:
            source.seek(0)
            shutil.copyfileobj(source, copy, 1 << 20)
        copy.flush()
        _seal(copy.fileno(), finished=True)
        yield copy.fileno()
