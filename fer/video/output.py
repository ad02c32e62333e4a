"""The annotated video: hide faces, draw, write with sound."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from fer.annotate import draw
from fer.media.sound import Sound
from fer.media.video_reader import VideoFrame, VideoInfo
from fer.media.video_writer import VideoWriter
from fer.types import FrameResult, Image
from fer.video.moments import Moments
from fer.video.privacy import Box, FaceHider
from fer.video.settings import VideoSettings

Boxes = tuple[Box, ...]


class VideoOutput:
    """What becomes of analysed frames. Use as a context manager.

    Args:
        settings: what to hide and to draw.
        info: what the source says about itself.
        source: the source once more, for its sound.
        target: where to write the annotated video, if anywhere.
        moments: collects pictures, with faces hidden where they are to be.
        open_sound: makes the sound track from the source and a time on its clock.
    """

    def __init__(
        self,
        settings: VideoSettings,
        info: VideoInfo,
        source: Path | BinaryIO,
        target: Path | BinaryIO | None,
        moments: Moments | None,
        *,
        open_sound: Callable[[Path | BinaryIO, float], Sound] = Sound,
    ) -> None:
        self._settings = settings
        self._info = info
        self._source = source
        self._target = target
        self._moments = moments
        self._open_sound = open_sound
        self._hider = FaceHider(settings.keep, settings.max_gap_s) if settings.blurred else None
        self._writer: VideoWriter | None = None
        self._first_pts = 0
        self.latest: Image | None = None
        """The latest picture, as it was written."""

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def draw(self, frame: VideoFrame, result: FrameResult, boxes: Boxes) -> Image:
        """Make the picture to write of the next frame, and collect what is to be kept of it.

        Args:
            frame: nobody may need its picture any more.
            result: what was found in it.
            boxes: of faces to hide besides.
        """
        picture = frame.image
        if self._hider is not None:
            picture = self._hider.hide(picture, result, boxes, cut=frame.cut)
        if self._moments is not None:
            self._moments.add(picture, result)
        if self._settings.drawn and self._target is not None:
            picture = draw(picture, result, flags=True, in_place=True)
        return picture

    def write(self, drawn: tuple[VideoFrame, Image]) -> None:
        """Write the next frame and what ``draw`` made of it.

        Raises:
            MediaError: if the annotated video cannot be written.
        """
        if self._target is None:
            return
        frame, picture = drawn
        if self._writer is None:
            self._writer = self._open(self._target, frame)
        self._writer.write(picture, frame.pts - self._first_pts)
        self.latest = picture

    def _open(self, target: Path | BinaryIO, first: VideoFrame) -> VideoWriter:
        self._first_pts = first.pts
        start_s = self._info.start_s + first.time_s
        sound = self._stack.enter_context(self._open_sound(self._source, start_s))
        fps = [rate for rate in (self._info.fps, self._settings.fps) if rate]
        writer = VideoWriter(target, self._info.time_base, min(fps, default=None), sound)
        return self._stack.enter_context(writer)
