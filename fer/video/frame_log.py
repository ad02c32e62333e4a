"""Frame results, packed: 18 MB for an hour of video with one face.

As objects they would take more memory than everything else together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Self, overload

import numpy as np
from numpy.typing import NDArray

from fer.quality import FLAGS
from fer.types import Face, FacePrediction, FrameResult

#: One row per frame; ``first`` is the row of its first face, ``faces`` their number.
FRAME: Final = np.dtype(
    [
        ("index", "<i8"),
        ("time_s", "<f8"),
        ("width", "<i4"),
        ("height", "<i4"),
        ("first", "<i8"),
        ("faces", "<i4"),
    ]
)

#: One row per face and frame; ``frame`` is the row of its frame, ``flags`` are bits in the order
#: of ``FLAGS``. Where there is none, ``track`` is 0, landmarks and ``raw`` are not a number.
FACE: Final = np.dtype(
    [
        ("frame", "<i8"),
        ("track", "<i4"),
        ("box", "<i4", 4),
        ("score", "<f8"),
        ("landmarks", "<f4", (5, 2)),
        ("probabilities", "<f4", 7),
        ("raw", "<f4", 7),
        ("flags", "u1"),
    ]
)


class FrameLog(Sequence[FrameResult]):
    """The results of a video, in order. What is taken out equals what was put in."""

    def __init__(self) -> None:
        self._frames, self._faces = _Rows(FRAME), _Rows(FACE)

    @classmethod
    def of(cls, frames: Iterable[FrameResult]) -> Self:
        """Pack results, unless they are packed already."""
        if isinstance(frames, cls):
            return frames
        log = cls()
        for frame in frames:
            log.append(frame)
        return log

    def append(self, result: FrameResult) -> None:
        """Add the result of the next frame."""
        first, faces = len(self._faces), len(result.predictions)
        size = result.width, result.height
        self._frames.append((result.index, result.time_s, *size, first, faces))
        position = len(self._frames) - 1
        for prediction in result.predictions:
            face = prediction.face
            self._faces.append(
                (
                    position,
                    face.track or 0,
                    face.box,
                    face.score,
                    np.nan if face.landmarks is None else face.landmarks,
                    prediction.probabilities,
                    np.nan if prediction.raw is None else prediction.raw,
                    sum(1 << FLAGS.index(flag) for flag in prediction.quality),
                )
            )

    @property
    def frames(self) -> NDArray[np.void]:
        """One row per frame, of type ``FRAME``."""
        return self._frames.view

    @property
    def faces(self) -> NDArray[np.void]:
        """One row per face and frame, of type ``FACE``."""
        return self._faces.view

    def __len__(self) -> int:
        return len(self._frames)

    @overload
    def __getitem__(self, position: int) -> FrameResult: ...
    @overload
    def __getitem__(self, position: slice) -> tuple[FrameResult, ...]: ...
    def __getitem__(self, position: int | slice) -> FrameResult | tuple[FrameResult, ...]:
        if isinstance(position, slice):
            return tuple(self._result(row) for row in self.frames[position])
        return self._result(self.frames[position])

    def _result(self, row: np.void) -> FrameResult:
        faces = self.faces[row["first"] : row["first"] + row["faces"]]
        return FrameResult(
            int(row["index"]),
            float(row["time_s"]),
            int(row["width"]),
            int(row["height"]),
            tuple(_prediction(face) for face in faces),
        )


def _prediction(row: np.void) -> FacePrediction:
    x0, y0, x1, y1 = map(int, row["box"])
    landmarks, raw = row["landmarks"].copy(), row["raw"].copy()
    face = Face(
        (x0, y0, x1, y1),
        float(row["score"]),
        None if np.isnan(landmarks).any() else landmarks,
        int(row["track"]) or None,
    )
    return FacePrediction(
        face,
        row["probabilities"].copy(),
        tuple(flag for bit, flag in enumerate(FLAGS) if int(row["flags"]) >> bit & 1),
        None if np.isnan(raw).any() else raw,
    )


class _Rows:
    """An array that grows whenever it is full."""

    def __init__(self, kind: np.dtype[np.void]) -> None:
        self._array = np.zeros(64, kind)
        self._count = 0

    def append(self, row: tuple[object, ...]) -> None:
        if self._count == len(self._array):
            more = self._count + max(64, self._count // 8)
            try:
                self._array.resize(more)  # in place: a copy would take as much memory again
            except ValueError:  # somebody looks at it
                self._array = np.concatenate(
                    [self._array, np.zeros(more - self._count, self._array.dtype)]
                )
        self._array[self._count] = row
        self._count += 1

    @property
    def view(self) -> NDArray[np.void]:
        return self._array[: self._count]

    def __len__(self) -> int:
        return self._count
