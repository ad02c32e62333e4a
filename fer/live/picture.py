"""The picture that goes back to the browser: mirrored, others blurred, boxes and labels drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from fer.annotate import draw
from fer.live.settings import LiveSettings
from fer.types import FacePrediction, FrameResult, Image
from fer.video.privacy import FaceHider

#: Somebody else counts as nearest to the camera only with a box so many times as large: two
#: people at the same distance must not take turns.
_CLEARLY_LARGER: Final = 1.3


class LivePicture:
    """Draws frame after frame. Use one per stream."""

    def __init__(self) -> None:
        self._hider = FaceHider()
        self._nearest: int | None = None

    def draw(
        self,
        image: Image,
        result: FrameResult,
        labels: Mapping[int, str],
        settings: LiveSettings,
    ) -> Image:
        """Draw one frame.

        Args:
            image: RGB uint8 (H, W, 3), never changed.
            result: what was found in it, with tracks.
            labels: by track, what to label it.
            settings: how to draw.

        Returns:
            A new RGB uint8 image of the same size.
        """
        if settings.blur_others:
            others = tuple(p for p in result.predictions if p.face.track != self._keep(result))
            image = self._hider.hide(image, replace(result, predictions=others))
        if settings.mirror:
            image, result = np.ascontiguousarray(image[:, ::-1]), mirrored(result)
        return draw(
            image,
            result,
            labels=labels,
            bars=settings.bars,
            percent=settings.percent,
            frame=settings.frame,
        )

    def _keep(self, result: FrameResult) -> int | None:
        """The track that stays visible: the largest face, as long as none is clearly larger."""
        areas = {p.face.track: p.face.width * p.face.height for p in result.predictions}
        if areas:
            largest = max(areas, key=areas.__getitem__)
            if areas[largest] > _CLEARLY_LARGER * areas.get(self._nearest, 0):
                self._nearest = largest
        return self._nearest


def mirrored(result: FrameResult) -> FrameResult:
    """What was found, in the picture as a mirror shows it; landmarks are left out."""
    return replace(
        result, predictions=tuple(_mirrored(p, result.width) for p in result.predictions)
    )


def _mirrored(prediction: FacePrediction, width: int) -> FacePrediction:
    x0, y0, x1, y1 = prediction.face.box
    face = replace(prediction.face, box=(width - x1, y0, width - x0, y1), landmarks=None)
    return replace(prediction, face=face)
