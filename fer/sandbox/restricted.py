"""Decode uploads in a process that can do nothing else: same functions, same results.

A hole in a decoder then leads nowhere: the child that runs it holds one upload and one
piece of shared memory, and neither files, network nor secrets (``fer.sandbox.confinement`` tells
how). If it crashes or exceeds a limit, that file gets an error and the app goes on.

Pictures arrive in shared memory and are handed out without a copy. What the child
says is checked here: it may have been taken over.

On systems other than Linux files are decoded in this process, and on some Linux a fence is
missing; ``weaknesses`` tells.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from fractions import Fraction
from math import isfinite
from pathlib import Path
from typing import Any, BinaryIO, Final

from fer.errors import MediaError
from fer.media import photo_formats, video_reader
from fer.media.photo_formats import Photo
from fer.media.video_pictures import MAX_PIXELS
from fer.media.video_reader import BrokenVideoError, VideoFrame, VideoInfo
from fer.sandbox import decoder_program
from fer.sandbox.decoder_client import Job, Limits
from fer.types import Image

#: Set to anything to decode within the app, on a system where a child cannot be confined.
UNRESTRICTED_VARIABLE: Final = "FER_UNRESTRICTED"

#: Enough for 8K with ten bits and sixteen reference pictures.
VIDEO_LIMITS: Final = Limits(memory=3_000_000_000, cpu_s=3600, silence_s=30.0)
PROBE_LIMITS: Final = Limits(memory=3_000_000_000, cpu_s=60, silence_s=30.0)
#: Enough for 50 megapixels with transparency, turned.
PHOTO_LIMITS: Final = Limits(memory=1_500_000_000, cpu_s=30, silence_s=30.0)

#: Pictures of a video that are under way: those that wait, are analysed and are encoded.
_SLOTS: Final = 12

#: Largest numbers of FFmpeg: in a fraction, and anywhere. What is larger breaks arithmetic here.
_MOST_IN_FRACTION: Final = 2**31 - 1
_MOST: Final = 2**63 - 1

_UNLIKELY: Final = "The decoder gave an answer that makes no sense. Only this file is affected."


def is_restricted() -> bool:
    """Whether uploads are decoded in a child."""
    return sys.platform == "linux" and not os.environ.get(UNRESTRICTED_VARIABLE)


def weaknesses() -> tuple[str, ...]:
    """What keeps uploads less confined than they could be, a sentence each; empty at best."""
    if not is_restricted():
        return (
            "Uploaded files are decoded within the app itself: a hole in a decoder would open "
            "all that the app can reach. Run the app on Linux"
            + (f", without {UNRESTRICTED_VARIABLE}." if sys.platform == "linux" else "."),
        )
    try:
        return decoder_program.weaknesses(decoder_program.running().fences)
    except OSError:
        return ("The process that decodes files does not start: no file is read.",)


def decode_image(data: bytes) -> Image:
    """Decode a photo as :func:`fer.media.photo_formats.decode_image` does.

    Args:
        data: the file's bytes.

    Returns:
        (H, W, 3) uint8, RGB.

    Raises:
        MediaError: as there, and if the decoder crashes or exceeds ``PHOTO_LIMITS``.
    """
    return decode_photo(data).image


def decode_photo(data: bytes) -> Photo:
    """Decode a photo, with what is to be known of it, as the function of that name does.

    Raises:
        MediaError: as ``decode_image``.
    """
    if not is_restricted():
        return photo_formats.decode_photo(data)
    with Job("photo", data, PHOTO_LIMITS, slot=photo_formats.MAX_PIXELS * 3) as job:
        match message := job.receive():
            case {"pictures": int(pictures), "reduced": int(reduced)} if (
                0 < pictures <= _MOST and 0 < reduced <= _MOST
            ):
                return Photo(job.picture(0, message.get("shape")), pictures, reduced)
    raise MediaError(_UNLIKELY)


def probe(source: Path | BinaryIO) -> VideoInfo:
    """Look at a video as :func:`fer.media.video_reader.probe` does.

    Raises:
        MediaError: as there, and if the decoder crashes or exceeds ``PROBE_LIMITS``.
    """
    if not is_restricted():
        return video_reader.probe(source)
    with Job("probe", source, PROBE_LIMITS) as job:
        return _info(job.receive().get("info"))


def read_frames(
    source: Path | BinaryIO,
    *,
    start_s: float = 0.0,
    end_s: float | None = None,
    fps: float | None = None,
) -> Generator[VideoFrame]:
    """Decode a video as :func:`fer.media.video_reader.read_frames` does.

    Yields:
        Frames whose pictures lie in memory that the decoder writes: it is used again
        when nobody holds them any more.

    Raises:
        MediaError: as there, and if the decoder crashes or exceeds ``VIDEO_LIMITS``
            before the first frame.
        BrokenVideoError: as there, and if it does so later.
    """
    if not is_restricted():
        yield from video_reader.read_frames(source, start_s=start_s, end_s=end_s, fps=fps)
        return
    options = {"start_s": start_s, "end_s": end_s, "fps": fps}
    last_s: float | None = None
    with Job("frames", source, VIDEO_LIMITS, slots=_SLOTS, slot=MAX_PIXELS * 3, **options) as job:
        try:
            while "end" not in (message := job.receive()):
                if isinstance(broken_at_s := message.get("broken_at_s"), float):
                    raise BrokenVideoError(broken_at_s)  # noqa: TRY301 said by the child
                image = job.picture(message.get("slot"), message.get("shape"))
                if job.is_full:  # somebody collects pictures: the child must not wait for ever
                    image = image.copy()
                frame = _frame(message.get("frame"), image)
                last_s = frame.time_s
                del image, message
                yield frame
                del frame
        except BrokenVideoError:
            raise
        except MediaError as exc:
            if last_s is None:
                raise
            raise BrokenVideoError(last_s) from exc


def _info(said: Any) -> VideoInfo:
    match said:
        case {
            "width": int(width),
            "height": int(height),
            "duration_s": float() | None as duration_s,
            "frames": int() | None as frames,
            "fps": float() | None as fps,
            "time_base": [int(ticks), int(seconds)],
            "start_s": float(start_s),
        } if (
            0 < width * height <= MAX_PIXELS
            and min(width, height, ticks, seconds) > 0
            and max(ticks, seconds) <= _MOST_IN_FRACTION
            and 0 <= (frames or 0) <= _MOST
            and all(isfinite(number or 0.0) for number in (duration_s, fps, start_s))
        ):
            base = Fraction(ticks, seconds)
            return VideoInfo(width, height, duration_s, frames, fps, base, start_s)
    raise MediaError(_UNLIKELY)


def _frame(said: Any, image: Image) -> VideoFrame:
    match said:
        case {
            "index": int(index),
            "time_s": float(time_s),
            "pts": int(pts),
            "cut": bool(cut),
        } if 0 <= index <= _MOST and abs(pts) <= _MOST and 0 <= time_s <= _MOST:
            return VideoFrame(index, time_s, image, pts, cut)
    raise MediaError(_UNLIKELY)
