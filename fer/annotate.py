"""Draw what was found onto a copy of the image, or make faces unrecognisable.

Lettering is Pillow's own built-in font, so that nothing has to be installed;
a chip is rendered once and pasted from then on, which keeps live video quick.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import ImageColor, ImageDraw, ImageFont

from fer.types import COLORS, EMOTIONS, Face, FacePrediction, FrameResult, Image

#: What a face is labelled whose probability stays under the threshold.
UNSURE: Final = "unsure"

#: What a flagged face is labelled, by its first flag.
FLAGGED: Final = MappingProxyType(
    {"small": "too small", "blurred": "blurred", "turned": "turned away", "uncertain": UNSURE}
)

_MIN_FONT: Final = 11  # pixels; smaller lettering cannot be read
_DARK: Final = (24, 24, 27)
_WHITE: Final = (255, 255, 255)
_GROOVE: Final = (82, 82, 91)  # behind a bar

#: How a face is framed.
Frame = Literal["box", "corners", "none"]

_Color = tuple[int, int, int]

#: What is left of a face that is blurred. Of nine cells, light brow over dark eyes, YuNet still
#: made a face once in thirteen photos of one, saved as JPEG; of four never.
_CELLS: Final = (2, 2)


def draw(
    image: Image,
    result: FrameResult,
    *,
    threshold: float = 0.0,
    bars: bool = False,
    flags: bool = False,
    labels: Mapping[int, str] | None = None,
    percent: bool = True,
    frame: Frame = "box",
    in_place: bool = False,
) -> Image:
    """Draw boxes and labels such as ``happy 62%``.

    Args:
        image: RGB uint8 (H, W, 3), not changed unless ``in_place``.
        result: what was found in it, in its own pixels.
        threshold: probability, 0 to 1, under which a face is labelled ``unsure``.
        bars: also draw all seven probabilities beside each face that has room for them.
        flags: label a face that carries a quality flag with that, not with an expression.
        labels: by track, what a face is labelled whatever its probabilities: one of
            ``EMOTIONS``, or another word, which is drawn in grey.
        percent: whether a label tells its probability.
        frame: how a face is framed.
        in_place: draw onto the image itself, which saves a copy where nobody needs it any more.

    Returns:
        A new RGB uint8 image of the same size, or the same one.
    """
    canvas = image if in_place else np.ascontiguousarray(image).copy()
    # Smallest face first, so that the labels of the large ones stay on top.
    ordered = sorted(result.predictions, key=lambda p: p.face.width * p.face.height)
    if bars:
        for prediction in ordered:
            _draw_bars(canvas, prediction)
    for prediction in ordered:
        label = UNSURE if prediction.confidence < threshold else prediction.label
        if flags and prediction.quality:
            label = FLAGGED[prediction.quality[0]]
        if labels and prediction.face.track is not None:
            label = labels.get(prediction.face.track, label)
        _draw_face(canvas, prediction, label, percent=percent, frame=frame)
    return canvas


def blur_faces(image: Image, result: FrameResult) -> Image:
    """Make every face unrecognisable.

    The box, grown by a quarter on each side, is averaged down to four cells and
    blurred from those: no detail of the face is left to restore.

    Args:
        image: RGB uint8 (H, W, 3), never changed.
        result: what was found in it.

    Returns:
        A new RGB uint8 image of the same size.
    """
    return blur_boxes(image, (prediction.face.box for prediction in result.predictions))


def blur_boxes(image: Image, boxes: Iterable[tuple[int, int, int, int]]) -> Image:
    """Make whatever is in some boxes unrecognisable, as ``blur_faces`` does with faces.

    Args:
        image: RGB uint8 (H, W, 3), never changed.
        boxes: (x0, y0, x1, y1) in pixels of the image.

    Returns:
        A new RGB uint8 image of the same size.
    """
    canvas = np.ascontiguousarray(image).copy()
    height, width = canvas.shape[:2]
    for box in boxes:
        x0, y0, x1, y1 = box
        dx, dy = (x1 - x0) // 4, (y1 - y0) // 4
        x0, y0 = max(x0 - dx, 0), max(y0 - dy, 0)
        x1, y1 = min(x1 + dx, width), min(y1 + dy, height)
        cells = cv2.resize(canvas[y0:y1, x0:x1], _CELLS, interpolation=cv2.INTER_AREA)
        canvas[y0:y1, x0:x1] = cv2.resize(cells, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)
    return canvas


def _rgb(color: str) -> _Color:
    red, green, blue = ImageColor.getrgb(color)[:3]
    return red, green, blue


def _text_color(background: _Color) -> _Color:
    """Dark or white, whichever stands out more (relative luminance of WCAG 2)."""
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (channel / 255 for channel in background)
    ]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    # Contrast with white, 1.05 / (L + 0.05), against contrast with near-black.
    return _WHITE if 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.06 else _DARK


def _font_size(image: Image, face: Face) -> int:
    """Fits the face's width, within what can be read and what the image can carry."""
    short_side = min(image.shape[:2])
    largest = max(_MIN_FONT, round(short_side * 0.045))
    smallest = max(_MIN_FONT, round(short_side * 0.02))
    return int(np.clip(round(face.width * 0.16), smallest, largest))


