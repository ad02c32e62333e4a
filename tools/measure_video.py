"""Measure the video pipeline: its time against decoding and encoding alone, and its memory.

    python -m tools.measure_video ../shared/media/pyfeat_single_face.mp4

The clip is played there and back until it has lasted 20 seconds. ``docs/video.md`` records what
came out. Wall time says little on a machine that does other things; processor time does.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import cycle, islice
from pathlib import Path
from typing import Final

import av

from fer.classifier import FacialExpressionModel
from fer.faces import create_detector
from fer.media.video_writer import VideoWriter
from fer.pipeline import Analyzer
from fer.video.analysis import analyze_video, probe, read_frames
from fer.video.moments import Moments

#: Length of the clip in seconds, and how many times longer the long one is.
_SECONDS: Final = 20
_LONGER: Final = 10

#: Of several runs the shortest counts: the one least disturbed by others.
_RUNS: Final = 3


@dataclass(frozen=True)
class Times:
    """What a piece of work took, in seconds: of all processors together, and on the clock."""

    processor_s: float
    wall_s: float


@dataclass(frozen=True)
class Figures:
    """What was measured.

    Attributes:
        detector: that found the faces.
        frames: of the clip.
        transcoding: decoding and encoding, pictures never touched.
        copying: decoding to pictures in RGB, and encoding those.
        analysis: the whole pipeline, every frame read and annotated.
        peak_mb: peak memory of a process that analyses the clip, in megabytes (2^20 bytes).
        longer_peak_mb: the same for a video ten times as long.
    """

    detector: str
    frames: int
    transcoding: Times
    copying: Times
    analysis: Times
    peak_mb: float
    longer_peak_mb: float

    @property
    def processor_ratio(self) -> float:
        """Processor time of the analysis against that of copying."""
        return self.analysis.processor_s / self.copying.processor_s

    @property
    def wall_ratio(self) -> float:
        """The same by the clock."""
        return self.analysis.wall_s / self.copying.wall_s


def measure(source: Path, *, seconds: float = _SECONDS, longer: int = _LONGER) -> Figures:
    """Measure everything, in a minute or two.

    Args:
        source: a short clip.
        seconds: it is played there and back until it has lasted so long.
        longer: how many times as long the long video is.
    """
    with tempfile.TemporaryDirectory() as folder:
        clip, long_clip = Path(folder) / "clip.mp4", Path(folder) / "longer.mp4"
        frames = there_and_back(source, clip, seconds)
        repeat(clip, long_clip, longer)
        model = FacialExpressionModel.load()  # once per process, as in the app

        def analyze(clip: Path) -> None:
            analyzer = Analyzer(create_detector(), model)
            analyze_video(clip, analyzer, name=clip.name, annotated=io.BytesIO(), moments=Moments())

        analyze(clip)  # once, so that everything is loaded
        runs = [[_timed(work, clip) for work in (transcode, copy, analyze)] for _ in range(_RUNS)]
        transcoding, copying, analysis = (
            Times(min(t.processor_s for t in times), min(t.wall_s for t in times))
            for times in zip(*runs, strict=True)
        )
        return Figures(
            create_detector().name,
            frames,
            transcoding,
            copying,
            analysis,
            peak_mb(clip),
            peak_mb(long_clip),
        )


def there_and_back(source: Path, target: Path, seconds: float) -> int:
    """Play a clip forwards and backwards in turn; returns the number of frames."""
    rate = Fraction(probe(source).fps or 25).limit_denominator(1001)
    images = [frame.image for frame in read_frames(source)]
    count = round(seconds * rate)
    with VideoWriter(target, 1 / rate, float(rate)) as writer:
        for pts, image in enumerate(islice(cycle([*images, *reversed(images)]), count)):
            writer.write(image, pts)
    return count


def repeat(source: Path, target: Path, times: int) -> None:
    """Put a clip together with itself, without encoding it again."""
    with av.open(target, "w") as joined:
        for number in range(times):
            with av.open(source) as clip:
                pictures = clip.streams.video[0]
                if number == 0:
                    stream = joined.add_stream_from_template(pictures)
                length = pictures.duration or 0
                for packet in clip.demux(pictures):
                    if packet.pts is not None and packet.dts is not None:
                        packet.pts += number * length
                        packet.dts += number * length
                        packet.stream = stream
                        joined.mux(packet)


def transcode(source: Path) -> None:
    """Decode and encode as ``fer.media.video_writer`` does, without ever making pictures in RGB."""
    with av.open(source) as clip, av.open(io.BytesIO(), "w", format="mp4") as target:
        pictures = clip.streams.video[0]
        pictures.thread_type = "AUTO"
        options = {"preset": "veryfast", "crf": "23", "bf": "0"}
        stream = target.add_stream("libx264", rate=pictures.average_rate, options=options)
        stream.width, stream.height, stream.pix_fmt = pictures.width, pictures.height, "yuv420p"
        for frame in clip.decode(pictures):
            frame.pict_type = 0  # the encoder decides
            target.mux(stream.encode(frame))
        target.mux(stream.encode())


def copy(source: Path) -> None:
    """Decode and encode with this project's reader and writer, without looking at the pictures."""
    info = probe(source)
    with VideoWriter(io.BytesIO(), info.time_base, info.fps) as writer:
        for frame in read_frames(source):
            writer.write(frame.image, frame.pts)


def peak_mb(source: Path) -> float:
    """Peak memory of a process of its own that analyses a video, as the command line does."""
    # The kernel's mark: what rusage tells of a child begins with the peak of its parent.
    script = (
        "import re, sys; from pathlib import Path; from fer.__main__ import main\n"
        "try: main(['video', sys.argv[1], '-o', sys.argv[2]])\n"
        "except SystemExit as done: assert not done.code, done.code\n"
        "status = Path('/proc/self/status').read_text()\n"
        "print(int(re.search(r'VmHWM:\\s+(\\d+)', status)[1]) / 1024)"
    )
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(  # noqa: S603 our own interpreter and script
            [sys.executable, "-c", script, str(source), folder],
            capture_output=True,
            text=True,
            check=True,
        )
    return float(done.stdout.split()[-1])


def _timed(work: Callable[[Path], None], source: Path) -> Times:
    processor, wall = time.process_time(), time.perf_counter()
    work(source)
    return Times(time.process_time() - processor, time.perf_counter() - wall)


def main() -> None:
    """Measure the clip that the command line names."""
    found = measure(Path(sys.argv[1]))
    lines = [f"{found.frames} frames, faces found by {found.detector}."]
    lines.append("Milliseconds per frame, of processor time and on the clock:")
    for name in ("transcoding", "copying", "analysis"):
        times = getattr(found, name)
        each = [1000 * t / found.frames for t in (times.processor_s, times.wall_s)]
        lines.append(f"{name:>12}: {each[0]:6.2f} {each[1]:6.2f}")
    lines.append(
        f"analysis against copying: {found.processor_ratio:.2f} times the processor time, "
        f"{found.wall_ratio:.2f} times as long"
    )
    longer = f"{_LONGER} times as long: {found.longer_peak_mb:.0f} MB"
    lines.append(f"peak memory: {found.peak_mb:.0f} MB; {longer}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
