"""Follow faces from frame to frame by the overlap of their boxes.

A track says "the same face in the picture", within one stream; it compares no
appearance and recognises nobody.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fer.quality import UNCERTAIN, with_doubt
from fer.types import Face, FacePrediction, FrameResult, Probabilities

#: Boxes that overlap less than this are not the same face. A face that moves by
#: half its width between two frames still overlaps by one third.
MIN_OVERLAP: Final = 0.25


@dataclass
class _Track:
    """Where a face was last seen, and its smoothed probabilities."""

    face: Face
    seen_s: float
    probabilities: Probabilities


class Tracker:
    """Gives faces numbers that stay while they stay. Use one per stream.

    Args:
        max_gap_s: seconds that a face may be out of sight and keep its number.
        smoothing_s: time constant in seconds of the exponential smoothing of a
            track's probabilities; 0 leaves them as they are.
        least_confidence: probability, 0 to 1, under which a face is flagged uncertain.

    Raises:
        ValueError: if a time is negative.
    """

    def __init__(
        self,
        max_gap_s: float = 1.0,
        smoothing_s: float = 0.0,
        least_confidence: float = UNCERTAIN,
    ) -> None:
        if max_gap_s < 0 or smoothing_s < 0:
            raise ValueError("max_gap_s and smoothing_s must be at least 0")
        self.max_gap_s = max_gap_s
        self.smoothing_s = smoothing_s
        self.least_confidence = least_confidence
        self._tracks: dict[int, _Track] = {}
        self._last_number = 0

    def update(self, result: FrameResult, *, cut: bool = False) -> FrameResult:
        """Number the faces of the next frame.

        Args:
            result: frames must come in order of time.
            cut: whether the scene changed before this frame, which ends all tracks.

        Returns:
            The same faces in the same order, each with a track (from 1, never
            used twice) and with smoothed probabilities; ``raw`` keeps those from before.
        """
        now = result.time_s
        if cut:
            self._tracks.clear()
        self._tracks = {
            number: track
            for number, track in self._tracks.items()
            if now - track.seen_s <= self.max_gap_s
        }
        matches = self._match([prediction.face for prediction in result.predictions])
        numbered = []
        for position, prediction in enumerate(result.predictions):
            number = matches.get(position)
            if number is None:
                self._last_number += 1
                number = self._last_number
            numbered.append(self._follow(number, prediction, now))
        return replace(result, predictions=tuple(numbered))

    def _match(self, faces: list[Face]) -> dict[int, int]:
        """Position of a face -> number of its track, so that overlaps add up to the most."""
        numbers = list(self._tracks)
        if not faces or not numbers:
            return {}
        overlaps = overlap(
            np.array([face.box for face in faces], float),
            np.array([self._tracks[number].face.box for number in numbers], float),
        )
        return {row: numbers[column] for row, column in pairs(overlaps, MIN_OVERLAP)}

    def _follow(self, number: int, prediction: FacePrediction, now: float) -> FacePrediction:
        """Number one face, smooth it, and remember it for the next frame."""
        probabilities = prediction.probabilities
        before = self._tracks.get(number)
        if before is not None and self.smoothing_s > 0:
            # What an exponential filter keeps after the time that really passed,
            # so that a variable frame rate smooths no differently.
            keep = math.exp(-(now - before.seen_s) / self.smoothing_s)
            mixed = keep * before.probabilities + (1 - keep) * probabilities
            probabilities = (mixed / mixed.sum()).astype(np.float32)
        face = replace(prediction.face, track=number)
        self._tracks[number] = _Track(face, now, probabilities)
        return replace(
            prediction,
            face=face,
            probabilities=probabilities,
            quality=with_doubt(prediction.quality, probabilities, self.least_confidence),
            raw=prediction.unsmoothed,
        )


def overlap(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of boxes.

    Args:
        first: (N, 4) boxes x0, y0, x1, y1.
        second: (M, 4) boxes.

    Returns:
        (N, M), 0 (apart) to 1 (the same).
    """
    top_left = np.maximum(first[:, None, :2], second[None, :, :2])
    bottom_right = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.prod(np.clip(bottom_right - top_left, 0, None), axis=2)  # (N, M)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (first, second)]
    union = areas[0][:, None] + areas[1][None, :] - shared
    return np.asarray(shared / union, np.float64)


def pairs(overlaps: NDArray[np.float64], least: float) -> list[tuple[int, int]]:
    """Which boxes of two pictures belong together, so that overlaps add up to the most.

    Args:
        overlaps: (N, M), as ``overlap`` gives them.
        least: what overlaps less, above 0, is no pair.

    Returns:
        Positions in the one and in the other, each at most once.
    """
    candidates = overlaps >= least
    rows, columns = candidates.nonzero()
    if max(candidates.sum(axis=0).max(), candidates.sum(axis=1).max()) > 1:
        # Rare, and loading it takes 37 MB (docs/performance.md).
        from scipy.optimize import linear_sum_assignment

        best, other = linear_sum_assignment(np.where(candidates, overlaps, 0.0), maximize=True)
        chosen = candidates[best, other]
        rows, columns = best[chosen], other[chosen]
    return list(zip(rows.tolist(), columns.tolist(), strict=True))
