"""Decoding hostile and unusual photos."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL.Image
import pillow_heif
import pytest

from fer.errors import MediaError
from fer.media.photo_formats import decode_image, decode_photo
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


@pytest.mark.parametrize("format_", [".png", ".tiff"])
@pytest.mark.parametrize("channels", [3, 4])
def test_16_bit_colour_is_scaled_not_clipped(format_: str, channels: int) -> None:
    pixels = np.zeros((16, 16, 4), np.uint16)
    pixels[..., :3] = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16, 1)
    pixels[..., 1] = 30_000
    pixels[..., 3] = 65535
    _, data = cv2.imencode(format_, pixels[..., :channels])  # its first channel is blue
    decoded = decode_image(data.tobytes())
    assert decoded.shape == (16, 16, 3)
    assert decoded[..., 2].ravel().tolist() == list(range(256))
    assert set(decoded[..., 1].ravel()) == {30_000 >> 8}


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_numbers_without_a_scale_go_from_black_to_white(kind: type) -> None:
    ramp: np.ndarray[Any, Any] = np.linspace(-1000, 5000, 256).astype(kind).reshape(16, 16)
    decoded = decode_image(encoded(ramp, "TIFF"))
    assert (decoded[0, 0, 0], decoded[-1, -1, 0]) == (0, 255)
    assert np.abs(decoded[..., 0].ravel().astype(int) - np.arange(256)).max() <= 1
    assert decode_image(encoded(np.full((4, 4), 7, kind), "TIFF")).max() == 0


def test_colours_for_print_are_no_negative() -> None:
    red = PIL.Image.new("RGB", (16, 16), (220, 30, 40)).convert("CMYK")
    for format_ in ("JPEG", "TIFF"):
        assert np.abs(decode_image(encoded(red, format_))[8, 8] - [220, 30, 40]).max() < 12


@pytest.mark.parametrize("mode", ["1", "L", "CMYK", "YCbCr"])
def test_other_modes_become_rgb(mode: str) -> None:
    white = PIL.Image.new("RGB", (8, 6), "white").convert(mode)
    decoded = decode_image(encoded(white, "JPEG" if mode in {"CMYK", "YCbCr"} else "PNG"))
    assert decoded.shape == (6, 8, 3)
    assert decoded.min() > 250


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_a_single_pixel(format_: str) -> None:
    assert decode_image(encoded(NOISE[:1, :1], format_)).shape == (1, 1, 3)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_heic_as_phones_write_it(mode: str, astronaut: Image) -> None:
    picture = PIL.Image.fromarray(astronaut).convert(mode)
    decoded = decode_image(encoded(picture, "HEIF", quality=90))
    assert decoded.shape == astronaut.shape
    expected = np.asarray(picture.convert("RGB")).astype(int)
    assert np.abs(decoded - expected).mean() < 4


def test_heic_with_more_than_8_bits(astronaut: Image) -> None:
    wide = np.ascontiguousarray(astronaut.astype(np.uint16) * 257)
    picture = pillow_heif.from_bytes(mode="RGB;16", size=(512, 512), data=wide.tobytes())
    buffer = io.BytesIO()
    picture.save(buffer, quality=90)
    assert np.abs(decode_image(buffer.getvalue()).astype(int) - astronaut).mean() < 4


def test_heic_orientation_is_obeyed_once(astronaut: Image) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    stored = PIL.Image.fromarray(astronaut[:300])
    decoded = decode_image(encoded(stored, "HEIF", quality=90, exif=exif.tobytes()))
    assert decoded.shape == (512, 300, 3)
    upright = np.rot90(astronaut[:300], -1).astype(int)
    assert np.abs(decoded - upright).mean() < 4


@pytest.mark.parametrize("format_", ["GIF", "WEBP", "TIFF", "HEIF"])
def test_it_is_told_that_an_animation_holds_more(format_: str) -> None:
    pictures = [PIL.Image.new("RGB", (64, 64), name) for name in ("red", "blue", "green")]
    data = encoded(pictures[0], format_, save_all=True, append_images=pictures[1:])
    assert decode_photo(data).notes() == ("The file holds 3 pictures: only the first is read.",)


def test_nothing_is_told_of_a_usual_photo(astronaut: Image) -> None:
    assert decode_photo(encoded(astronaut, "JPEG")).notes() == ()
    # The second picture of a phone's JPEG is no animation.
    twin = PIL.Image.fromarray(astronaut)
    assert decode_photo(encoded(twin, "MPO", save_all=True, append_images=[twin])).notes() == ()


def test_a_huge_jpeg_is_decoded_at_half_its_size() -> None:
    """100 megapixels: the left half white, as seen after the camera's mark is obeyed."""
    stored = PIL.Image.new("L", (10_000, 10_000), 0)
    stored.paste(255, (0, 0, 10_000, 5_000))  # the upper half, which turns to the right
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    photo = decode_photo(encoded(stored, "JPEG", exif=exif.tobytes()))
    assert photo.image.shape == (5000, 5000, 3)
    assert photo.image[:, 2600:].min() > 250
    assert photo.image[:, :2400].max() < 5
    assert photo.reduced == 2
    assert "1/2 of its size, as 5000 x 5000 pixels" in photo.notes()[0]


@pytest.mark.parametrize(
    ("size", "options"),
    [((10_000, 6_000), {"progressive": True}), ((13_000, 12_000), {})],
    ids=["progressive", "beyond the limit"],
)
def test_what_would_take_too_much_memory_is_refused(
    size: tuple[int, int], options: dict[str, Any]
) -> None:
    data = encoded(PIL.Image.new("L", (16, 16)), "JPEG", **options)
    at = data.index(b"\xff\xc2" if options else b"\xff\xc0") + 5  # where a JPEG tells its size
    claims = data[:at] + struct.pack(">HH", size[1], size[0]) + data[at + 4 :]
    with (
        warnings.catch_warnings(category=PIL.Image.DecompressionBombWarning, action="ignore"),
        pytest.raises(MediaError, match="50 megapixels, and 150 for a JPEG"),
    ):
        decode_photo(claims)


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


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "HEIF"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_cut_off_files_are_refused(format_: str, kept: float) -> None:
    data = encoded(NOISE, format_)
    with pytest.raises(MediaError):
        decode_image(data[: int(len(data) * kept)])


@pytest.mark.parametrize("size", [(10_000, 10_000), (60_000, 60_000)])
def test_too_many_pixels_are_refused_before_decoding(size: tuple[int, int]) -> None:
    with pytest.raises(MediaError, match="50 megapixels"):
        decode_image(png_that_claims(*size))


def test_missing_pixels_are_refused() -> None:
    with pytest.raises(MediaError, match="damaged"):
        decode_image(png_that_claims(100, 100))


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's remarks on broken TIFF tags
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "HEIF"])
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