def _draw_face(
    canvas: Image, prediction: FacePrediction, label: str, *, percent: bool, frame: Frame
) -> None:
    """A frame in the expression's colour, and a chip above it or, without room, inside.

    A label that is no expression is a doubt: both are grey.
    """
    face = prediction.face
    x0, y0, x1, y1 = face.box
    color = _rgb(COLORS.get(label, COLORS["neutral"]))
    thickness = max(1, round(min(canvas.shape[:2]) / 240))
    for line, width in ((_DARK, thickness + 2), (color, thickness)):  # dark rim: any background
        if frame == "box":
            # Without smoothing, which straight lines do not need.
            cv2.rectangle(canvas, (x0, y0), (x1 - 1, y1 - 1), line, width)
        elif frame == "corners":
            for points in _corners(face):
                cv2.polylines(canvas, [points], False, line, width, cv2.LINE_AA)
    text = label
    if percent and label in EMOTIONS:
        text = f"{label} {prediction.probabilities[EMOTIONS.index(label)]:.0%}"
    if face.track is not None:
        text = f"#{face.track} {text}"
    chip = _chip(text, color, _font_size(canvas, face))
    rim = thickness // 2 + 1
    above = y0 - rim - chip.shape[0]
    _paste(canvas, chip, x0 - rim, above if above >= 0 else y0 + rim)


def _corners(face: Face) -> list[NDArray[np.int32]]:
    """Lines through pixels (x, y), one per corner."""
    x0, y0, x1, y1 = face.box
    right, bottom = x1 - 1, y1 - 1
    arm = max(2, min(face.width, face.height) // 5)
    return [
        np.array([(x + dx, y), (x, y), (x, y + dy)], np.int32)
        for x, dx in ((x0, arm), (right, -arm))
        for y, dy in ((y0, arm), (bottom, -arm))
    ]


def _draw_bars(canvas: Image, prediction: FacePrediction) -> None:
    """A panel to the right of the box, else to its left, else none."""
    percents = tuple(round(100 * float(p)) for p in prediction.probabilities)
    font_size = max(_MIN_FONT, round(0.75 * _font_size(canvas, prediction.face)))
    panel = _panel(percents, font_size)
    height, width = panel.shape[:2]
    x0, y0, x1, _ = prediction.face.box
    gap = max(4, font_size // 2)
    for x in (x1 + gap, x0 - gap - width):
        if 0 <= x <= canvas.shape[1] - width and height <= canvas.shape[0]:
            _paste(canvas, panel, x, y0)
            return


def _paste(canvas: Image, patch: NDArray[np.uint8], x: int, y: int) -> None:
    """Blend an RGBA patch in, moved so that it lies inside the image, cut if it cannot."""
    height, width = canvas.shape[:2]
    x = max(0, min(x, width - patch.shape[1]))
    y = max(0, min(y, height - patch.shape[0]))
    patch = patch[: height - y, : width - x]
    region = canvas[y : y + patch.shape[0], x : x + patch.shape[1]]
    alpha = patch[..., 3:].astype(np.uint16)
    region[:] = (alpha * patch[..., :3] + (255 - alpha) * region + 127) // 255


@lru_cache(maxsize=32)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


@lru_cache(maxsize=2048)
def _chip(text: str, color: _Color, font_size: int) -> NDArray[np.uint8]:
    """RGBA picture of a label on a rounded ground."""
    font = _font(font_size)
    pad = max(2, font_size // 4)
    # The height is that of a line with the tallest letters, the same for every text.
    _, top, _, bottom = font.getbbox("#dpy0%")
    width = round(font.getlength(text)) + 2 * pad
    height = round(bottom - top) + 2 * pad
    picture = PillowImage.new("RGBA", (width, height), (*color, 0))
    pen = ImageDraw.Draw(picture)
    pen.rounded_rectangle((0, 0, width - 1, height - 1), radius=pad, fill=(*color, 255))
    pen.text((pad, pad - top), text, font=font, fill=(*_text_color(color), 255))
    return np.asarray(picture)


@lru_cache(maxsize=256)
def _panel(percents: tuple[int, ...], font_size: int) -> NDArray[np.uint8]:
    """RGBA picture of seven named bars on a dark, translucent ground."""
    font = _font(font_size)
    line, pad = round(font_size * 1.35), max(3, font_size // 3)
    names_width = round(max(font.getlength(name) for name in EMOTIONS))
    bar_x, bar_width = pad * 2 + names_width, font_size * 4
    size = (bar_x + bar_width + pad, line * len(EMOTIONS) + 2 * pad)
    picture = PillowImage.new("RGBA", size, (0, 0, 0, 0))
    pen = ImageDraw.Draw(picture)
    pen.rounded_rectangle((0, 0, size[0] - 1, size[1] - 1), radius=pad, fill=(*_DARK, 215))
    for row, (name, percent) in enumerate(zip(EMOTIONS, percents, strict=True)):
        middle = pad + row * line + line // 2
        half = max(1, line // 5)
        pen.text((pad, middle), name, font=font, fill=(*_WHITE, 255), anchor="lm")
        groove = (bar_x, middle - half, bar_x + bar_width, middle + half)
        pen.rectangle(groove, fill=(*_GROOVE, 230))
        end = bar_x + round(bar_width * percent / 100)
        pen.rectangle((bar_x, middle - half, end, middle + half), fill=(*_rgb(COLORS[name]), 255))
    return np.asarray(picture)
