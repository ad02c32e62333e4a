"""From decoded frames to pictures: RGB, 8 bits, upright, with square pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from av.video.frame import VideoFrame as DecodedFrame
from av.video.reformatter import ColorPrimaries, ColorTrc, VideoReformatter
from av.video.stream import VideoStream

from fer.errors import MediaError
from fer.media.cuts import STAMP
from fer.types import Image

#: Largest picture: 8K as in cinemas (8192 x 4320), 106 MB as RGB.
MAX_PIXELS: Final = 8192 * 4320

#: Transfer functions of high dynamic range, whose codes mean light far brighter than white.
_HDR: Final = (ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67)


def check_size(width: int, height: int) -> None:
    """Refuse what is larger than 8K.

    Raises:
        MediaError: if it is.
    """
    if width * height > MAX_PIXELS:
        raise MediaError(
            f"The video is too large: {width}x{height} pixels. The limit is 8K, 8192x4320."
        )


def shown_size(decoded: DecodedFrame, stream: VideoStream) -> tuple[int, int]:
    """Width and height with square pixels, before any rotation."""
    width = max(1, round(decoded.width * (stream.sample_aspect_ratio or 1)))
    check_size(width, decoded.height)
    return width, decoded.height


#: Gives the memory, RGB uint8 (H, W, 3), for a picture of that height and width.
Allocate = Callable[[int, int], Image]


def new_image(height: int, width: int) -> Image:
    """Memory of this process for a picture."""
    return np.empty((height, width, 3), np.uint8)


class Pictures:
    """Makes pictures of decoded frames; keeps FFmpeg's scalers, which are slow to set up.

    Args:
        stream: what the frames are decoded from.
        allocate: where pictures go.
    """

    def __init__(self, stream: VideoStream, allocate: Allocate = new_image) -> None:
        self._stream = stream
        self._allocate = allocate
        self._full, self._small = VideoReformatter(), VideoReformatter()

    def image(self, decoded: DecodedFrame) -> Image:
        """RGB, 8 bits, upright, with square pixels.

        High dynamic range becomes standard: reference white is white, lights beyond it too.
        """
        width, height = shown_size(decoded, self._stream)
        bright = decoded.color_trc in _HDR
        picture = self._full.reformat(
            decoded,
            width,
            height,
            "rgb24",
            dst_color_trc=ColorTrc.BT709 if bright else None,
            dst_color_primaries=ColorPrimaries.BT709 if bright else None,
            threads=1,
        )
        plane = picture.planes[0]  # its lines are longer than the picture is wide
        lines = np.frombuffer(memoryview(plane), np.uint8).reshape(height, plane.line_size)
        upright = np.rot90(
            lines[:, : 3 * width].reshape(height, width, 3), decoded.rotation // 90 % 4
        )
        image = self._allocate(upright.shape[0], upright.shape[1])
        np.copyto(image, upright)
        return image

    def stamp(self, decoded: DecodedFrame) -> Image:
        """RGB, the size that cuts are found in."""
        return np.asarray(
            self._small.reformat(decoded, *STAMP, "rgb24", threads=1).to_ndarray(), np.uint8
        )
