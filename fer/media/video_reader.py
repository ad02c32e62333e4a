"""Read a video picture by picture, from a path or from memory, whatever is in it.

One picture is in memory at a time. **Time 0 is the first picture** and every time
comes from the stream's own clock, so times are right at variable frame rates. Numbers
and times of frames are those of the whole video, whatever part of it is read; what
comes before that part is not decoded where it need not be.

Uploads are hostile until proven otherwise. FFmpeg gets bytes and nothing else: it
may only use the containers listed in ``FORMATS``, and may open no file or address.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, Final

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame as DecodedFrame
from av.video.stream import VideoStream

from fer.errors import MediaError
from fer.media.cuts import CutFinder
from fer.media.video_duration import announced_duration, ends_early, time_base
from fer.media.video_pictures import (
    MAX_PIXELS,
    Allocate,
    Pictures,
    check_size,
    new_image,
    shown_size,
)
from fer.media.video_seek import Entry, find_entry
from fer.memory import give_back
from fer.types import Image

#: FFmpeg's names of the containers that are accepted. ``mov`` also reads MP4 and M4V,
#: ``matroska`` also WebM. Playlists (HLS, DASH, concat) must never be among them:
#: they name other files, which FFmpeg would open.
FORMATS: Final = ("mov", "matroska", "avi", "gif")

_OPTIONS: Final = {
    "format_whitelist": ",".join(FORMATS),
    "protocol_whitelist": "none",  # not a protocol: nothing may be opened by name
    "max_pixels": str(MAX_PIXELS),
}
#: What reading a damaged file may raise.
READ_ERRORS: Final = (av.FFmpegError, OSError)
_NO_PICTURE: Final = (
    "No picture of this video can be decoded. It may be damaged, encrypted, without "
    "pictures, or larger than 8K."
)
_DEFAULT_RATE: Final = 25  # frames per second, for the few streams that tell no times
_THREADS: Final = 4
_TOLERANCE_S: Final = 1e-6  # rounding must not decide whether a frame is due


class BrokenVideoError(MediaError):
    """A video is damaged or breaks off; everything readable came before this error.

    Attributes:
        time_s: time of the last picture before the first damage.
    """

    def __init__(self, time_s: float) -> None:
        super().__init__(f"The video is damaged or breaks off after {time_s:.2f} s.")
        self.time_s = time_s


@dataclass(frozen=True)
class VideoInfo:
    """What a video says about itself. Only the size is certain.

    Attributes:
        width: width in pixels as shown: upright, with square pixels.
        height: height in pixels as shown.
        duration_s: announced duration in seconds, or None.
        frames: announced number of frames, or an estimate, or None.
        fps: average frames per second, or None.
        time_base: seconds per tick of the stream's clock.
        start_s: time of the first picture on the clock that it shares with the sound.
    """

    width: int
    height: int
    duration_s: float | None
    frames: int | None
    fps: float | None
    time_base: Fraction
    start_s: float


@dataclass(frozen=True, eq=False)
class VideoFrame:
    """One picture of a video.

    Attributes:
        index: number of the frame, from 0.
        time_s: seconds since the first picture, always growing.
        image: RGB uint8 (H, W, 3), upright.
        pts: the same time in ticks of ``VideoInfo.time_base``.
        cut: whether a new scene begins with this frame, or began since the last one read.
    """

    index: int
    time_s: float
    image: Image
    pts: int
    cut: bool = False


def probe(source: Path | BinaryIO) -> VideoInfo:
    """Look at a video and decode its first picture.

    Args:
        source: a path, or a seekable binary file (an upload stays in memory).

    Raises:
        MediaError: if it is not a video, has no picture, or is too large.
    """
    with _open(source) as (container, stream):
        first = next((frame for frame, _ in _decoded(container, stream) if frame), None)
        if first is None:
            raise MediaError(_NO_PICTURE)
        width, height = shown_size(first, stream)
        if first.rotation // 90 % 2:
            width, height = height, width
        duration = announced_duration(container, stream)
        rate = stream.average_rate
        frames = stream.frames or (round(duration * rate) if duration and rate else None)
        return VideoInfo(
            width=width,
            height=height,
            duration_s=float(duration) if duration else None,
            frames=frames or None,
            fps=float(rate) if rate else None,
            time_base=time_base(stream),
            start_s=float((first.pts or 0) * time_base(stream)),
        )


def read_frames(
    source: Path | BinaryIO,
    *,
    start_s: float = 0.0,
    end_s: float | None = None,
    fps: float | None = None,
    allocate: Allocate = new_image,
    on_decoded: Callable[[], None] | None = None,
) -> Generator[VideoFrame]:
    """Decode a video picture by picture.

    Args:
        source: a path, or a seekable binary file.
        start_s: leave out what comes before this time.
        end_s: stop at this time.
        fps: at most so many frames per second, evenly spread; None for all.
        allocate: where pictures go.
        on_decoded: called after every frame, wanted or not, and every damaged piece.

    Yields:
        Frames in the order in which they are shown.

    Raises:
        MediaError: if it is not a video, has no picture, or is too large.
        BrokenVideoError: after the last readable frame of a damaged video.
    """
    entry = None
    if start_s > 0:
        with _open(source) as (container, stream):
            entry = find_entry(container, stream, start_s, time_base(stream))
    with _open(source) as (container, stream):
        pictures = Pictures(stream, allocate)
        choice = _Choice(start_s, end_s, fps)
        for frame in _decode(container, stream, pictures, choice, entry):
            if on_decoded is not None:
                on_decoded()
            if frame is not None:
                yield frame


@contextmanager
def open_container(source: Path | BinaryIO) -> Iterator[InputContainer]:
    """Open a video file; FFmpeg only ever sees its bytes.

    Raises:
        MediaError: if it is empty, cannot be opened, or is none of ``FORMATS``.
    """
    with ExitStack() as stack:
        try:
            file = stack.enter_context(source.open("rb")) if isinstance(source, Path) else source
        except OSError as exc:
            raise MediaError(f"The video cannot be opened: {exc.strerror}.") from exc
        if file.seek(0, io.SEEK_END) == 0:
            raise MediaError("The file is empty.")
        file.seek(0)
        try:
            container = stack.enter_context(
                av.open(file, "r", options=_OPTIONS, metadata_errors="replace")
            )
        except READ_ERRORS as exc:
            raise MediaError(
                "This is not a video that can be read: it is another kind of file, or has lost "
                "its end. Use MP4, MOV, M4V, MKV, WebM, AVI or GIF."
            ) from exc
        give_back()
        yield container


@contextmanager
def _open(source: Path | BinaryIO) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a video and choose its picture stream."""
    with open_container(source) as container:
        yield container, _picture_stream(container)


