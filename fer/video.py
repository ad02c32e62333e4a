"""Analyse a video: frames in from any source, a report and an annotated video out.

One frame is in memory at a time. The annotated video runs on the clock of its
source, with time 0 at the first picture, as the report does.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from time import monotonic
from typing import BinaryIO, Final

from fer.annotate import draw
from fer.artifacts import SERVING
from fer.pipeline import SMALL_FACE, Analyzer
from fer.tracking import Tracker
from fer.types import FrameResult, Image, VideoReport
from fer.video_reader import BrokenVideoError, VideoFrame, VideoInfo, probe, read_frames
from fer.video_writer import VideoWriter

__all__ = [
    "BrokenVideoError",
    "Progress",
    "VideoFrame",
    "VideoInfo",
    "VideoWriter",
    "analyze_video",
    "probe",
    "read_frames",
]

#: Libraries whose versions shape the numbers.
_LIBRARIES: Final = ("ai-edge-litert", "av", "numpy", "opencv-python-headless", "scipy")


@dataclass(frozen=True)
class Progress:
    """How far an analysis is.

    Attributes:
        done: frames analysed.
        total: frames announced, or None when unknown.
        frames_per_s: average speed so far.
        seconds_left: estimate, or None when ``total`` is.
    """

    done: int
    total: int | None
    frames_per_s: float
    seconds_left: float | None


def analyze_video(
    source: Path | BinaryIO,
    analyzer: Analyzer,
    *,
    name: str,
    annotated: Path | BinaryIO | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    render: Callable[[Image, FrameResult], Image] = draw,
    max_gap_s: float = 1.0,
    smoothing_s: float = 0.0,
) -> VideoReport:
    """Find and read every face in every frame.

    Args:
        source: a path, or a seekable binary file.
        analyzer: for this video alone.
        name: what the report calls the video.
        annotated: where to write the annotated video (MP4, H.264), if anywhere.
            A path appears only when the video is complete.
        on_progress: called after every frame.
        should_stop: asked after every frame; once true, what was done is kept.
        render: makes the picture of the annotated video.
        max_gap_s: seconds that a face may be out of sight and stay the same track.
        smoothing_s: time constant in seconds of the smoothing per track; 0 for none.

    Returns:
        The report. Its settings hold ``broken_at_s`` if the video was damaged
        and ``stopped_at_s`` if ``should_stop`` ended it.

    Raises:
        MediaError: if the video cannot be read or the annotated one not written.
    """
    info = probe(source)
    tracker = Tracker(max_gap_s, smoothing_s)
    results: list[FrameResult] = []
    notes: dict[str, float] = {}
    started = monotonic()
    with ExitStack() as stack:
        frames = stack.enter_context(closing(read_frames(source)))
        writer = None
        if annotated is not None:
            writer = stack.enter_context(VideoWriter(annotated, info.time_base, info.fps))
        try:
            for frame in frames:
                found = analyzer.analyze(frame.image, frame.index, frame.time_s)
                result = tracker.update(found)
                results.append(result)
                if writer is not None:
                    writer.write(render(frame.image, result), frame.pts)
                if on_progress is not None:
                    on_progress(_progress(len(results), info.frames, monotonic() - started))
                if should_stop is not None and should_stop():
                    notes["stopped_at_s"] = round(frame.time_s, 3)
                    break
        except BrokenVideoError as exc:
            notes["broken_at_s"] = round(exc.time_s, 3)
    run = analyzer.classifier.run
    return VideoReport(
        source=name,
        model=run.name,
        model_hash=run.files[SERVING],
        detector=analyzer.detector.name,
        frames=tuple(results),
        settings={
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "versions": _versions(),
            "video": {
                "width": info.width,
                "height": info.height,
                "announced_duration_s": info.duration_s,
                "announced_fps": info.fps,
            },
            "track_gap_s": max_gap_s,
            "smoothing_s": smoothing_s,
            "small_face_px": SMALL_FACE,
            **notes,
        },
    )


def _progress(done: int, announced: int | None, elapsed_s: float) -> Progress:
    # An announced number that was passed was wrong: better none than a wrong one.
    total = announced if announced is not None and announced >= done else None
    speed = done / max(elapsed_s, 1e-6)
    return Progress(done, total, speed, None if total is None else (total - done) / speed)


def _versions() -> dict[str, str]:
    """Versions of the installed libraries that shape the numbers."""
    versions = {}
    for library in _LIBRARIES:
        with suppress(metadata.PackageNotFoundError):  # other builds have other names
            versions[library] = metadata.version(library)
    return versions
