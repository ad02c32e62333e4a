"""``timeline.png``: every face along time, for reports and slides; needs no browser."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Final

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageColor, ImageDraw, ImageFont

from fer.types import COLORS, EMOTIONS, Image, VideoReport
from fer.video.frame_log import FrameLog
from fer.video.segments import Readings, Segment, find_readings, find_segments, frame_ends

#: At most so many faces: those that are seen longest.
MOST_FACES: Final = 12

_WIDTH: Final = 1200
_LEFT, _RIGHT, _TOP = 96, 24, 84
_STRIP, _AREA, _GAP = 18, 72, 26  # heights in pixels
_PLOT: Final = _WIDTH - _LEFT - _RIGHT
_INK, _FAINT, _PAPER = (40, 40, 46), (222, 222, 226), (255, 255, 255)
_PALETTE: Final = np.array(
    [*(ImageColor.getrgb(COLORS[label]) for label in EMOTIONS), _PAPER], np.uint8
)


def draw_timeline(report: VideoReport) -> bytes:
    """Draw, per face, its segments and its seven probabilities stacked, along time.

    Returns:
        A PNG, 1200 pixels wide, black on white.
    """
    found = find_readings(report)
    longest = sorted(found, key=lambda track: (-len(found[track].frame), track))[:MOST_FACES]
    tracks = sorted(longest)
    times = FrameLog.of(report.frames).frames["time_s"]
    start = float(times[0]) if len(times) else 0.0
    end = max([start + 1e-3, *frame_ends(times)[-1:].tolist()])
    lane = _STRIP + 4 + _AREA + _GAP
    height = _TOP + max(1, len(tracks)) * lane + 40
    picture = PillowImage.new("RGB", (_WIDTH, height), _PAPER)
    pen = ImageDraw.Draw(picture)
    left_out = len(found) - len(tracks)
    title = f"{report.source}: apparent expressions, as {report.model} reads them"
    title += f" ({left_out} more faces, seen for less time)" if left_out else ""
    pen.text((_LEFT, 16), title, font=_font(18), fill=_INK)
    _draw_legend(pen)
    if not tracks:
        pen.text((_LEFT, _TOP + 30), "No face was found.", font=_font(16), fill=_INK)
    for row, track in enumerate(tracks):
        top = _TOP + row * lane
        pen.text((_LEFT - 12, top + _STRIP / 2), f"face {track}", _INK, _font(15), anchor="rm")
        segments = find_segments(found[track], track)
        _draw_strip(pen, top, segments, start, end)
        area = PillowImage.fromarray(_stack(found[track], start, end))
        picture.paste(area, (_LEFT, top + _STRIP + 4))
        bottom = top + _STRIP + 4 + _AREA
        pen.line((_LEFT, bottom, _LEFT + _PLOT, bottom), fill=_FAINT)
    _draw_axis(pen, height - 44, start, end)
    target = io.BytesIO()
    picture.save(target, "PNG", optimize=True)
    return target.getvalue()


def _stack(readings: Readings, start: float, end: float) -> Image:
    """(height, width, 3): in each column the probabilities of its time, one upon the other."""
    times = start + (np.arange(_PLOT) + 0.5) / _PLOT * (end - start)
    at = np.clip(np.searchsorted(readings.start_s, times, side="right") - 1, 0, None)
    shown = (times >= readings.start_s[at]) & (times < readings.end_s[at])
    tops = readings.probabilities[at].cumsum(axis=1)  # (width, 7)
    tops[:, -1] = 2.0  # sums may miss 1 by a rounding
    level = (np.arange(_AREA)[::-1] + 0.5) / _AREA
    expression = (level[:, None, None] >= tops[None]).sum(axis=2)  # (height, width)
    return np.asarray(_PALETTE[np.where(shown[None], expression, len(EMOTIONS))])


def _draw_strip(
    pen: ImageDraw.ImageDraw, top: int, segments: Sequence[Segment], start: float, end: float
) -> None:
    for segment in segments:
        x0, x1 = (_LEFT + _PLOT * (t - start) / (end - start) for t in _span(segment))
        box = (x0, top, max(x0 + 1, x1 - 1), top + _STRIP)
        if segment.expression is None:
            pen.rectangle(box, outline=_FAINT)
            words, ink = segment.reason, _INK
        else:
            pen.rectangle(box, fill=COLORS[segment.expression])
            words, ink = segment.expression, (0, 0, 0)
        if pen.textlength(words, _font(12)) < x1 - x0 - 8:
            pen.text(((x0 + x1) / 2, top + _STRIP / 2), words, ink, _font(12), anchor="mm")


def _span(segment: Segment) -> tuple[float, float]:
    return segment.start_s, segment.end_s


def _draw_legend(pen: ImageDraw.ImageDraw) -> None:
    x = float(_LEFT)
    for label in EMOTIONS:
        pen.rectangle((x, 50, x + 13, 63), fill=COLORS[label])
        pen.text((x + 19, 57), label, _INK, _font(14), anchor="lm")
        x += 40 + pen.textlength(label, _font(14))


def _draw_axis(pen: ImageDraw.ImageDraw, y: int, start: float, end: float) -> None:
    """Ticks at round seconds, about ten."""
    rough = (end - start) / 10
    size = 10 ** np.floor(np.log10(rough))
    step = float(next(size * k for k in (1, 2, 5, 10) if size * k >= rough))
    for number in range(int(np.ceil(start / step)), int(end / step) + 1):
        time = number * step
        x = _LEFT + _PLOT * (time - start) / (end - start)
        pen.line((x, y, x, y + 5), fill=_INK)
        pen.text((x, y + 8), f"{round(time, 4):g} s", _INK, _font(13), anchor="ma")


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
