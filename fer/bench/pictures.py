"""Real pictures for the benchmarks, with faces that were counted by eye."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import av
import numpy as np

from fer.errors import MediaError
from fer.media.photo_formats import decode_image
from fer.types import Image

#: Photos and the faces in them.
_PHOTOS: Final = {
    "pyfeat_single_face.jpg": 1,
    "fr_two_people.jpg": 2,
    "pyfeat_multi_face.jpg": 5,
    "pyfeat_Image_with_alpha.png": 1,
}
#: Clips of which every 40th frame is taken, and the faces in each of those.
_CLIPS: Final = {"pyfeat_single_face.mp4": (1, 1), "pyfeat_no_face.mp4": (0, 0, 0)}
_STEP: Final = 40


def pictures(media: Path) -> list[tuple[str, Image, int]]:
    """Read name, picture and number of faces of every picture.

    Raises:
        MediaError: if a file is not there.
    """
    found = []
    try:
        for name, faces in _PHOTOS.items():
            found.append((name, decode_image((media / name).read_bytes()), faces))
        for name, counts in _CLIPS.items():
            images = frames(media / name, _STEP)
            found += [
                (f"{name} {i * _STEP}", image, faces)
                for i, (image, faces) in enumerate(zip(images, counts, strict=True))
            ]
    except OSError as exc:
        raise MediaError(
            f"The benchmarks need real media: {exc}. Name its folder: --media"
        ) from exc
    return found


def frames(path: Path, step: int) -> list[Image]:
    """Read every so many-th frame of a clip as RGB."""
    with av.open(path) as video:
        chosen = (frame for i, frame in enumerate(video.decode(video=0)) if i % step == 0)
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in chosen]
