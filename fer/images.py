"""The crop that every page and command shares: how a face is cut out of an image."""

from __future__ import annotations

import math
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from fer.types import FACE_SIZE, Image

#: How a face is cut out: a square as high as ``Face.box`` (``CROP_SIZE``), its centre higher
#: than the box's by this part of the height (``CROP_RISE``). docs/detectors.md tells how both
#: were measured, and how close the crops come to FER2013's.
CROP_SIZE: Final = 1.0
CROP_RISE: Final = 0.02

#: Eyes closer together than this part of the box's width do not tell how the head leans.
LEAST_EYE_DISTANCE: Final = 0.2

#: A whole frontal face's box is this many times as high as wide (median over real photos).
BOX_ASPECT: Final = 1.3


def crop_face(
    image: Image, box: tuple[int, int, int, int], landmarks: NDArray[np.float32] | None = None
) -> Image:
    """Cut a face out of a photo in the way that FER2013's faces were cut.

    The crop is a square around the box (``CROP_SIZE``, ``CROP_RISE``), turned so that the eyes
    are level where the landmarks tell how the head leans. Where it leaves the image, the image's
    edge is repeated.

    Args:
        image: (H, W, 3) uint8, RGB.
        box: ``Face.box``: (x0, y0, x1, y1) pixels inside the image, x1 and y1 exclusive.
        landmarks: ``Face.landmarks``: (5, 2) pixels, the eyes first; None to take the head as
            upright.

    Returns:
        (48, 48) uint8, grey (ITU-R BT.601, as Pillow and OpenCV convert).

    Raises:
        ValueError: if the box is empty or leaves the image.
    """
    height, width = image.shape[:2]
    if not (0 <= box[0] < box[2] <= width and 0 <= box[1] < box[3] <= height):
        raise ValueError(f"box {box} is empty or leaves the image of {width}x{height}")
    x0, y0, x1, y1 = _whole_face(box, width, height)
    roll = _roll(box, landmarks)
    side = max(1, round(CROP_SIZE * (y1 - y0)))
    # "Higher" is along the face's own axis.
    rise = CROP_RISE * (y1 - y0)
    x, y = (x0 + x1) / 2 + math.sin(roll) * rise, (y0 + y1) / 2 - math.cos(roll) * rise
    # The upright square that holds the turned one, shrunk first: turning 48 pixels costs little.
    around = math.ceil(side * (abs(math.cos(roll)) + abs(math.sin(roll))))
    square = cv2.cvtColor(_cut_square(image, x, y, around), cv2.COLOR_RGB2GRAY)
    size = round(FACE_SIZE * around / side)
    # Averaging areas keeps a large face free of aliasing; it has no meaning when enlarging.
    method = cv2.INTER_AREA if around > size else cv2.INTER_LINEAR
    grey = np.asarray(cv2.resize(square, (size, size), interpolation=method), dtype=np.uint8)
    return _turn_upright(grey, roll) if roll else grey


def _roll(box: tuple[int, int, int, int], landmarks: NDArray[np.float32] | None) -> float:
    """How far the head leans, in radians, clockwise; 0 where the eyes do not tell."""
    if landmarks is None:
        return 0.0
    right, down = (landmarks[1] - landmarks[0]).tolist()
    # In profile both eyes are nearly in one place, and the line between them is chance.
    if math.hypot(right, down) < LEAST_EYE_DISTANCE * (box[2] - box[0]):
        return 0.0
    return math.atan2(down, right)


def _cut_square(image: Image, x: float, y: float, side: int) -> Image:
    """Cut a square around a place out; where it leaves the image, the edge is repeated."""
    left, top = round(x - side / 2), round(y - side / 2)
    inside = image[max(top, 0) : top + side, max(left, 0) : left + side]
    above, before = max(-top, 0), max(-left, 0)
    below, after = side - above - inside.shape[0], side - before - inside.shape[1]
    if above == before == below == after == 0:
        return inside
    return np.asarray(cv2.copyMakeBorder(inside, above, below, before, after, cv2.BORDER_REPLICATE))


def _turn_upright(grey: Image, roll: float) -> Image:
    """Turn a square picture about its centre, and keep the middle of it: (48, 48)."""
    centre = (len(grey) - 1) / 2
    matrix = cv2.getRotationMatrix2D((centre, centre), math.degrees(roll), 1.0)
    middle = np.full(2, (FACE_SIZE - 1) / 2 - centre)
    turning = np.column_stack([matrix[:, :2], matrix[:, 2] + middle])
    return np.asarray(
        cv2.warpAffine(
            grey,
            turning,
            (FACE_SIZE, FACE_SIZE),
            flags=cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        ),
        dtype=np.uint8,
    )


def _whole_face(
    box: tuple[int, int, int, int], width: int, height: int
) -> tuple[float, float, float, float]:
    """Give a box that the image's edge has cut off its usual proportions back.

    A face that comes too close to the camera reaches below the picture. Without this, a
    fifth of the face below the edge makes the crop a fifth too small and a tenth too high;
    with it, both errors are halved.
    """
    x0, y0, x1, y1 = map(float, box)
    missing_height = BOX_ASPECT * (x1 - x0) - (y1 - y0)
    missing_width = (y1 - y0) / BOX_ASPECT - (x1 - x0)
    if missing_height > 0 and (y0 == 0) != (y1 == height):
        y0, y1 = (y0 - missing_height, y1) if y0 == 0 else (y0, y1 + missing_height)
    elif missing_width > 0 and (x0 == 0) != (x1 == width):
        x0, x1 = (x0 - missing_width, x1) if x0 == 0 else (x0, x1 + missing_width)
    return x0, y0, x1, y1
