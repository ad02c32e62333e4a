"""What speaks against a reading: a face may be too small, blurred or turned, a model unsure.

A flagged face keeps its box and its probabilities. It is marked, never left out.
"""

from __future__ import annotations

from typing import Final

import cv2

from fer.types import Face, Image, Probabilities

#: Every flag, in the order in which a face carries them.
FLAGS: Final = ("small", "blurred", "turned", "uncertain")

#: A box with a shorter side than this, in pixels, is small: more than half of
#: what the model sees (48 x 48) would be invented by enlarging.
SMALL_FACE: Final = 24

#: A crop with less ``sharpness`` than this is blurred. 99 of 100 of FER2013's own
#: pictures have more than 0.47; blurred by 1.5 of their 48 pixels, 9 in 10 have less.
BLURRED: Final = 0.2

#: A face with more ``turn`` than this shows hardly more than one half. Faces that look
#: into the camera stay under 0.2, profiles exceed 0.8.
TURNED: Final = 0.4

#: Under this probability no expression stands out: it is right less than two times in five,
#: as far as the model is calibrated.
UNCERTAIN: Final = 0.4

#: A crop of less contrast (standard deviation in grey levels) has no sharpness to speak of.
_FLAT: Final = 1.0


def face_flags(face: Face, crop: Image) -> tuple[str, ...]:
    """What speaks against a face by its looks.

    Args:
        face: where it is.
        crop: (48, 48) uint8, grey, as the model sees it.
    """
    small = min(face.width, face.height) < SMALL_FACE
    blurred = sharpness(crop) < BLURRED
    turned = abs(turn(face)) > TURNED
    present = zip(FLAGS, (small, blurred, turned), strict=False)
    return tuple(flag for flag, speaks_against in present if speaks_against)


def with_doubt(
    flags: tuple[str, ...], probabilities: Probabilities, least: float = UNCERTAIN
) -> tuple[str, ...]:
    """The same flags, with ``"uncertain"`` if no probability reaches ``least``, else without."""
    others = tuple(flag for flag in flags if flag != "uncertain")
    return (*others, "uncertain") if probabilities.max() < least else others


def sharpness(crop: Image) -> float:
    """Strength of fine detail relative to contrast, from 0; the same at any brightness.

    The standard deviation of the Laplacian (Pech-Pacheco et al. 2000, "Diatom
    autofocusing in brightfield microscopy") over that of the grey levels.
    A picture without contrast counts as sharp: nothing can be said of it.
    """
    contrast = _deviation(crop)
    return _deviation(cv2.Laplacian(crop, cv2.CV_16S)) / contrast if contrast > _FLAT else 1.0


def _deviation(values: cv2.typing.MatLike) -> float:
    """Standard deviation; OpenCV's takes a quarter of NumPy's time for so few."""
    return float(cv2.meanStdDev(values)[1][0, 0])


def turn(face: Face) -> float:
    """How far the nose lies from the middle of the eyes, along the line between them.

    Returns:
        In distances between the eyes: 0 for a face that looks into the camera, 0.5 with
        the nose before one eye, more for a profile; 0 where there are no landmarks.
    """
    if face.landmarks is None:
        return 0.0
    right_eye, left_eye, nose = face.landmarks[:3].astype(float)
    between = left_eye - right_eye
    length = float(between @ between)
    return float((nose - (right_eye + left_eye) / 2) @ between) / length if length else 0.0
