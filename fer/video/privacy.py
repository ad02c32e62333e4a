"""Hide faces along a video, also where the detector misses them for a moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from fer.annotate import blur_boxes
from fer.tracking import overlap
from fer.types import FrameResult, Image

Box = tuple[int, int, int, int]

#: Boxes that overlap by so much are of one face.
_SAME: Final = 0.5


class FaceHider:
    """Blurs faces. Use one per video.

    A face that is lost stays hidden where it was last seen, for as long as its track
    may go on: a single frame that shows it would give it away.

    Args:
        keep: numbers of the tracks that are not hidden.
        linger_s: seconds that a lost face stays hidden.
    """

    def __init__(self, keep: tuple[int, ...] = (), linger_s: float = 1.0) -> None:
        self._keep = frozenset(keep)
        self._linger_s = linger_s
        self._seen: dict[int | None, tuple[float, Box]] = {}

    def hide(
        self, image: Image, result: FrameResult, boxes: Sequence[Box] = (), *, cut: bool = False
    ) -> Image:
        """Blur the faces of the next frame.

        Args:
            image: RGB uint8 (H, W, 3), never changed.
            result: what was found in it, with tracks.
            boxes: what a detector finds in this very picture; hidden too, but for kept faces.
            cut: whether a new scene begins, so that nothing of the old one is left.
        """
        now = result.time_s
        if cut:
            self._seen.clear()
        for prediction in result.predictions:
            self._seen[prediction.face.track] = (now, prediction.face.box)
        self._seen = {
            track: (seen_s, box)
            for track, (seen_s, box) in self._seen.items()
            if now - seen_s <= self._linger_s
        }
        hidden = [box for track, (_, box) in self._seen.items() if track not in self._keep]
        kept = [p.face.box for p in result.predictions if p.face.track in self._keep]
        return blur_boxes(image, [*hidden, *_others(boxes, kept)])


def _others(boxes: Sequence[Box], kept: Sequence[Box]) -> list[Box]:
    """The boxes that are of none of the kept faces."""
    if not boxes or not kept:
        return list(boxes)
    closest = overlap(np.array(boxes, float), np.array(kept, float)).max(axis=1)
    return [box for box, same in zip(boxes, closest, strict=True) if same < _SAME]
