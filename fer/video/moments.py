"""Collect pictures while a video is analysed: of every face at its clearest, and along time.

Pictures are small and their number is bounded, so that memory does not grow with the length
of a video. They are compressed late, since most are soon replaced by better ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np

from fer.types import Face, FrameResult, Image, VideoReport
from fer.video.summary import summarize

#: Side in pixels of the picture of a face, and width of a picture along time.
_FACE: Final = 160
_STRIP: Final = 176

#: At most so many faces, and so many pictures along time: at first so many seconds apart.
_MOST_FACES: Final = 300
_MOST_STRIP: Final = 96
_STRIP_S: Final = 0.1

#: At most so many faces wait to be compressed.
_MOST_FRESH: Final = 16

_TOLERANCE_S: Final = 1e-6  # rounding must not decide which picture is taken

_Key = tuple[int, str]  # track and expression


@dataclass(frozen=True, eq=False)
class _FacePicture:
    """A face at its clearest.

    Attributes:
        frame: number of the frame.
        probability: of the expression that it was collected for.
        picture: 160 x 160 pixels, or those as a JPEG.
    """

    frame: int
    probability: float
    picture: Image | bytes


@dataclass(frozen=True)
class KeyMoment:
    """The moment at which a face shows an expression most clearly.

    Attributes:
        track: the face.
        expression: what it looks like.
        time_s: when.
        probability: of the expression.
        jpeg: its picture, 160 x 160 pixels.
    """

    track: int
    expression: str
    time_s: float
    probability: float
    jpeg: bytes

    @property
    def file_name(self) -> str:
        """Where it goes in a bundle."""
        return f"moments/track{self.track}_{self.expression}_{self.time_s:.2f}s.jpg"


def key_moments(report: VideoReport, moments: Moments) -> tuple[KeyMoment, ...]:
    """The peaks of a report of which there are pictures, face by face."""
    return tuple(
        KeyMoment(track["track"], peak["expression"], peak["time_s"], peak["probability"], picture)
        for track in summarize(report)["tracks"]
        for peak in track["peaks"]
        if (picture := moments.face(track["track"], peak["expression"], peak["frame"]))
    )


class Moments:
    """Give it every frame of a video, in order. Use one per video."""

    def __init__(self) -> None:
        self._faces: dict[_Key, _FacePicture] = {}
        self._fresh: dict[_Key, None] = {}  # not compressed yet; the oldest first
        self._seen: dict[int, int] = {}  # track -> frames
        self._strip: list[tuple[float, Image]] = []
        self._apart_s, self._due_s = _STRIP_S, 0.0

    def add(self, image: Image, result: FrameResult) -> None:
        """Look at a frame.

        Args:
            image: RGB uint8 without boxes, with faces blurred already if they are to be.
            result: what was found in it, with tracks.
        """
        if result.time_s >= self._due_s - _TOLERANCE_S:
            self._strip.append((result.time_s, _scaled(image, _STRIP)))
            if len(self._strip) > _MOST_STRIP:  # twice as far apart from now on
                del self._strip[1::2]
                self._apart_s *= 2
            passed = math.floor((result.time_s + _TOLERANCE_S) / self._apart_s)
            self._due_s = (passed + 1) * self._apart_s
        for prediction in result.predictions:
            track = prediction.face.track
            if track is None:
                continue
            self._seen[track] = self._seen.get(track, 0) + 1
            known = self._faces.get((track, prediction.label))
            confidence = prediction.confidence
            if not prediction.quality and (known is None or confidence > known.probability):
                portrait = _portrait(image, prediction.face)
                picture = _FacePicture(result.index, confidence, portrait)
                self._remember((track, prediction.label), picture)
        self._forget()

    def face(self, track: int, expression: str, frame: int) -> bytes | None:
        """A JPEG of a face in one frame, if that is the one that was kept of it."""
        kept = self._faces.get((track, expression))
        return _jpeg(kept.picture) if kept is not None and kept.frame == frame else None

    @property
    def strip(self) -> tuple[tuple[float, bytes], ...]:
        """Time in seconds and a small JPEG, evenly spread along the video."""
        return tuple((time_s, _jpeg(picture)) for time_s, picture in self._strip)

    def _remember(self, key: _Key, picture: _FacePicture) -> None:
        self._faces[key] = picture
        self._fresh.pop(key, None)
        self._fresh[key] = None
        if len(self._fresh) > _MOST_FRESH:
            oldest = next(iter(self._fresh))
            del self._fresh[oldest]
            kept = self._faces[oldest]
            self._faces[oldest] = replace(kept, picture=_jpeg(kept.picture))

    def _forget(self) -> None:
        """Drop the faces that were seen least, when there are too many."""
        if len(self._faces) > _MOST_FACES:
            least = min({track for track, _ in self._faces}, key=self._seen.__getitem__)
            for key in [key for key in self._faces if key[0] == least]:
                del self._faces[key]
                self._fresh.pop(key, None)


def _portrait(image: Image, face: Face) -> Image:
    """A square around a face, with some room, moved so that it lies inside the image."""
    height, width = image.shape[:2]
    side = min(round(1.3 * max(face.width, face.height)), width, height)
    x0, y0, x1, y1 = face.box
    left = min(max((x0 + x1 - side) // 2, 0), width - side)
    top = min(max((y0 + y1 - side) // 2, 0), height - side)
    return _shrunk(image[top : top + side, left : left + side], _FACE, _FACE)


def _scaled(image: Image, width: int) -> Image:
    height, before = image.shape[:2]
    skipped = max(1, before // (2 * width))  # half of the pixels are enough to average
    high = max(1, min(2 * width, round(height * width / before)))
    return _shrunk(image[::skipped, ::skipped], width, high)


def _shrunk(image: Image, width: int, height: int) -> Image:
    """Averaged by a whole factor, then scaled to the size: half the time of doing it at once."""
    factor = min(image.shape[1] // width, image.shape[0] // height)
    if factor > 1:
        wide, high = image.shape[1] // factor, image.shape[0] // factor
        even = image[: high * factor, : wide * factor]
        image = np.asarray(cv2.resize(even, (wide, high), interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _jpeg(picture: Image | bytes) -> bytes:
    """As a JPEG, unless it is one."""
    if isinstance(picture, bytes):
        return picture
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 82])[1].tobytes()
