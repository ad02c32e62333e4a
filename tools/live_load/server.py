"""The app's own server, watched from inside: ages of results, memory, and a detector that fails.

Nothing of the app is changed but two things that are looked at from outside: every result's age is
written down, and the detector of one stream can be told to raise.
"""

from __future__ import annotations

import json
import resource
import sys
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Final

from streamlit.web import bootstrap

from fer import faces
from fer.live import meter as live_meter
from fer.live import processor
from fer.live import seats as live_seats
from fer.paths import PROJECT
from fer.types import Detector, Face, Image
from tools.live_load.namespace import refuse_outside

#: In the folder of the run: ages, one line per result; a status, twice a second; the number of the
#: stream whose detector is to raise.
AGES: Final = "ages.txt"
STATUS: Final = "status.json"
RAISE: Final = "raise.txt"

_ROUTER: Final = PROJECT / "streamlit_app.py"


class FaultyDetector:
    """Raises while the folder of the run says so."""

    def __init__(self, detector: Detector, number: int, folder: Path) -> None:
        self._detector, self._number, self._flag = detector, number, folder / RAISE
        self.name = detector.name

    def detect(self, image: Image) -> tuple[Face, ...]:
        """Find the faces, or fail."""
        if self._flag.exists() and self._flag.read_text(encoding="utf-8") == str(self._number):
            raise RuntimeError("a fault of the load harness's own making")
        return self._detector.detect(image)


def number_detectors(folder: Path) -> Callable[[], int]:
    """Let every detector that is made know its number, from 0; returns what counts them."""
    make, lock, made = faces.create_detector, threading.Lock(), [0]

    def create_detector() -> Detector:
        with lock:
            made[0] += 1
            return FaultyDetector(make(), made[0] - 1, folder)

    faces.create_detector = create_detector
    return lambda: made[0]


def write_ages(folder: Path) -> None:
    """Write a line per result: the stream, when it was done, its age in milliseconds."""
    lines = (folder / AGES).open("w", buffering=1, encoding="utf-8")
    add = live_meter.Meter.add

    def add_and_write(meter: live_meter.Meter, finished_s: float, stages: dict[str, float]) -> None:
        add(meter, finished_s, stages)
        lines.write(f"{id(meter)} {finished_s:.4f} {1000 * sum(stages.values()):.1f}\n")

    live_meter.Meter.add = add_and_write  # type: ignore[method-assign, assignment]


def write_status(folder: Path, detectors: Callable[[], int]) -> None:
    """Tell twice a second how the process is.

    Args:
        folder: of the run.
        detectors: counts those that were made.
    """
    processors: weakref.WeakSet[processor.ExpressionProcessor] = weakref.WeakSet()
    begin = processor.ExpressionProcessor.__init__

    def begin_and_note(
        processor: processor.ExpressionProcessor, *given: object, **named: object
    ) -> None:
        begin(processor, *given, **named)  # type: ignore[arg-type]
        processors.add(processor)

    processor.ExpressionProcessor.__init__ = begin_and_note  # type: ignore[method-assign, assignment]

    def tell() -> None:
        while True:
            status = {
                "at_s": time.monotonic(),
                "memory_mb": _memory_mb(),
                "cpu_s": time.process_time(),
                "threads": threading.active_count(),
                "places": live_seats.SEATS.taken(),
                "processors": len(processors),
                "detectors": detectors(),
            }
            temporary = folder / f"{STATUS}.part"
            temporary.write_text(json.dumps(status), encoding="utf-8")
            temporary.replace(folder / STATUS)
            time.sleep(0.5)

    threading.Thread(target=tell, daemon=True).start()


def _memory_mb() -> float:
    """Memory of this process that is really there, in megabytes."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


def main() -> None:
    """Serve at an address and port, with a folder for what is written."""
    address, port, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    refuse_outside()
    detectors = number_detectors(folder)
    write_ages(folder)
    write_status(folder, detectors)
    options = {
        "server_address": address,
        "server_port": port,
        "server_headless": True,
        "server_fileWatcherType": "none",
        "browser_gatherUsageStats": False,
    }
    bootstrap.load_config_options(options)
    bootstrap.run(str(_ROUTER), False, [], options)


if __name__ == "__main__":
    main()
