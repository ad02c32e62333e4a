"""Find the faces in a video's frames without searching every frame.

Of neighbouring frames the first and the last are searched. Where both show the same faces in
nearly the same places, those in between lie between; where they do not, because a face came,
went or moved, the middle is searched too, and so on. A scene that stands still costs a few
searches per second; one in which much happens costs as many as it takes.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Final, NamedTuple

import numpy as np

from fer.media.video_reader import BrokenVideoError, VideoFrame
from fer.tracking import overlap, pairs
from fer.types import Detector, Face
from fer.video.settings import SEARCH_S

#: Boxes that overlap less than this moved too far to say where the face was in between.
_SAME_PLACE: Final = 0.8

#: Bytes of pictures that may wait for a search: of large pictures fewer are skipped.
_MOST_WAITING: Final = 64_000_000

_TOLERANCE_S: Final = 1e-6  # rounding must not decide which frame is searched

_Faces = tuple[Face, ...]


class Found(NamedTuple):
    """A frame and its faces.

    Attributes:
        frame: the frame.
        faces: those that the detector found in it, or that lie between those of its neighbours.
        boxes: what the detector found in this very frame, where it was searched.
    """

    frame: VideoFrame
    faces: _Faces
    boxes: tuple[tuple[int, int, int, int], ...]


def find_faces(
    frames: Iterable[VideoFrame],
    detector: Detector,
    search_s: float = SEARCH_S,
    *,
    search_all: bool = False,
) -> Generator[Found]:
    """Find the faces of every frame. Frames come out in order, a moment after they went in.

    What comes out depends on the frames and the arguments alone. A face that is seen for less
    than ``search_s`` may be missed.

    Args:
        frames: in order of time. That the video is broken is told after all that came before.
        detector: for this video alone.
        search_s: seconds between two searched frames, at most; 0 searches every frame. The
            frames beside a cut are always searched.
        search_all: search every frame for ``Found.boxes``, without any effect on ``faces``.

    Yields:
        Every frame, once.
    """
    search = _Search(detector, search_s, search_all=search_all)
    try:
        for frame in frames:
            if not search.reaches(frame):
                yield from search.settle()
            search.add(frame)
    except BrokenVideoError:
        yield from search.settle()
        raise
    yield from search.settle()


class _Search:
    """Frames that wait until it is known what is in the last of them."""

    def __init__(self, detector: Detector, search_s: float, *, search_all: bool) -> None:
        self._detector = detector
        self._search_s = search_s
        self._search_all = search_all
        self._waiting: list[VideoFrame] = []
        # Time and faces of the last frame that was given away, where the next ones join it.
        self._before: tuple[float, _Faces] | None = None

    def reaches(self, frame: VideoFrame) -> bool:
        """Whether a frame can wait together with those that wait already."""
        if not self._waiting:
            return True
        most = _MOST_WAITING // frame.image.nbytes
        return len(self._waiting) < most and self._is_near(frame, self._begin)

    def add(self, frame: VideoFrame) -> None:
        """Let a frame wait."""
        if self._before is not None and not self._is_near(frame, self._before[0]):
            self._before = None
        self._waiting.append(frame)

    def settle(self) -> Generator[Found]:
        """Give all frames away that wait."""
        if not self._waiting:
            return
        stretch = _Stretch(self._detector, self._waiting, self._before)
        self._waiting = []
        stretch.fill(0 if self._before is None else -1, len(stretch.frames) - 1)
        for position, frame in enumerate(stretch.frames):
            if self._search_all:
                stretch.look(position)
            boxes = tuple(face.box for face in stretch.searched.get(position, ()))
            yield Found(frame, stretch.found[position], boxes)
        self._before = frame.time_s, stretch.found[position]

    @property
    def _begin(self) -> float:
        """Time of the first of the frames that belong together."""
        return self._waiting[0].time_s if self._before is None else self._before[0]

    def _is_near(self, frame: VideoFrame, begin_s: float) -> bool:
        return not frame.cut and frame.time_s - begin_s <= self._search_s + _TOLERANCE_S


class _Stretch:
    """Neighbouring frames. Their positions count from 0; -1 is the frame before them, if known."""

    def __init__(
        self, detector: Detector, frames: list[VideoFrame], before: tuple[float, _Faces] | None
    ) -> None:
        self._detector = detector
        self.frames = frames
        self.searched: dict[int, _Faces] = {}
        self.found: dict[int, _Faces] = {}
        self._times = {position: frame.time_s for position, frame in enumerate(frames)}
        if before is not None:
            self._times[-1], self.found[-1] = before

    def look(self, position: int) -> _Faces:
        """Search a frame, once."""
        if position not in self.searched:
            self.searched[position] = self._detector.detect(self.frames[position].image)
        return self.searched[position]

    def fill(self, first: int, last: int) -> None:
        """Find the faces of two frames and of all between them."""
        for position in (first, last):
            if position >= 0:
                self.found[position] = self.look(position)
        if last - first < 2:
            return
        faces = _same_faces(self.found[first], self.found[last])
        if faces is None:
            middle = (first + last) // 2
            self.fill(first, middle)
            self.fill(middle, last)
            return
        begin, end = self._times[first], self._times[last]
        for position in range(first + 1, last):
            weight = (self._times[position] - begin) / (end - begin)
            moved = [_between(one, other, weight) for one, other in faces]
            self.found[position] = tuple(sorted(moved, key=_area, reverse=True))


def _same_faces(first: _Faces, last: _Faces) -> list[tuple[Face, Face]] | None:
    """Each face with itself a moment later; None if one came, went or moved far."""
    if len(first) != len(last):
        return None
    if not first:
        return []
    boxes = [np.array([face.box for face in faces], float) for faces in (first, last)]
    same = pairs(overlap(*boxes), _SAME_PLACE)
    if len(same) < len(first):
        return None
    return [(first[row], last[column]) for row, column in same]


def _area(face: Face) -> int:
    return face.width * face.height


def _between(first: Face, last: Face, weight: float) -> Face:
    """A face on its straight way; ``weight`` is 0 at the first place and 1 at the last."""
    x0, y0, x1, y1 = (round(a + weight * (b - a)) for a, b in zip(first.box, last.box, strict=True))
    landmarks = None
    if first.landmarks is not None and last.landmarks is not None:
        moved = first.landmarks + weight * (last.landmarks - first.landmarks)
        landmarks = moved.astype(np.float32)
    return Face((x0, y0, x1, y1), first.score + weight * (last.score - first.score), landmarks)