def _picture_stream(container: InputContainer) -> VideoStream:
    """The first stream of moving pictures, one marked as default before others."""
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams:
        raise MediaError("The file has no video in it, only sound or a cover picture.")
    stream = max(streams, key=lambda s: bool(s.disposition & Disposition.default))
    if stream.codec_context is None:
        raise MediaError("The video is compressed in a way that is not supported. Use H.264.")
    check_size(stream.width, stream.height)
    # Pictures may claim another size than the container: the decoder checks them too.
    stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
    stream.thread_type = "AUTO"
    # Every thread holds a picture: more of them cost memory and hardly save time.
    stream.codec_context.thread_count = min(os.cpu_count() or 1, _THREADS)
    return stream


class _Choice:
    """Chooses frames by their times."""

    def __init__(self, start_s: float, end_s: float | None, fps: float | None) -> None:
        self._due_s = start_s
        self._end_s = math.inf if end_s is None else end_s
        self._fps = fps

    def takes(self, time_s: float) -> bool:
        """Whether a frame is wanted: the first at or after each time that is due."""
        if time_s < self._due_s - _TOLERANCE_S:
            return False
        if self._fps is not None:
            self._due_s = (math.floor((time_s + _TOLERANCE_S) * self._fps) + 1) / self._fps
        return True

    def is_over(self, time_s: float) -> bool:
        """Whether no frame from this time on is wanted."""
        return time_s >= self._end_s


def _decode(
    container: InputContainer,
    stream: VideoStream,
    pictures: Pictures,
    choice: _Choice,
    entry: Entry | None,
) -> Generator[VideoFrame | None]:
    """Decode; None for what is damaged or not chosen; say at the end what was damaged."""
    base = time_base(stream)
    cuts = CutFinder()
    first_pts, pts = (entry.first_pts, entry.pts - entry.first_pts - 1) if entry else (0, 0)
    index = entry.index - 1 if entry else -1
    cut = False
    broken_at: float | None = None
    for decoded, damaged in _decoded(container, stream, entry):
        if damaged and broken_at is None:
            broken_at = float(pts * base)
        if decoded is None:
            yield None
            continue
        index += 1
        if index == 0:
            first_pts = decoded.pts or 0
        else:
            pts = _next_pts(decoded, stream, first_pts, pts)
        time_s = float(pts * base)
        if choice.is_over(time_s):
            break
        cut |= cuts.is_cut(pictures.stamp(decoded))
        if choice.takes(time_s):
            yield VideoFrame(index, time_s, pictures.image(decoded), pts, cut)
            cut = False
        else:
            yield None
    else:  # read to its end
        if index < 0:
            raise MediaError(_NO_PICTURE)
        if broken_at is None and ends_early((pts + first_pts) * base, container, stream):
            broken_at = float(pts * base)
    if broken_at is not None:
        raise BrokenVideoError(broken_at)


def _decoded(
    container: InputContainer, stream: VideoStream, entry: Entry | None = None
) -> Iterator[tuple[DecodedFrame | None, bool]]:
    """Decoded frames, each with whether its data were damaged; None where there is no frame."""
    if entry is not None:
        container.seek(entry.pts, stream=stream)
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                return
            frames = packet.decode()
        except READ_ERRORS:
            # A damaged packet: go on with the next. After a failed read there is none.
            yield None, True
            continue
        for frame in frames:
            early = entry is not None and (frame.pts or 0) < entry.pts
            yield None if early else frame, packet.is_corrupt or frame.is_corrupt


def _next_pts(decoded: DecodedFrame, stream: VideoStream, first_pts: int, previous: int) -> int:
    """Ticks since the first picture; growing, whatever a broken clock says."""
    if decoded.pts is None:
        rate = stream.average_rate or _DEFAULT_RATE
        return previous + max(1, round(1 / (rate * time_base(stream))))
    return max(decoded.pts - first_pts, previous + 1)
