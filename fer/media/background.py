"""Do neighbouring steps of a pipeline at the same time, on threads with short queues.

Decoding, detecting, reading and encoding leave Python's lock to their libraries, so
that they overlap on the cores there are. Short queues keep memory bounded.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from queue import Empty, Full, Queue
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

import cv2

T = TypeVar("T")

#: Steps of a pipeline that are busy at the same time.
_STEPS: Final = 4

#: Seconds after which a waiting thread looks whether anybody still wants its work.
_PATIENCE_S: Final = 0.1


def ahead(items: Generator[T], depth: int = 3) -> Generator[T]:
    """Compute the items of a generator ahead, on a thread of its own.

    Args:
        items: run, and closed, on that thread.
        depth: how many may wait. A few even out the slow ones; each may be a large picture.

    Yields:
        The same items; then raises what ``items`` raised. Closing this generator ends
        the thread before it returns.
    """
    queue: Queue[tuple[T | None, BaseException | None]] = Queue(depth)
    unwanted = threading.Event()

    def deliver(item: T | None, error: BaseException | None) -> None:
        while not unwanted.is_set():
            with suppress(Full):
                queue.put((item, error), timeout=_PATIENCE_S)
                return

    def work() -> None:
        error: BaseException = StopIteration()
        try:
            for item in items:
                deliver(item, None)
                if unwanted.is_set():
                    break
        except BaseException as exc:  # noqa: BLE001 it is raised again where the items are used
            error = exc
        finally:
            items.close()
        deliver(None, error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            item, error = queue.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item  # type: ignore[misc]  # None only comes with an error
    finally:
        unwanted.set()
        thread.join()


class Behind(Generic[T]):
    """Calls a function for one item after another, on a thread of its own.

    Use as a context manager: leaving it waits until all is done, or, on an error, drops
    what still waits. An error of the function is raised by the next call or at the end.

    Args:
        function: called with each item, in order.
        depth: how many may wait.
    """

    def __init__(self, function: Callable[[T], None], depth: int = 3) -> None:
        self._function = function
        self._queue: Queue[T] = Queue(depth)
        self._error: BaseException | None = None
        self._finished = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __call__(self, item: T) -> None:
        """Hand over an item; waits while the queue is full."""
        while self._error is None:
            with suppress(Full):
                self._queue.put(item, timeout=_PATIENCE_S)
                return
        raise self._error

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            for _ in self._waiting():
                pass
        self._finished.set()
        self._thread.join()
        if error is None and self._error is not None:
            raise self._error

    def _waiting(self) -> Iterator[T]:
        with suppress(Empty):
            while True:
                yield self._queue.get_nowait()

    def _work(self) -> None:
        while True:
            try:
                item = self._queue.get(timeout=_PATIENCE_S)
            except Empty:
                if self._finished.is_set():
                    return
                continue
            try:
                self._function(item)
            except BaseException as exc:  # noqa: BLE001 it is raised where items are handed over
                self._error = exc
                return


class _Sharing:
    """Counts who shares the cores; OpenCV's number of threads is one for the whole process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pipelines = 0
        self._threads = 0

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            if self._pipelines == 0:
                self._threads = cv2.getNumThreads()
                cv2.setNumThreads(max(1, (os.cpu_count() or 1) // _STEPS))
            self._pipelines += 1
        try:
            yield
        finally:
            with self._lock:
                self._pipelines -= 1
                if self._pipelines == 0:
                    cv2.setNumThreads(self._threads)


#: While this is entered, OpenCV leaves each step of a pipeline its share of the cores: its own
#: threads would wait for each other, spinning, on cores that have other work.
sharing_cores: Final = _Sharing()
