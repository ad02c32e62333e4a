"""One run inside the namespace: starts the server and viewers, and reads what they wrote."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tools.live_load import clip
from tools.live_load.namespace import ADDRESS
from tools.live_load.server import AGES, STATUS

_PORT: Final = 8501

#: Seconds that anything may take to come about.
PATIENCE_S: Final = 90.0


@dataclass
class Viewer:
    """A viewer's process, where it writes, and its number: from 0, in the order of coming."""

    process: subprocess.Popen[bytes]
    target: Path
    number: int = 0

    def seen(self) -> NDArray[np.float64]:
        """(N, 3): when a picture came, in seconds, its age in milliseconds, its width in pixels."""
        return _table(self.target, 3)

    def misbehave(self) -> None:
        """Let the camera do what the viewer was started for."""
        self.process.send_signal(signal.SIGUSR1)


@dataclass
class Run:
    """Server and viewers of a run.

    Attributes:
        folder: for what they write, and for a copy of the models.
    """

    folder: Path
    viewers: list[Viewer] = field(default_factory=list)
    _made: int = 0

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Start the server; stop it and all viewers afterwards."""
        clips = (clip.make_clip(640, 480), clip.make_clip(320, 240))
        clip.save(clips, self.folder / "clips")
        command = [sys.executable, "-m", "tools.live_load.server"]
        command += [ADDRESS, str(_PORT), str(self.folder)]
        environment = {
            **os.environ,
            "FER_ICE_SERVERS": "[]",
            "FER_MODELS": str(self.folder / "models"),
            "FER_OPERATOR": str(self.folder / "operator.toml"),
        }
        with (self.folder / "server.log").open("wb") as log:
            server = subprocess.Popen(
                command, env=environment, stdout=log, stderr=subprocess.STDOUT
            )
            try:
                wait_for(lambda: _answers() or server.poll() is not None, "the server")
                yield
            finally:
                self.leave()
                server.terminate()
                server.wait(30)

    def add_viewer(self, fault: str = "none") -> Viewer:
        """Start a viewer, and wait for the first picture with a box."""
        number = self._made
        target = self.folder / f"viewer{number}.txt"
        self._made += 1
        command = [sys.executable, "-m", "tools.live_load.viewer", f"{ADDRESS}:{_PORT}"]
        command += [str(self.folder / "clips"), str(target), "--fault", fault]
        with target.with_suffix(".log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        viewer = Viewer(process, target, number)
        self.viewers.append(viewer)
        wait_for(lambda: len(viewer.seen()) > 0 or viewer.process.poll() is not None, "a picture")
        if viewer.process.poll() is not None:
            raise RuntimeError(f"A viewer ended: {target.with_suffix('.log').read_text()}")
        return viewer

    def leave(self) -> None:
        """Let all viewers go, politely."""
        for viewer in self.viewers:
            viewer.process.terminate()
        for viewer in list(self.viewers):
            self.dismiss(viewer)

    def dismiss(self, viewer: Viewer) -> None:
        """Let a viewer close the tab."""
        viewer.process.terminate()
        try:
            viewer.process.wait(20)
        except subprocess.TimeoutExpired:
            viewer.process.kill()
            viewer.process.wait()
        self.viewers.remove(viewer)

    def kill(self, viewer: Viewer) -> None:
        """Let a viewer vanish without a word."""
        viewer.process.kill()
        viewer.process.wait()
        self.viewers.remove(viewer)

    def status(self) -> dict[str, Any]:
        """How the server is."""
        return dict(json.loads((self.folder / STATUS).read_text(encoding="utf-8")))

    def ages(self, begin_s: float, end_s: float) -> dict[int, NDArray[np.float64]]:
        """Ages in milliseconds of the results between two moments, by stream."""
        table = _table(self.folder / AGES, 3)
        within = table[(table[:, 1] >= begin_s) & (table[:, 1] < end_s)]
        return {int(stream): within[within[:, 0] == stream, 2] for stream in set(within[:, 0])}


def wait_for(condition: Callable[[], bool], what: str, limit_s: float = PATIENCE_S) -> float:
    """Wait until something is so; returns the seconds that it took.

    Raises:
        TimeoutError: if it takes too long.
    """
    begun_s = time.monotonic()
    while not condition():
        if time.monotonic() - begun_s > limit_s:
            raise TimeoutError(f"{what} did not come about within {limit_s:.0f} s")
        time.sleep(0.1)
    return time.monotonic() - begun_s


def _answers() -> bool:
    try:
        with urllib.request.urlopen(f"http://{ADDRESS}:{_PORT}/_stcore/health", timeout=2):
            return True
    except OSError:
        return False


def _table(path: Path, columns: int) -> NDArray[np.float64]:
    """The complete lines of a file that is still being written."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    rows = [line.split() for line in text.split("\n")[:-1]]
    return np.array(rows, float).reshape(-1, columns)
