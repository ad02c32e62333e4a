"""Decoding hostile and unusual photos, and cutting faces out."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from fer.errors import MediaError
from fer.images import crop_face, decode_image
from fer.types import Image

RNG = np.random.default_rng(0)
NOISE: Image = RNG.integers(0, 256, (120, 160, 3), dtype=np.uint8)


def encoded(pixels: np.ndarray[Any, Any] | PIL.Image.Image, format_: str, **options: Any) -> bytes:
    picture = pixels if isinstance(pixels, PIL.Image.Image) else PIL.Image.fromarray(pixels)
    buffer = io.BytesIO()
    picture.save(buffer, format_, **options)
    return buffer.getvalue()


def png_that_claims(width: int, height: int) -> bytes:
    """A PNG whose header promises more than the file holds."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + (chunk(b"IEND", b""))
    )


@pytest.mark.parametrize("format_", ["PNG", "BMP", "TIFF"])
def test_lossless_formats_come_back_unchanged(format_: str) -> None:
    assert np.array_equal(decode_image(encoded(NOISE, format_)), NOISE)


@pytest.mark.parametrize("format_", ["JPEG", "WEBP"])
def test_lossy_formats_come_back_similar(format_: str, astronaut: Image) -> None:
    decoded = decode_image(encoded(astronaut, format_, quality=90))
    assert decoded.shape == astronaut.shape
    assert decoded.dtype == np.uint8
    assert np.abs(decoded.astype(int) - astronaut).mean() < 5


@pytest.mark.parametrize("format_", ["GIF", "WEBP", "TIFF", "PNG"])
def test_first_picture_of_an_animation_counts(format_: str) -> None:
    red, blue = (PIL.Image.new("RGB", (20, 10), name) for name in ("red", "blue"))
    decoded = decode_image(encoded(red, format_, save_all=True, append_images=[blue]))
    assert decoded.shape == (10, 20, 3)
    assert decoded[5, 5, 0] > 200
    assert decoded[5, 5, 2] < 50


def test_jpeg_with_a_second_picture_as_phones_write_it() -> None:
    red, blue = (PIL.Image.new("RGB", (20, 10), name) for name in ("red", "blue"))
    decoded = decode_image(encoded(red, "MPO", save_all=True, append_images=[blue]))
    assert decoded[5, 5, 0] > 200


def test_orientation_mark_of_the_camera_is_obeyed() -> None:
    stored = PIL.Image.new("RGB", (40, 20), "black")
    stored.paste("white", (0, 0, 20, 20))  # left half white
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # "rotate by 90 degrees clockwise to see it upright"
    decoded = decode_image(encoded(stored, "JPEG", exif=exif.tobytes()))
    assert decoded.shape == (40, 20, 3)
    assert decoded[:18].mean() > 240
    assert decoded[22:].mean() < 15


def test_transparency_is_laid_on_white() -> None:
    pixels = np.zeros((4, 4, 4), np.uint8)
    pixels[:2, :, 3] = 255
    pixels[2, :, 3] = 128
    decoded = decode_image(encoded(pixels, "PNG"))
    assert decoded[0].max() == 0
    assert 120 <= decoded[2, 0, 0] <= 135
    assert decoded[3].min() == 255


def test_grey_with_alpha_is_laid_on_white() -> None:
    picture = PIL.Image.new("LA", (3, 3), (10, 0))
    assert decode_image(encoded(picture, "PNG")).min() == 255


def test_palette_with_a_transparent_entry() -> None:
    picture = PIL.Image.new("P", (4, 4), 0)
    picture.putpalette([0, 0, 255, 255, 0, 0])
    picture.paste(1, (0, 0, 2, 4))
    decoded = decode_image(encoded(picture, "PNG", transparency=0))
    assert decoded[0, 0].tolist() == [255, 0, 0]
    assert decoded[0, 3].tolist() == [255, 255, 255]


@pytest.mark.parametrize("format_", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled_not_clipped(format_: str) -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    decoded = decode_image(encoded(ramp, format_))
    assert decoded[..., 0].ravel().tolist() == list(range(256))
    assert np.array_equal(decoded[..., 0], decoded[..., 2])


@pytest.mark.parametrize("mode", ["1", "L", "CMYK", "YCbCr"])
def test_other_modes_become_rgb(mode: str) -> None:
    white = PIL.Image.new("RGB", (8, 6), "white").convert(mode)
    decoded = decode_image(encoded(white, "JPEG" if mode in {"CMYK", "YCbCr"} else "PNG"))
    assert decoded.shape == (6, 8, 3)
    assert decoded.min() > 250


def test_a_single_pixel() -> None:
    assert decode_image(encoded(NOISE[:1, :1], "PNG")).shape == (1, 1, 3)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a picture",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        encoded(NOISE, "PPM"),
        encoded(NOISE, "ICO"),
        b"\xff\xd8\xff\xe0",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"II*\x00",
    ],
    ids=[
        "empty",
        "text",
        "svg",
        "ppm",
        "ico",
        "jpeg-start",
        "png-start",
        "gif-start",
        "tiff-start",
    ],
)
def test_what_is_no_photo_is_refused(data: bytes) -> None:
    with pytest.raises(MediaError, match="photo"):
        decode_image(data)


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_cut_off_files_are_refused(format_: str, kept: float) -> None:
    data = encoded(NOISE, format_)
    with pytest.raises(MediaError):
        decode_image(data[: int(len(data) * kept)])


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("size", [(10_000, 10_000), (60_000, 60_000)])
def test_too_many_pixels_are_refused_before_decoding(size: tuple[int, int]) -> None:
    with pytest.raises(MediaError, match="50 megapixels"):
        decode_image(png_that_claims(*size))


