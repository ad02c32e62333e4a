"""The app as a process, as measurements and tests run it, and quiet options for their browser."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Final

from fer.errors import FerError
from fer.paths import PROJECT

#: Options under which Chromium runs in a container and asks nothing of anybody outside.
QUIET: Final = (
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-gpu",
)


def start_app(
    port: int,
    *,
    environment: Mapping[str, str] | None = None,
    output: int | IO[bytes] | None = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start the app on this machine alone; it may take seconds until it answers.

    Args:
        port: to listen on.
        environment: variables in addition to those of this process.
        output: where its log goes, as ``subprocess`` has it.
    """
    options = {
        "server.address": "127.0.0.1",
        "server.port": port,
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
    }
    command = [sys.executable, "-m", "streamlit", "run", "server.py"]
    command += [f"--{name}={value}" for name, value in options.items()]
    return subprocess.Popen(  # noqa: S603 our own app
        command,
        cwd=PROJECT,
        # Browser and server share a machine: they find each other without STUN, and nothing
        # goes out.
        env={**os.environ, "FER_ICE_SERVERS": "[]", **(environment or {})},
        stdout=output,
        stderr=None if output is None else subprocess.STDOUT,
    )


def wait_for_app(port: int, process: subprocess.Popen[bytes], patience_s: float = 60) -> None:
    """Wait until the app answers.

    Raises:
        FerError: if it ends, or does not answer in so many seconds.
    """
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1):
                return
        except OSError:  # not listening yet
            time.sleep(0.02)
    raise FerError(f"The app did not start on port {port}.")


@contextmanager
def running_app(
    port: int,
    *,
    environment: Mapping[str, str] | None = None,
    output: int | IO[bytes] | None = subprocess.DEVNULL,
    patience_s: float = 60,
) -> Iterator[tuple[int, float]]:
    """Start the app, wait until it answers, and stop it at the end.

    Args:
        port: as ``start_app``.
        environment: as ``start_app``.
        output: as ``start_app``.
        patience_s: as ``wait_for_app``.

    Yields:
        Its process number, and when it was started on ``time.perf_counter``'s clock.
    """
    started = time.perf_counter()
    process = start_app(port, environment=environment, output=output)
    try:
        wait_for_app(port, process, patience_s)
        yield process.pid, started
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
