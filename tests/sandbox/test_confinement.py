"""A confined process is asked to do what it must not; it answers through a pipe that it holds."""

from __future__ import annotations

import json
import socket
import subprocess
import sys

import pytest

from fer.paths import PROJECT
from fer.sandbox import confinement

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux alone can confine")

#: What is tried: each must raise. ``PORT`` listens on this machine.
ATTEMPTS = {
    "read a file": "open('/etc/hostname')",
    "write a file": "open('/var/tmp/fer-canary', 'w')",
    "look into a folder": "os.listdir('/')",
    "delete a file": "os.unlink('/var/tmp/fer-canary')",
    "make a folder": "os.mkdir('/var/tmp/fer-canary')",
    "connect": "socket.create_connection(('127.0.0.1', PORT), 2)",
    "listen": "socket.create_server(('127.0.0.1', 0))",
    "send a datagram": "socket.socket(type=socket.SOCK_DGRAM).sendto(b'.', ('127.0.0.1', PORT))",
    "start a program": "os.execv('/bin/true', ['true'])",
    "fork": "os.fork()",
    "signal the parent": "os.kill(os.getppid(), 0)",
    "trace the parent": "check(ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0))",
    "take much memory": "bytearray(300_000_000)",
    "raise its limits": "resource.setrlimit(resource.RLIMIT_CPU, (99, 99))",
}

PROGRAM = """
import ctypes, json, os, resource, socket, sys
from fer.sandbox import confinement
def check(result):
    if result < 0: raise OSError
attempts, PORT = json.loads(sys.argv[1]), int(sys.argv[2])
attempts = {name: compile(code, name, "eval") for name, code in attempts.items()}
confinement.confine(100_000_000, 10, confinement.FENCES)
done = []
for name, code in attempts.items():
    try:
        result = eval(code)
        if name == "fork" and result == 0: os._exit(0)
        done.append(name)
    except (OSError, MemoryError, ValueError): pass
os.write(1, json.dumps(done).encode())
os._exit(0)
"""


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture(scope="module")
def holding() -> tuple[str, ...]:
    """Which fences hold on this machine."""
    program = "from fer.sandbox import confinement; print(*confinement.holding_fences())"
    done = run(program)
    assert done.returncode == 0, done.stderr
    return tuple(done.stdout.split())


def test_a_confined_process_can_reach_nothing(holding: tuple[str, ...]) -> None:
    if "seccomp" not in holding:  # Landlock alone leaves what is not a file or TCP
        pytest.skip("system calls are not filtered on this machine")
    program = PROGRAM if len(holding) == 2 else PROGRAM.replace(".FENCES)", ".holding_fences())")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0)
        done = run(program, json.dumps(ATTEMPTS), str(listening.getsockname()[1]))
        with pytest.raises(BlockingIOError):  # nobody has called
            listening.accept()
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []


def test_without_confinement_most_of_that_works() -> None:
    """Or the test above would prove nothing."""
    program = PROGRAM.replace("confinement.confine(100_000_000, 10, confinement.FENCES)", "")
    names = ("read a file", "look into a folder", "take much memory", "fork")
    done = run(program, json.dumps({name: ATTEMPTS[name] for name in names}), "0")
    assert json.loads(done.stdout) == list(names)


@pytest.mark.parametrize("fence", list(confinement.FENCES))
def test_each_fence_closes_files_alone(fence: str, holding: tuple[str, ...]) -> None:
    """One holds where the other is missing: on other processors, older kernels, in containers."""
    if fence not in holding:
        pytest.skip(f"{fence} does not work on this machine")
    program = PROGRAM.replace("confinement.FENCES", f"({fence!r},)")
    names = ("read a file", "write a file", "look into a folder", "start a program")
    done = run(program, json.dumps({name: ATTEMPTS[name] for name in names}), "0")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []


def test_the_limits_hold_without_any_fence() -> None:
    program = PROGRAM.replace("confinement.FENCES", "()")
    names = ("read a file", "take much memory", "raise its limits")
    done = run(program, json.dumps({name: ATTEMPTS[name] for name in names}), "0")
    assert json.loads(done.stdout) == ["read a file"]


def test_only_fences_that_do_what_they_promise_are_said_to_hold() -> None:
    """A kernel may refuse one, kill who asks, or nod and do nothing."""
    program = """
import os, resource
from fer.sandbox import confinement
def refuse(): raise PermissionError(1, "not in this container")
def kill(): os.kill(os.getpid(), 31)
def nod(): pass
def close(): resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
made_up = {"refused": refuse, "deadly": kill, "idle": nod, "closed": close}
print(*confinement.holding_fences(made_up))
"""
    done = run(program)
    assert done.stdout.split() == ["closed"], done.stderr


def test_processor_time_is_limited() -> None:
    program = """
from fer.sandbox import confinement
confinement.confine(100_000_000, 1, ())
while True: pass
"""
    assert run(program).returncode == -24  # SIGXCPU


def test_a_confined_process_can_still_use_threads_and_what_it_holds() -> None:
    program = """
import os, threading, numpy as np
from fer.sandbox import confinement
held = os.open("/etc/hostname", os.O_RDONLY)
confinement.confine(500_000_000, 10, confinement.holding_fences())
found = []
thread = threading.Thread(target=lambda: found.append(np.ones((300, 300)) @ np.ones((300, 300))))
thread.start(); thread.join()
os.write(1, b"fine" if len(found) == 1 and os.read(held, 10) else b"")
os._exit(0)
"""
    done = run(program)
    assert done.stdout == "fine", done.stderr