def test_missing_pixels_are_refused() -> None:
    with pytest.raises(MediaError, match="damaged"):
        decode_image(png_that_claims(100, 100))


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's remarks on broken TIFF tags
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_flipped_bits_end_in_a_picture_or_in_a_media_error(format_: str) -> None:
    data = encoded(NOISE[:24, :32], format_)
    rng = np.random.default_rng(1)
    for _ in range(60):
        damaged = bytearray(data)
        for position in rng.integers(0, len(data), 4):
            damaged[position] ^= 1 << int(rng.integers(8))
        try:
            decoded = decode_image(bytes(damaged))
        except MediaError:
            continue
        assert decoded.ndim == 3
        assert decoded.dtype == np.uint8


def test_real_photo_with_alpha(media: Path) -> None:
    decoded = decode_image((media / "pyfeat_Image_with_alpha.png").read_bytes())
    assert decoded.shape == (1036, 1524, 3)


def grey(value: int, height: int = 100, width: int = 100) -> Image:
    return np.full((height, width, 3), value, np.uint8)


def test_crop_is_the_square_around_the_box_two_per_cent_higher() -> None:
    photo = np.repeat(RNG.integers(0, 256, (200, 200, 1), dtype=np.uint8), 3, axis=2)
    # 48 high, so nothing is scaled; 36 wide, so 6 pixels are added left and right.
    crop = crop_face(photo, (80, 60, 116, 108))
    assert crop.dtype == np.uint8
    assert np.array_equal(crop, photo[59:107, 74:122, 0])


def test_crop_weighs_colours_as_the_eye_does() -> None:
    photo = np.zeros((60, 60, 3), np.uint8)
    photo[...] = (200, 100, 50)
    expected = round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)
    assert set(crop_face(photo, (5, 5, 43, 53)).ravel()) == {expected}


def test_shrinking_averages_instead_of_picking_pixels() -> None:
    photo = grey(0, 400, 400)
    photo[::2] = 255  # stripes that picking would turn black or white
    crop = crop_face(photo, (100, 100, 248, 292))
    assert 120 < crop.min() <= crop.max() < 135


def test_crop_repeats_the_edge_where_it_leaves_the_photo() -> None:
    photo = grey(10)
    photo[:, :5] = 200
    crop = crop_face(photo, (0, 0, 74, 96))  # 11 pixels of the square lie left of the photo
    assert (crop[:, :6] == 200).all()
    assert (crop[:, 10:] == 10).all()


@pytest.mark.parametrize(
    ("edge", "cut", "whole"),
    [
        ("bottom", (70, 60, 130, 120), (70, 60, 130, 138)),
        ("top", (70, 0, 130, 60), (70, -18, 130, 60)),
        ("left", (0, 20, 50, 98), (-10, 20, 50, 98)),
        ("right", (150, 20, 200, 98), (150, 20, 210, 98)),
    ],
)
def test_a_face_cut_by_the_edge_is_cropped_as_if_it_were_whole(
    edge: str, cut: tuple[int, int, int, int], whole: tuple[int, int, int, int]
) -> None:
    photo = RNG.integers(0, 256, (120, 200, 3), dtype=np.uint8)
    padding = 40
    larger = np.pad(photo, ((padding, padding), (padding, padding), (0, 0)), mode="edge")
    x0, y0, x1, y1 = (value + padding for value in whole)
    assert np.array_equal(crop_face(photo, cut), crop_face(larger, (x0, y0, x1, y1))), edge


@pytest.mark.parametrize(
    ("shape", "box"),
    [
        ((1, 1), (0, 0, 1, 1)),
        ((1, 300), (0, 0, 300, 1)),
        ((300, 1), (0, 0, 1, 300)),
        ((48, 48), (0, 0, 48, 48)),
        ((1000, 1000), (0, 0, 1000, 1000)),
        ((100, 100), (99, 99, 100, 100)),
        ((100, 100), (0, 0, 1, 1)),
    ],
)
def test_any_box_inside_the_photo_can_be_cropped(
    shape: tuple[int, int], box: tuple[int, int, int, int]
) -> None:
    crop = crop_face(grey(77, *shape), box)
    assert crop.shape == (48, 48)
    assert set(crop.ravel()) == {77}


@pytest.mark.parametrize("box", [(-1, 0, 10, 10), (0, 0, 101, 10), (5, 5, 5, 10), (9, 5, 3, 10)])
def test_boxes_outside_the_photo_are_a_mistake(box: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="box"):
        crop_face(grey(0), box)


def test_crop_leaves_the_photo_as_it_was() -> None:
    photo = NOISE.copy()
    crop_face(photo, (0, 0, 60, 80))
    assert np.array_equal(photo, NOISE)
