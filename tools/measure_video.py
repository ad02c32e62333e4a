"""Measure the video pipeline: its time against decoding and encoding alone, and its memory.

    python -m tools.measure_video clip.mp4

Prints seconds of decoding plus encoding alone, seconds of the whole analysis, their
ratio, and the peak memory of the process for the clip and for ten times its length.
``docs/video.md`` records what it said.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from fer.classifier import FacialExpressionModel
from fer.faces import create_detector
from fer.moments import Moments
from fer.pipeline import Analyzer
from fer.video import analyze_video, probe, read_frames
from fer.video_writer import VideoWriter

RUNS = 3


def copy(source: Path, target: io.BytesIO | Path, times: int = 1) -> None:
    """Decode and encode, without looking at the pictures."""
    info = probe(source)
    step = Fraction(1) / Fraction(info.fps or 25).limit_denominator(1001)
    with VideoWriter(target, step, info.fps) as writer:
        pts = 0
        for _ in range(times):
            for frame in read_frames(source):
                writer.write(frame.image, pts)
                pts += 1


def analyze(source: Path) -> None:
    """The whole pipeline, every frame annotated."""
    analyzer = Analyzer(create_detector(), FacialExpressionModel.load())
    analyze_video(source, analyzer, name=source.name, annotated=io.BytesIO(), moments=Moments())


def best_of(function: Callable[[], None]) -> float:
    """The shortest of several runs, in seconds: the one least disturbed by others."""
    taken = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        function()
        taken.append(time.perf_counter() - begun)
    return min(taken)


def peak_mb(source: Path) -> float:
    """Peak memory in megabytes of a process of its own that analyses a video."""
    # The kernel's mark: what rusage tells of a child begins with the peak of its parent.
    script = (
        "import re, sys; from pathlib import Path; from tools.measure_video import analyze; "
        "analyze(Path(sys.argv[1])); status = Path('/proc/self/status').read_text(); "
        "print(int(re.search(r'VmHWM:\\s+(\\d+)', status)[1]) / 1024)"
    )
    done = subprocess.run(  # noqa: S603 our own interpreter and script
        [sys.executable, "-c", script, str(source)], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def say(line: str) -> None:
    """Write a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Measure the clip that the command line names."""
    source = Path(sys.argv[1])
    analyze(source)  # once, so that everything is loaded
    alone = best_of(lambda: copy(source, io.BytesIO()))
    whole = best_of(lambda: analyze(source))
    say(f"decoding and encoding alone: {alone:.2f} s")
    say(f"the whole analysis: {whole:.2f} s, {whole / alone:.2f} times as long")
    with tempfile.TemporaryDirectory() as folder:
        longer = Path(folder) / "longer.mp4"
        copy(source, longer, times=10)
        say(f"peak memory: {peak_mb(source):.0f} MB; ten times as long: {peak_mb(longer):.0f} MB")


if __name__ == "__main__":
    main()
