"""End sessions in every possible way, and look what is left on disk, in processes and in the log.

    python -m tools.end_sessions --sessions 100

Starts the real server and a real browser; Ctrl-C ends early, with a verdict. A quick round
runs in the test suite (``tests/e2e/test_endings.py``).
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np
from playwright.sync_api import Browser, Error, Page, sync_playwright
from tqdm import trange

from fer.app.server_process import QUIET, start_app, wait_for_app
from fer.media.sample import make_sample_clip, portrait_bytes
from fer.media.video_reader import read_frames
from fer.media.video_writer import VideoWriter
from fer.paths import PROJECT

#: Part of the name of every file that is uploaded: it must be in no log.
CANARY: Final = "canary-kx7q"

#: Longest wait in milliseconds for anything: a limit, not a measurement.
_PATIENCE_MS: Final = 90_000

_AGREE: Final = "Everyone in the picture agrees"

#: Where processes lay what they share or keep for a while.
_ELSEWHERE: Final = (Path("/dev/shm"), Path("/var/tmp"))  # noqa: S108 looked at only


class Server:
    """The app, with temporary files in a folder of the test's.

    Args:
        folder: for these, and for the log.
    """

    def __init__(self, folder: Path) -> None:
        self.temporary = folder / "temporary"
        self.temporary.mkdir(exist_ok=True)
        self.log = folder / "log"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where the app answers."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, unless it runs."""
        if self._process is not None:
            return
        with self.log.open("ab") as log:
            self._process = start_app(
                self.port, environment={"TMPDIR": str(self.temporary)}, output=log
            )
        wait_for_app(self.port, self._process, _PATIENCE_MS / 1000)

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it with a signal."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def children(self) -> list[int]:
        """Decoding children that are at work."""
        if self._process is None:
            return []
        programs = _children(self._process.pid)
        return [child for program in programs for child in _children(program)]


def _children(pid: int) -> list[int]:
    found = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


def make_clips(folder: Path) -> tuple[Path, Path, Path, Path]:
    """A short clip, a long one, a photo, and a file that is neither."""
    short, long, photo, junk = (
        folder / f"{CANARY}-{name}" for name in ("short.mp4", "long.mp4", "photo.jpg", "junk.mp4")
    )
    make_sample_clip(short)
    pictures = [frame.image for frame in read_frames(short)][:8]
    with VideoWriter(long, Fraction(1, 15), 15) as writer:
        for index in range(1500):
            noise = np.roll(pictures[index % len(pictures)], index, axis=1)
            writer.write(np.ascontiguousarray(noise), index)
    photo.write_bytes(portrait_bytes())
    junk.write_bytes(b"#EXTM3U\nfile:///etc/hostname\n" * 50)
    return short, long, photo, junk


class Endings:
    """The ways in which a session can end.

    Args:
        server: that runs.
        browser: of the visitors.
        folder: for the files that are uploaded.
    """

    def __init__(self, server: Server, browser: Browser, folder: Path) -> None:
        self._server = server
        self._browser = browser
        self._short, self._long, self._photo, self._junk = make_clips(folder)

    def ways(self) -> dict[str, Callable[[Page], None]]:
        """Each way, by name."""
        return {
            "photo read, tab closed": self._read_photo,
            "video analysed, tab closed": self._analyse,
            "video cancelled": self._cancel,
            "file refused": self._refuse,
            "page left in the middle": self._leave,
            "tab closed in the middle": self._start_long,
            "page reloaded in the middle": self._reload,
            "everything deleted": self._delete,
            "consent withdrawn in the middle": self._withdraw,
            "network lost in the middle": self._lose,
            "server ended in the middle": lambda page: self._stop(page, signal.SIGTERM),
            "server killed in the middle": lambda page: self._stop(page, signal.SIGKILL),
        }

    def run(self, way: str) -> None:
        """Have a session, and end it so."""
        self._server.start()
        context = self._browser.new_context(base_url=self._server.address)
        context.set_default_timeout(_PATIENCE_MS)
        page = context.new_page()
        try:
            self.ways()[way](page)
        finally:
            with suppress(Error):
                context.close()

    def _upload(self, page: Page, path: str, file: Path) -> None:
        page.goto(path)
        page.get_by_role("button", name=_AGREE).click()
        page.locator("input[type=file]").set_input_files(file)

    def _read_photo(self, page: Page) -> None:
        self._upload(page, "/photo", self._photo)
        page.get_by_text(re.compile("Face 1 looks")).first.wait_for()

    def _analyse(self, page: Page) -> None:
        self._upload(page, "/video", self._short)
        page.get_by_role("button", name="Analyse").click()
        page.get_by_role("heading", name="Result for").first.wait_for()

    def _start_long(self, page: Page) -> None:
        self._upload(page, "/video", self._long)
        page.get_by_role("button", name="Analyse").click()
        page.get_by_text(re.compile(r"Frame \d+")).first.wait_for()

    def _cancel(self, page: Page) -> None:
        self._start_long(page)
        page.get_by_role("button", name="Cancel").click()
        page.get_by_role("heading", name="Result for").first.wait_for()

    def _refuse(self, page: Page) -> None:
        self._upload(page, "/video", self._junk)
        page.get_by_role("button", name="Analyse").click()
        page.get_by_text("not a video").first.wait_for()

    def _leave(self, page: Page) -> None:
        self._start_long(page)
        page.goto("/responsible_use")
        page.get_by_role("heading", name="Responsible use").first.wait_for()

    def _reload(self, page: Page) -> None:
        self._start_long(page)
        page.reload()
        page.get_by_role("heading", name="Video").first.wait_for()

    def _delete(self, page: Page) -> None:
        self._read_photo(page)
        page.get_by_role("button", name="Delete everything now").click()
        page.get_by_text("Everything is deleted").first.wait_for()

    def _withdraw(self, page: Page) -> None:
        self._start_long(page)
        page.get_by_role("button", name="Withdraw consent").click()
        page.get_by_text("Your consent is withdrawn").first.wait_for()

    def _lose(self, page: Page) -> None:
        self._start_long(page)
        page.context.set_offline(True)

    def _stop(self, page: Page, how: signal.Signals) -> None:
        self._start_long(page)
        self._server.end(how)


