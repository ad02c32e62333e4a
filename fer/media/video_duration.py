"""How long a video says that it is, and whether it ends before that."""

from __future__ import annotations

import re
from fractions import Fraction

import av
from av.container import InputContainer
from av.video.stream import VideoStream


def time_base(stream: VideoStream) -> Fraction:
    """Seconds per tick of a stream's clock."""
    return stream.time_base or Fraction(1, 1000)


def announced_duration(container: InputContainer, stream: VideoStream) -> Fraction | None:
    """Seconds that the file announces for its pictures."""
    if stream.duration:
        return stream.duration * time_base(stream)
    if own := tagged_duration(stream):
        return own
    return Fraction(container.duration, av.time_base) if container.duration else None


def tagged_duration(stream: VideoStream) -> Fraction | None:
    """Seconds that Matroska tells of one stream, in a tag such as 00:01:02.500000000."""
    text = stream.metadata.get("DURATION", "")
    tag = re.fullmatch(r"(\d{1,4}):(\d\d):(\d\d(?:\.\d{1,9})?)", text)
    return int(tag[1]) * 3600 + int(tag[2]) * 60 + Fraction(tag[3]) if tag else None


def ends_early(last: Fraction, container: InputContainer, stream: VideoStream) -> bool:
    """Whether so much is missing that it cannot be rounding or a long last picture.

    Args:
        last: time in seconds of the last picture, from the stream's own zero: a late start is
            not a loss.
        container: of the stream.
        stream: of the pictures.
    """
    if not stream.duration and not tagged_duration(stream) and container.streams.audio:
        return False  # what is announced may be the length of the sound
    announced = announced_duration(container, stream) or Fraction(0)
    return announced - last > max(Fraction(1), announced / 20)
