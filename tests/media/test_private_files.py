"""Temporary files of processes that end in different ways."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fer.paths import PROJECT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="locks that end with a process")

KEEP = """
import sys, tempfile
from fer.media import private_files
own = private_files.claim()
assert private_files.claim() == own
with open(tempfile.mkstemp()[0], "wb") as file: file.write(b"face")
print(own, flush=True)
sys.stdin.read()
"""


def start(folder: Path, program: str = KEEP) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=PROJECT,
        env={**os.environ, "TMPDIR": str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def own(process: subprocess.Popen[str]) -> Path:
    assert process.stdout is not None
    return Path(process.stdout.readline().strip())


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.name != "lock"]


def test_files_are_for_the_owner_alone_and_go_with_the_process(tmp_path: Path) -> None:
    process = start(tmp_path)
    directory = own(process)
    (file,) = files(tmp_path)
    for path in (directory.parent, directory, file):
        assert path.stat().st_mode & 0o077 == 0
    assert directory in file.parents
    process.communicate("")
    assert process.returncode == 0
    assert not directory.exists()
    assert files(tmp_path) == []


def test_what_a_killed_process_left_goes_at_the_next_start(tmp_path: Path) -> None:
    killed = start(tmp_path)
    left = own(killed)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert len(files(left)) == 1
    following = start(tmp_path)
    own(following)
    assert not left.exists()
    following.communicate("")
    assert files(tmp_path) == []


def test_processes_leave_each_other_alone(tmp_path: Path) -> None:
    first, second = start(tmp_path), start(tmp_path)
    places = {own(first), own(second)}
    third = start(tmp_path)
    places.add(own(third))
    assert len(places) == 3
    assert len(files(tmp_path)) == 3
    for process in (first, second, third):
        process.communicate("")
    assert files(tmp_path) == []


@pytest.mark.parametrize("trap", ["open to others", "a link elsewhere", "a file"])
def test_a_place_that_is_not_private_is_refused(tmp_path: Path, trap: str) -> None:
    place = tmp_path / f"fer-{os.getuid()}"
    if trap == "open to others":
        place.mkdir()
        place.chmod(0o755)
    elif trap == "a link elsewhere":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        place.symlink_to(tmp_path / "elsewhere")
    else:
        place.touch()
    _, said = start(tmp_path).communicate("")
    assert "PrivateFilesError" in said
    assert files(tmp_path / "elsewhere") == []


def test_leftovers_are_what_lies_there(tmp_path: Path) -> None:
    program = KEEP.replace("print(own", "print(len(private_files.leftovers())")
    process = start(tmp_path, program)
    said, _ = process.communicate("")
    assert said.strip() == "1"


CRASH = """
import os, resource
from fer.media import private_files
resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
CLAIM
os.chdir(os.environ["TMPDIR"])
print(resource.getrlimit(resource.RLIMIT_CORE)[0])
os.abort()
"""


def test_a_crash_leaves_no_image_of_the_memory(tmp_path: Path) -> None:
    """Where the system writes such images as files; elsewhere the limit alone can be seen."""
    process = start(tmp_path, CRASH.replace("CLAIM", "private_files.claim()"))
    said, _ = process.communicate()
    assert process.returncode == -signal.SIGABRT
    assert int(said) in {0, 1}
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == []
