"""Take from a process, for good, what decoding a file does not need. Linux only, without root.

What remains is to compute, to use the memory and the descriptors that it holds, and to end.
Three fences stand behind one another, so that a hole in one is not a hole in all:

- resource limits: memory, processor time, descriptors, no files written, no core dumps;
- Landlock (Linux 5.13): no file can be opened, whatever its rights; from 6.7 no TCP either;
- seccomp (on x86-64): a system call that is not on the list below does not exist.

None of it can be undone, nor be shed by starting another program. The limits hold everywhere.
Of the other two a kernel may know nothing, and a container may forbid them: ``holding_fences``
finds out which do what they promise.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import signal
import struct
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Final

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38

#: Landlock's calls have the same numbers on every architecture.
_LANDLOCK_CREATE, _LANDLOCK_RESTRICT = 444, 446
#: Rights over files that each version of Landlock added, as masks of all so far.
_LANDLOCK_FILES: Final = {1: 0x1FFF, 2: 0x3FFF, 3: 0x7FFF, 5: 0xFFFF}
_LANDLOCK_TCP: Final = 0b11  # bind and connect, from version 4
_LANDLOCK_SCOPES: Final = 0b11  # abstract sockets and signals of others, from version 6

#: x86-64's numbers of what decoders and Python need once all is loaded. Anything else answers
#: "no such call", upon which libraries fall back to an older one or report an error.
_ALLOWED: Final = {
    "read": 0,
    "write": 1,
    "close": 3,
    "fstat": 5,
    "poll": 7,
    "lseek": 8,
    "mmap": 9,
    "mprotect": 10,
    "munmap": 11,
    "brk": 12,
    "rt_sigaction": 13,
    "rt_sigprocmask": 14,
    "rt_sigreturn": 15,
    "pread64": 17,
    "sched_yield": 24,
    "mremap": 25,
    "madvise": 28,
    "nanosleep": 35,
    "getpid": 39,
    "sendto": 44,  # on the one socket that it holds: there is no call to make another
    "recvfrom": 45,
    "exit": 60,
    "gettimeofday": 96,
    "sysinfo": 99,
    "sigaltstack": 131,
    "gettid": 186,
    "futex": 202,
    "sched_getaffinity": 204,
    "restart_syscall": 219,
    "clock_gettime": 228,
    "clock_nanosleep": 230,
    "exit_group": 231,
    "set_robust_list": 273,
    "getrandom": 318,
    "rseq": 334,
}
_CLONE: Final = 56  # for threads alone: of ``clone3`` the flags cannot be seen
_CLONE_THREAD: Final = 0x10000
_X86_64: Final = 0xC000003E
_SECCOMP, _SET_FILTER = 317, 1
_ALLOW, _KILL, _FAIL = 0x7FFF0000, 0x80000000, 0x00050000

#: Highest descriptor number that a confined process may have.
_DESCRIPTORS: Final = 16


def die_with_parent() -> None:
    """Have this process killed as soon as the thread that started it ends."""
    _call("prctl", _PR_SET_PDEATHSIG, signal.SIGKILL)


def confine(memory: int, cpu_s: int, fences: Collection[str]) -> None:
    """Confine this process, in which there must be one thread only.

    Args:
        memory: bytes that it may take beyond what it has now.
        cpu_s: seconds of processor time, all threads together, after which it is killed.
        fences: which of ``FENCES`` to put up, besides the limits.

    Raises:
        OSError: if the kernel refuses one of them.
    """
    _prefer_for_oom()
    _limit(memory, cpu_s)
    _call("prctl", _PR_SET_DUMPABLE, 0)
    _forbid_new_rights()
    for name in fences:
        FENCES[name]()


def holding_fences(fences: Mapping[str, Callable[[], None]] | None = None) -> tuple[str, ...]:
    """Which fences hold on this machine, each tried in a child that then ends.

    Not asked of the kernel, for a container may refuse what the kernel has, kill who asks, or
    nod and do nothing. Call it where there is one thread only.

    Args:
        fences: by name, what puts each of them up; ``FENCES`` if None.
    """
    fences = FENCES if fences is None else fences
    return tuple(name for name, put_up in fences.items() if _holds(put_up))


def _holds(put_up: Callable[[], None]) -> bool:
    """Whether a file that anyone may open cannot be opened behind a fence."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(os.open("/", os.O_RDONLY))  # or what comes next would prove nothing
            _forbid_new_rights()
            put_up()
            try:
                os.open("/", os.O_RDONLY)
            except OSError:
                code = 0
        finally:  # whatever it was: nothing of the parent's may run in this process
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def _forbid_new_rights() -> None:
    """What the kernel asks of whoever fences itself in without being root."""
    _call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _prefer_for_oom() -> None:
    """When the machine runs out of memory, this process is to go, not the app."""
    try:
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    except OSError:  # no such file in some containers
        return


def _limit(memory: int, cpu_s: int) -> None:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    for kind, limit in (
        (resource.RLIMIT_AS, pages * resource.getpagesize() + memory),
        (resource.RLIMIT_NOFILE, _DESCRIPTORS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        lower = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (lower, lower))
    # The signal at the lower limit tells the reason; a second later there is no way around it.
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))


def _close_files() -> None:
    """Enter a Landlock domain that knows no exceptions."""
    version = _call("syscall", _LANDLOCK_CREATE, 0, 0, 1)
    files = _LANDLOCK_FILES[max(known for known in _LANDLOCK_FILES if known <= version)]
    rights = [files]
    if version >= 4:
        rights.append(_LANDLOCK_TCP)
    if version >= 6:
        rights.append(_LANDLOCK_SCOPES)
    attributes = struct.pack(f"{len(rights)}Q", *rights)
    ruleset = _call("syscall", _LANDLOCK_CREATE, attributes, len(attributes), 0)
    _call("syscall", _LANDLOCK_RESTRICT, ruleset, 0)
    os.close(ruleset)


def _filter_calls() -> None:
    """Install a seccomp filter: a little program that sees the number of every system call."""
    if platform.machine() != "x86_64":
        raise OSError(errno.ENOSYS, "the list of system calls is that of 64-bit x86")
    load, equal, any_bit, answer = 0x20, 0x15, 0x45, 0x06
    fail = _FAIL | errno.ENOSYS
    calls = list(_ALLOWED.values())
    program = [
        (load, 0, 0, 4),  # architecture
        (equal, 1, 0, _X86_64),
        (answer, 0, 0, _KILL),
        (load, 0, 0, 0),  # number of the call
        *((equal, len(calls) - place + 3, 0, call) for place, call in enumerate(calls)),
        (equal, 0, 2, _CLONE),
        (load, 0, 0, 16),  # flags of clone
        (any_bit, 1, 0, _CLONE_THREAD),
        (answer, 0, 0, fail),
        (answer, 0, 0, _ALLOW),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program))
    header = struct.pack("HxxxxxxQ", len(program), ctypes.addressof(code))
    _call("syscall", _SECCOMP, _SET_FILTER, 0, header)


#: What stands behind the limits, by name, in the order in which it is put up.
FENCES: Final[Mapping[str, Callable[[], None]]] = {
    "Landlock": _close_files,
    "seccomp": _filter_calls,
}


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _call(function: str, *arguments: int | bytes) -> int:
    """Call the C library; numbers are passed at their full width."""
    wide = [ctypes.c_ulong(a) if isinstance(a, int) else ctypes.c_char_p(a) for a in arguments]
    result = int(getattr(_libc(), function)(*wide))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{function}: {os.strerror(number)}")
    return result
