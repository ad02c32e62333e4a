"""The clip that every viewer sends: a real face, and in every frame its own number.

It is encoded once, as VP8, before anything is measured: a viewer's own camera and encoder run on
the viewer's own machine, not on the server's. The number lets a viewer tell how old the picture is
that comes back.
"""

from __future__ import annotations

import pickle
from fractions import Fraction
from pathlib import Path
from typing import Final, NamedTuple

import av
import cv2
import numpy as np
from av.video.codeccontext import VideoCodecContext

from fer.media import sample
from fer.types import Image

FPS: Final = 15

#: Ten seconds, then it begins anew; a number has eight bits.
FRAMES: Final = 150
_BITS: Final = 8

#: Share of the height that the number takes, at the lower edge.
_STRIP: Final = 1 / 24

#: A picture that stands alone every so many frames: what is lost is made good within a second.
_KEY_EVERY: Final = 15


class Clip(NamedTuple):
    """Encoded frames and their size in pixels."""

    width: int
    height: int
    packets: tuple[bytes, ...]


def make_clip(width: int, height: int) -> Clip:
    """Encode the clip at a size."""
    encoder = av.CodecContext.create("libvpx", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height = width, height
    encoder.pix_fmt, encoder.bit_rate = "yuv420p", 1_200_000
    encoder.time_base, encoder.framerate = Fraction(1, FPS), Fraction(FPS)
    encoder.gop_size = _KEY_EVERY
    encoder.options = {"deadline": "realtime", "cpu-used": "-12", "lag-in-frames": "0"}
    face = cv2.cvtColor(sample.portrait(), cv2.COLOR_RGB2GRAY)
    packets = []
    for number in range(FRAMES):
        picture = _picture(np.asarray(face, np.uint8), number, width, height)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts = number
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    assert len(packets) == FRAMES
    return Clip(width, height, tuple(packets))


def save(clips: tuple[Clip, ...], path: Path) -> None:
    """Write clips for the viewers' processes."""
    path.write_bytes(pickle.dumps([tuple(clip) for clip in clips]))


def load(path: Path) -> tuple[Clip, ...]:
    """Read what ``save`` wrote in this very run."""
    return tuple(Clip(*fields) for fields in pickle.loads(path.read_bytes()))  # noqa: S301


def read_number(grey: Image) -> int:
    """The number of a frame that came back, mirrored or not.

    Args:
        grey: (H, W) uint8.
    """
    height, width = grey.shape
    row = grey[height - max(1, round(height * _STRIP / 2))]
    places = ((np.arange(_BITS) + 0.5) * width / (2 * _BITS)).astype(int)
    return int(sum(1 << bit for bit, x in enumerate(places) if row[x] > 127))


def _picture(face: Image, number: int, width: int, height: int) -> Image:
    """The portrait in grey, swaying: whatever has a colour in what comes back was drawn there."""
    sway = 20 * np.sin(2 * np.pi * number / FRAMES)
    scale = height / 400
    place = np.array([[scale, 0, (width - 512 * scale) / 2 + sway], [0, scale, 0]])
    moved = cv2.warpAffine(face, place, (width, height), borderMode=cv2.BORDER_REPLICATE)
    edge = height - round(height * _STRIP)
    for place_of_bit in range(2 * _BITS):
        # Both halves say the same from the outside in, so that a mirror changes nothing.
        bit = place_of_bit if place_of_bit < _BITS else 2 * _BITS - 1 - place_of_bit
        left, right = (round((place_of_bit + n) * width / (2 * _BITS)) for n in (0, 1))
        moved[edge:, left:right] = 235 if number >> bit & 1 else 20
    return np.asarray(cv2.cvtColor(moved, cv2.COLOR_GRAY2RGB), np.uint8)
