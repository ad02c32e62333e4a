"""Analyse a video: frames in from any source, a report and an annotated video out.

Decoding, finding faces, reading them with drawing, and encoding run on a thread each, so
that they overlap on the cores there are. A handful of frames is in memory at a time. The
annotated video runs on the clock of its source, with time 0 at the first analysed frame.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import BinaryIO, Final, Protocol, cast

from fer import quality
from fer.artifacts import served_hash
from fer.errors import MediaError
from fer.media import video_reader
from fer.media.background import Behind, ahead, sharing_cores
from fer.media.sound import Sound
from fer.media.video_reader import BrokenVideoError, VideoFrame, VideoInfo, probe, read_frames
from fer.media.video_writer import VideoWriter
from fer.media.views import SharedFile
from fer.memory import give_back
from fer.pipeline import Analyzer
from fer.provenance import versions
from fer.tracking import Tracker
from fer.types import Image, VideoReport
from fer.video.face_search import find_faces
from fer.video.frame_log import FrameLog
from fer.video.moments import Moments
from fer.video.output import VideoOutput
from fer.video.settings import VideoSettings

__all__ = [
    "BrokenVideoError",
    "Progress",
    "VideoFrame",
    "VideoInfo",
    "VideoSettings",
    "VideoWriter",
    "analyze_video",
    "probe",
    "read_frames",
]

#: Libraries whose versions shape the numbers.
_LIBRARIES: Final = ("ai-edge-litert", "av", "numpy", "opencv-python-headless", "scipy")

#: Rules of the quality flags, as the report states them.
_THRESHOLDS: Final = {
    "small_face_px": quality.SMALL_FACE,
    "blurred_below": quality.BLURRED,
    "turned_above": quality.TURNED,
}


#: Frames after which memory is given back.
_TIDIED: Final = 10_000

#: Bytes of pictures that may wait between two steps, and the most pictures that may.
_WAITING: Final = 32_000_000
_MOST_WAITING: Final = 3


class Reader(Protocol):
    """Reads videos, as :mod:`fer.media.video_reader` and :mod:`fer.sandbox.restricted` do."""

    def probe(self, source: Path | BinaryIO) -> VideoInfo:
        """Look at a video and decode its first picture."""

    def read_frames(
        self,
        source: Path | BinaryIO,
        *,
        start_s: float = 0.0,
        end_s: float | None = None,
        fps: float | None = None,
    ) -> Generator[VideoFrame]:
        """Decode a video picture by picture."""


@dataclass(frozen=True)
class Progress:
    """How far an analysis is.

    Attributes:
        done: frames analysed.
        total: frames announced, or None when unknown.
        frames_per_s: average speed so far.
        seconds_left: estimate, or None when ``total`` is.
        picture: the latest picture of the annotated video, or None.
    """

    done: int
    total: int | None
    frames_per_s: float
    seconds_left: float | None
    picture: Image | None = None


def analyze_video(
    source: Path | BinaryIO,
    analyzer: Analyzer,
    *,
    name: str,
    settings: VideoSettings | None = None,
    annotated: Path | BinaryIO | None = None,
    moments: Moments | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    reader: Reader = video_reader,
    open_sound: Callable[[Path | BinaryIO, float], Sound] = Sound,
) -> VideoReport:
    """Find and read every face in every frame, or in as many as the settings say.

    Args:
        source: a path, or a seekable binary file that nobody else uses meanwhile.
        analyzer: for this video alone.
        name: what the report calls the video.
        settings: what to analyse and how; the defaults if None.
        annotated: where to write the annotated video (MP4, H.264, with the sound of the
            source), if anywhere. A path appears only when the video is complete.
        moments: collects pictures meanwhile.
        on_progress: called after every frame, on the calling thread.
        should_stop: asked after every frame; once true, what was done is kept.
        reader: decodes the video. The default does so in this process; files from
            strangers belong to :mod:`fer.sandbox.restricted`.
        open_sound: decodes its sound; for strangers' files
            :func:`fer.sandbox.restricted_sound.open_sound`.

    Returns:
        The report. Its settings hold ``broken_at_s`` if the video was damaged
        and ``stopped_at_s`` if ``should_stop`` ended it.

    Raises:
        MediaError: if the video cannot be read or the annotated one not written, or the
            video ends before the part to analyse.
    """
    settings = settings or VideoSettings()
    view = _views(source)
    info = reader.probe(view())
    tracker = Tracker(settings.max_gap_s, settings.smoothing_s, settings.least_confidence)
    results = FrameLog()
    notes: dict[str, float] = {}
    expected = _expected(info, settings)
    depth = min(max(_WAITING // (3 * info.width * info.height), 1), _MOST_WAITING)
    started = monotonic()
    with ExitStack() as stack:
        stack.enter_context(sharing_cores())
        output = stack.enter_context(
            VideoOutput(settings, info, view(), annotated, moments, open_sound=open_sound)
        )
        write = stack.enter_context(Behind(output.write, depth))
        frames = reader.read_frames(
            view(), start_s=settings.start_s, end_s=settings.end_s, fps=settings.fps
        )
        decoded = stack.enter_context(closing(ahead(frames, depth)))
        searched = find_faces(
            decoded, analyzer.detector, settings.search_s, search_all=settings.blurred
        )
        try:
            for frame, faces, boxes in stack.enter_context(closing(ahead(searched, depth))):
                found = analyzer.read(frame.image, faces, frame.index, frame.time_s)
                result = tracker.update(found, cut=frame.cut)
                results.append(result)
                if len(results) % _TIDIED == 0:
                    give_back()  # what growing indexes and results leave behind
                write((frame, output.draw(frame, result, boxes)))
                if on_progress is not None:
                    elapsed_s = monotonic() - started
                    on_progress(_progress(len(results), expected, elapsed_s, output.latest))
                if should_stop is not None and should_stop():
                    notes["stopped_at_s"] = round(frame.time_s, 3)
                    break
        except BrokenVideoError as exc:
            notes["broken_at_s"] = round(exc.time_s, 3)
    give_back()  # what was decoded and encoded with, before the results are written
    if not results:
        raise MediaError(
            f"Nothing of the video is left from {settings.start_s:g} s on: choose an earlier part."
        )
    run = analyzer.classifier.run
    return VideoReport(
        source=name,
        model=run.name,
        model_hash=served_hash(run),
        detector=analyzer.detector.name,
        frames=results,
        settings={
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "versions": versions(_LIBRARIES),
            "video": {
                "width": info.width,
                "height": info.height,
                "announced_duration_s": info.duration_s,
                "announced_fps": info.fps,
            },
            **asdict(settings),
            **_THRESHOLDS,
            **notes,
        },
    )


def _views(source: Path | BinaryIO) -> Callable[[], Path | BinaryIO]:
    """A way to open the source several times at once."""
    if isinstance(source, Path):
        return lambda: source
    shared = SharedFile(source)
    return lambda: cast(BinaryIO, shared.view())


def _expected(info: VideoInfo, settings: VideoSettings) -> int | None:
    """How many frames will be analysed, as far as the video tells; None when it does not."""
    if not info.duration_s or not info.fps or not info.frames:
        return info.frames
    end_s = min(info.duration_s, settings.end_s or info.duration_s)
    part = max(end_s - settings.start_s, 0.0) / info.duration_s
    thinned = min(1.0, (settings.fps or info.fps) / info.fps)
    return round(info.frames * part * thinned)


def _progress(
    done: int, announced: int | None, elapsed_s: float, picture: Image | None
) -> Progress:
    # An announced number that was passed was wrong: better none than a wrong one.
    total = announced if announced is not None and announced >= done else None
    speed = done / max(elapsed_s, 1e-6)
    seconds_left = None if total is None else (total - done) / speed
    return Progress(done, total, speed, seconds_left, picture)
