"""Read photos: the faces of one, numbered; a picture of it to show or to share."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np

from fer.annotate import blur_boxes, draw
from fer.media.photo_formats import Photo
from fer.pipeline import Analyzer
from fer.tracking import Tracker
from fer.types import Detector, Face, FrameResult, Image

#: How often what was blurred is searched again: every round hides what the round before uncovered.
_ROUNDS: Final = 4


@dataclass(frozen=True)
class PhotoSettings:
    """How photos are judged and shown.

    Attributes:
        least_confidence: probability, 0 to 1, under which a face is called unsure.
        drawn: whether boxes and labels are drawn.
        blurred: whether faces are made unrecognisable, but those that are to stay.
    """

    least_confidence: float = 0.0
    drawn: bool = True
    blurred: bool = False


@dataclass(frozen=True)
class PhotoResult:
    """A photo that has been read.

    Attributes:
        name: of its file.
        result: its faces, largest first, with numbers from 1 as tracks.
        notes: what to know of how the file was read, a sentence each; mostly nothing.
    """

    name: str
    result: FrameResult
    notes: tuple[str, ...] = ()


def analyze_photo(photo: Photo, analyzer: Analyzer, name: str) -> PhotoResult:
    """Find the faces of a photo and read their expressions.

    Args:
        photo: decoded.
        analyzer: may be used for other photos too, one at a time.
        name: of its file.
    """
    result = Tracker().update(analyzer.analyze(photo.image))  # counts the faces from 1
    return PhotoResult(name, result, photo.notes())


def make_picture(
    image: Image,
    result: FrameResult,
    settings: PhotoSettings,
    detector: Detector,
    keep: Collection[int] = (),
) -> Image:
    """Draw a photo as it is to be shown or shared.

    Args:
        image: RGB uint8 (H, W, 3), never changed; it may be smaller than what was read.
        result: the photo's faces, in pixels of what was read.
        settings: whether to draw, and whether to blur.
        detector: checks that nobody can be found who was blurred.
        keep: numbers of the faces that are not blurred.

    Returns:
        A new RGB uint8 image of the same size.
    """
    result = _fit(result, image)
    if settings.blurred:
        image = _hide(image, result, detector, keep)
    if settings.drawn:
        return draw(image, result, threshold=settings.least_confidence)
    return image.copy()


def shrink(image: Image, side: int) -> Image:
    """Return the image, or a smaller copy whose longer side has ``side`` pixels."""
    height, width = image.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return image
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _hide(image: Image, result: FrameResult, detector: Detector, keep: Collection[int]) -> Image:
    """Blur faces until the detector finds none but those that are to stay."""
    faces = [prediction.face for prediction in result.predictions]
    kept = [face.box for face in faces if face.track in keep]
    boxes = [face.box for face in faces if face.track not in keep]
    for _ in range(_ROUNDS):
        image = blur_boxes(image, boxes)
        found = (face.box for face in detector.detect(image))
        boxes = [box for box in found if not any(_share_middle(box, stays) for stays in kept)]
        if not boxes:
            break
    return image


def _share_middle(box: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    """Whether the middle of a box lies within another one."""
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return other[0] <= x < other[2] and other[1] <= y < other[3]


def _fit(result: FrameResult, image: Image) -> FrameResult:
    """A result in pixels of a copy of another size."""
    height, width = image.shape[:2]
    if (width, height) == (result.width, result.height):
        return result
    x, y = width / result.width, height / result.height

    def scaled(face: Face) -> Face:
        x0, y0 = min(int(face.box[0] * x), width - 1), min(int(face.box[1] * y), height - 1)
        x1, y1 = max(round(face.box[2] * x), x0 + 1), max(round(face.box[3] * y), y0 + 1)
        return replace(face, box=(x0, y0, x1, y1), landmarks=None)

    people = (replace(person, face=scaled(person.face)) for person in result.predictions)
    return replace(result, width=width, height=height, predictions=tuple(people))
