"""Decode photos as a person would see them, whatever a camera, a phone or a scanner wrote."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final

import numpy as np
import PIL.Image
import PIL.ImageOps
import pillow_heif

from fer.errors import MediaError
from fer.types import Image

#: Formats that a photo may have. Pillow knows dozens more; each is code open to hostile files.
PHOTO_FORMATS: Final = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "HEIF")

#: Larger photos are refused before their pixels are decoded (50 megapixels are 150 MB in RGB) ...
MAX_PIXELS: Final = 50_000_000

#: ... except JPEGs, which can be decoded at a half, a quarter or an eighth of their size.
MAX_JPEG_PIXELS: Final = 150_000_000

# Pillow's own limits, a warning and, at twice as many, an error, agree with these.
PIL.Image.MAX_IMAGE_PIXELS = MAX_JPEG_PIXELS

# Only the picture itself is wanted, on one thread: a confined process may have no more.
pillow_heif.options.DECODE_THREADS = 1
pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo that has been decoded.

    Attributes:
        image: (H, W, 3) uint8, RGB.
        pictures: how many pictures the file holds, of which this is the first.
        reduced: how many times smaller the image is than the file says, in each direction.
    """

    image: Image
    pictures: int = 1
    reduced: int = 1

    def notes(self) -> tuple[str, ...]:
        """What a person should know of how it was read, a sentence each; mostly nothing."""
        notes = []
        if self.pictures > 1:
            notes.append(f"The file holds {self.pictures} pictures: only the first is read.")
        if self.reduced > 1:
            height, width = self.image.shape[:2]
            notes.append(
                f"The photo is very large: it is read at 1/{self.reduced} of its size, as "
                f"{width} x {height} pixels, and boxes are given in these."
            )
        return tuple(notes)


def decode_photo(data: bytes) -> Photo:
    """Decode a photo as a person would see it.

    The camera's orientation mark (EXIF) is obeyed, transparency is laid on white, 16 bits per
    channel are scaled to 8, a JPEG of more than ``MAX_PIXELS`` is decoded at a fraction of its
    size, and of an animation only the first picture counts.

    Args:
        data: the file's bytes: JPEG, PNG, WebP, BMP, GIF, TIFF or HEIC.

    Raises:
        MediaError: if the bytes are no such photo, are damaged or cut off, or hold more than
            ``MAX_PIXELS`` pixels (a JPEG: ``MAX_JPEG_PIXELS``).
    """
    try:
        picture: PIL.Image.Image = PIL.Image.open(io.BytesIO(data), formats=PHOTO_FORMATS)
    except PIL.Image.DecompressionBombError as exc:
        raise MediaError(_too_large("more pixels than any camera takes")) from exc
    except Exception as exc:  # hostile bytes make Pillow raise nearly anything
        raise MediaError(
            "This is not a photo that can be read. Use JPEG, PNG, WebP, BMP, GIF, TIFF or HEIC."
        ) from exc
    reduced = _reduce(picture)
    try:
        # Phones put a second picture, for depth or brightness, into a JPEG: no animation.
        pictures = 1 if picture.format == "MPO" else getattr(picture, "n_frames", 1)
        image = np.array(_to_rgb(PIL.ImageOps.exif_transpose(picture)), dtype=np.uint8)
    except Exception as exc:  # as above: pixel data can be as hostile as a header
        raise MediaError(
            "The photo is damaged or cut off. Save or upload it again, as JPEG or PNG."
        ) from exc
    return Photo(image, pictures, reduced)


def decode_image(data: bytes) -> Image:
    """Decode a photo, as ``decode_photo`` does, where its image is all that matters.

    Returns:
        (H, W, 3) uint8, RGB.

    Raises:
        MediaError: as there.
    """
    return decode_photo(data).image


def _reduce(picture: PIL.Image.Image) -> int:
    """Have a huge JPEG decoded at a fraction of its size.

    Returns:
        How many times smaller, in each direction; 1 for all that is decoded as it is.

    Raises:
        MediaError: if the photo has too many pixels for its format.
    """
    width, height = picture.size
    if width * height <= MAX_PIXELS:
        return 1
    # A progressive JPEG has to be held in memory whole before any size can be made of it.
    scalable = picture.format in ("JPEG", "MPO") and not picture.info.get("progressive")
    if not scalable or width * height > MAX_JPEG_PIXELS:
        raise MediaError(_too_large(f"{width} x {height} pixels"))
    picture.draft(None, (width // 2, height // 2))
    return round(width / picture.width)


def _too_large(size: str) -> str:
    return (
        f"The photo has {size}; the limit is {MAX_PIXELS // 1_000_000} megapixels, and "
        f"{MAX_JPEG_PIXELS // 1_000_000} for a JPEG that is not progressive. "
        "Make it smaller and try again."
    )


def _to_rgb(picture: PIL.Image.Image) -> PIL.Image.Image:
    """Convert any Pillow mode to RGB without losing brightness or showing what was transparent."""
    if picture.mode.startswith("I;16"):  # Pillow's own conversion clips at 255
        picture = PIL.Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    elif picture.mode in ("I", "F"):  # no scale is agreed on: darkest to brightest
        values = np.asarray(picture, dtype=np.float32)
        low, high = float(values.min()), float(values.max())
        values = (values - low) * (255.0 / max(high - low, 1e-9))
        picture = PIL.Image.fromarray(values.astype(np.uint8))
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = PIL.Image.new("RGB", picture.size, "white")
        white.paste(picture, mask=picture.getchannel("A"))
        return white
    return picture.convert("RGB")
