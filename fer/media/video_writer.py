"""Write H.264 video that every browser plays: MP4, yuv420p, index at the front."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

import av
import numpy as np
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream

from fer.errors import MediaError
from fer.media.sound import Sound
from fer.media.views import SharedFile
from fer.types import Image

_WRITE_ERRORS: Final = (av.FFmpegError, OSError)
_BT709: Final = 1  # FFmpeg's number of the HD standard for matrix, primaries and transfer


class VideoWriter:
    """Writes frames at their own times. Use as a context manager.

    The file is whole or it is not there: a path appears when all went well, and
    a binary file is emptied when something went wrong.

    Args:
        target: a path, or a binary file that can be read and written anywhere.
        time_base: seconds per tick of the clock.
        fps: frames per second, roughly; what the encoder plans with.
        sound: goes along with the pictures, as long as there are any.

    Raises:
        MediaError: if nothing can be written there; also from ``write`` and at the end.
    """

    def __init__(
        self,
        target: Path | BinaryIO,
        time_base: Fraction,
        fps: float | None = None,
        sound: Sound | None = None,
    ) -> None:
        self._target = target
        self._sound = sound
        self._time_base = time_base
        self._rate = Fraction(min(max(fps or 25.0, 1.0), 240.0)).limit_denominator(1001)
        self._stream: VideoStream | None = None
        self._scaler = VideoReformatter()  # one for all pictures: it is slow to set up
        self._last_pts = -1

    def __enter__(self) -> Self:
        with _explained():
            self._file = self._open_file()
            # FFmpeg moves the index to the front by reading what it wrote: it asks
            # for a second file, and gets the same one at a position of its own.
            self._container: OutputContainer = av.open(
                self._file,
                "w",
                format="mp4",
                options={"movflags": "+faststart"},
                io_open=lambda _url, _flags, _options: SharedFile(self._file).view(),
            )
        return self

    def write(self, image: Image, pts: int) -> None:
        """Append a picture.

        Args:
            image: RGB uint8 (H, W, 3); pictures of another size than the first
                are scaled to it.
            pts: its time in ticks, larger than the one before.

        Raises:
            ValueError: if time does not advance.
            MediaError: if it cannot be written.
        """
        if pts <= self._last_pts:
            raise ValueError(f"pts must grow: {pts} after {self._last_pts}")
        self._last_pts = pts
        # H.264's colour planes have half the size: an odd edge is repeated once.
        height, width = image.shape[:2]
        even = image
        if height % 2 or width % 2:
            even = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        with _explained():
            if self._stream is None:
                self._stream = self._add_stream(even.shape[1], even.shape[0])
                if self._sound is not None:
                    self._sound.join(self._container)
            frame = self._scaler.reformat(
                VideoFrame.from_numpy_buffer(np.ascontiguousarray(even), "rgb24"),
                self._stream.width,
                self._stream.height,
                "yuv420p",
                dst_colorspace=Colorspace.ITU709,
                dst_color_range=ColorRange.MPEG,
                threads=1,  # the encoder has the other cores
            )
            if self._sound is not None:
                self._sound.write_until(float(pts * self._time_base))
            frame.pts, frame.time_base = pts, self._time_base
            self._container.mux(self._stream.encode(frame))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None or self._stream is None:
            self._discard()
            return
        try:
            with _explained():
                if self._sound is not None:
                    end = self._last_pts * self._time_base + 1 / self._rate
                    self._sound.write_until(float(end))
                self._container.mux(self._stream.encode())
                self._container.close()
                if isinstance(self._target, Path):
                    self._file.close()
                    _part(self._target).replace(self._target)
        except BaseException:
            self._discard()
            raise

    def _add_stream(self, width: int, height: int) -> VideoStream:
        # A key frame every two seconds or so, so that a player can jump; speed
        # before size, since encoding shares the processor with the analysis. No B-frames: at
        # a variable rate their order makes readers lose the last pictures.
        interval = str(round(2 * self._rate))
        options = {"preset": "veryfast", "crf": "23", "g": interval, "bf": "0"}
        stream = self._container.add_stream("libx264", rate=self._rate, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        context = stream.codec_context
        context.time_base = self._time_base
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = ColorRange.MPEG
        return stream

    def _open_file(self) -> BinaryIO:
        target = self._target
        return _part(target).open("w+b") if isinstance(target, Path) else target

    def _discard(self) -> None:
        with suppress(*_WRITE_ERRORS):  # an unfinished file may not even close
            self._container.close()
        if isinstance(self._target, Path):
            self._file.close()
            _part(self._target).unlink(missing_ok=True)
        else:
            self._file.seek(0)
            self._file.truncate()


def _part(target: Path) -> Path:
    """The unfinished file beside a target."""
    return target.with_name(target.name + ".part")


@contextmanager
def _explained() -> Iterator[None]:
    """Turn what FFmpeg and the disk say into a sentence."""
    try:
        yield
    except _WRITE_ERRORS as exc:
        raise MediaError(f"The annotated video cannot be written: {exc}.") from exc
