"""A network namespace for one run: server and clients see each other and nobody else."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

#: The only address there is, besides loopback, which aiortc leaves out of its candidates.
ADDRESS: Final = "10.77.0.1"

#: A pair of virtual cables, both ends inside.
_ENDS: Final = ("fer0", "fer1")


def run_inside(command: Sequence[str], limit_s: float) -> int:
    """Run a command in a namespace of its own, which is gone afterwards.

    Args:
        command: what to run.
        limit_s: seconds after which it is ended.

    Returns:
        The command's exit code.

    Raises:
        subprocess.TimeoutExpired: if it took too long.
    """
    if shutil.which("ip") is None:
        sys.exit("The load harness needs ip, from iproute2: apt-get install iproute2.")
    # Who is told to end clears up first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    name = f"fer-load-{os.getpid()}"
    try:
        _ip("netns", "add", name)
    except subprocess.CalledProcessError as exc:
        sys.exit(f"No network namespace can be made here ({exc.stderr.strip()}): run it as root.")
    try:
        inside = ("-n", name)
        _ip(*inside, "link", "set", "lo", "up")
        _ip(*inside, "link", "add", _ENDS[0], "type", "veth", "peer", "name", _ENDS[1])
        _ip(*inside, "addr", "add", f"{ADDRESS}/24", "dev", _ENDS[0])
        for end in _ENDS:
            _ip(*inside, "link", "set", end, "up")
        # A group of its own, so that whatever it has started ends with it.
        started = subprocess.Popen(["ip", "netns", "exec", name, *command], start_new_session=True)
        try:
            return started.wait(limit_s)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(started.pid, signal.SIGKILL)
            started.wait()
    finally:
        _ip("netns", "del", name)


def refuse_outside() -> None:
    """Stop unless this process is inside: a load test must reach nothing else."""
    interfaces = {name for _, name in socket.if_nameindex()}
    if interfaces != {"lo", *_ENDS}:
        sys.exit("This part runs inside the harness's own network namespace only.")


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)