def _files(*folders: Path) -> set[Path]:
    skipped = {".git", ".venv", "__pycache__", "runs", ".mypy_cache", ".ruff_cache", ".hypothesis"}
    found = set()
    for folder in folders:
        for path, directories, names in os.walk(folder):
            directories[:] = [name for name in directories if name not in skipped]
            found |= {Path(path, name) for name in names}
    return found


def run_all(
    folder: Path, browser: Browser, sessions: int, ways: Sequence[str] = ()
) -> tuple[dict[str, int], list[str]]:
    """Have so many sessions, ending them in turn in these ways, or in every one.

    Returns:
        How often each way was gone, and what was found afterwards that should not be there.
    """
    server = Server(folder)
    done: dict[str, int] = {}
    wrong: list[str] = []
    before = _files(*_ELSEWHERE)
    endings = Endings(server, browser, folder)
    try:
        ways = ways or list(endings.ways())
        with suppress(KeyboardInterrupt):  # what was done until then is judged
            for number in trange(sessions, unit="session", disable=None):
                way = ways[number % len(ways)]
                endings.run(way)
                done[way] = done.get(way, 0) + 1
        server.start()
        for _ in range(_PATIENCE_MS // 100):
            if not server.children():
                break
            time.sleep(0.1)
        else:
            wrong.append("a decoding child still works for nobody")
        # While it runs: what is not named at all (an upload on its way) is gone with its session.
        wrong += [f"left while it runs: {path.name}" for path in _left(server.temporary)]
    finally:
        server.end()
    wrong += [f"left after the end: {path.name}" for path in _left(server.temporary)]
    new = {path for path in _files(*_ELSEWHERE) - before if CANARY in path.name}
    wrong += [f"left elsewhere: {path}" for path in sorted(new)]
    wrong += [f"in the project: {path}" for path in sorted(_files(PROJECT)) if CANARY in path.name]
    log = server.log.read_bytes()
    # Names of files, and the beginnings of JPEG, PNG and MP4, bare and as base64.
    for secret in (CANARY.encode(), b"\xff\xd8\xff", b"\x89PNG", b"ftyp", b"/9j/", b"iVBORw0"):
        if secret in log:
            wrong.append(f"in the log: {secret!r}")
    return done, wrong


def _left(folder: Path) -> list[Path]:
    return [path for path in _files(folder) if path.name != "lock"]


def main() -> int:
    """Run, and print what was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sessions", type=int, default=100)
    parser.add_argument("--browser", default=shutil.which("chromium"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.browser, args=QUIET)
        done, wrong = run_all(Path(folder), browser, options.sessions)
        browser.close()
    lines = [f"{count:4} {way}" for way, count in done.items()]
    print(f"{sum(done.values())} sessions", *lines, sep="\n")  # noqa: T201 a tool
    print(*(wrong or ["Nothing was left."]), sep="\n")  # noqa: T201 a tool
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
