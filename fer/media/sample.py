"""A portrait and a clip for those who have none at hand.

The portrait is NASA's of Eileen Collins, in the public domain (see ``assets/README.md``).
The clip is made from it when asked for: a camera that pans and zooms.
"""

from __future__ import annotations

import io
import math
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, Final

import cv2
import numpy as np

from fer.media.photo_formats import decode_image
from fer.paths import ASSETS
from fer.types import Image

_PORTRAIT: Final = ASSETS / "astronaut.jpg"

_SECONDS: Final = 4
_FPS: Final = 15
_WIDTH, _HEIGHT = 480, 360
_FACE: Final = (224.0, 118.0)  # the middle of the face in the portrait, x and y in pixels


def portrait_bytes() -> bytes:
    """The portrait as a JPEG file."""
    return _PORTRAIT.read_bytes()


def portrait() -> Image:
    """The portrait, (512, 512, 3) RGB uint8."""
    return decode_image(portrait_bytes())


def make_sample_clip(target: Path | BinaryIO) -> None:
    """Write the clip: four seconds, 480 x 360, 15 frames per second, H.264 MP4.

    Args:
        target: a path, or a binary file that can be read and written anywhere.

    Raises:
        MediaError: if it cannot be written.
    """
    from fer.media.video_writer import VideoWriter  # 15 MB that a portrait alone does not need

    picture = portrait()
    with VideoWriter(target, Fraction(1, _FPS), _FPS) as writer:
        for index in range(_SECONDS * _FPS):
            writer.write(_view(picture, index / (_SECONDS * _FPS)), index)


def open_clip() -> BinaryIO:
    """The clip as a file in memory, at its beginning."""
    clip = io.BytesIO()
    make_sample_clip(clip)
    clip.seek(0)
    return clip


def _view(picture: Image, phase: float) -> Image:
    """What the camera sees at a phase from 0 to 1: a circle around the face, in and out."""
    turn = 2 * math.pi * phase
    zoom = 1.4 - 0.4 * math.cos(turn)  # from 1 to 1.8 and back
    center = (_FACE[0] + 50 * math.sin(turn), _FACE[1] + 25 * math.sin(2 * turn))
    view = (_WIDTH / zoom, _HEIGHT / zoom)  # size of what is seen, in pixels of the portrait
    # The camera stops at the edges of the portrait.
    left, top = (
        min(max(middle - size / 2, 0.0), side - size)
        for middle, size, side in zip(center, view, picture.shape[1::-1], strict=True)
    )
    matrix = np.array([[zoom, 0, -zoom * left], [0, zoom, -zoom * top]])
    moved = cv2.warpAffine(picture, matrix, (_WIDTH, _HEIGHT), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)
