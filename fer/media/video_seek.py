"""Begin to read a video in its middle, and know all the same which picture that is.

Unpacking a file is some hundred times cheaper than decoding it. So what comes before the
wanted part is unpacked only, to count its pictures; decoding begins at a key frame.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import av
from av.container import InputContainer
from av.video.stream import VideoStream

#: Codecs of which every packet holds one picture that is shown.
_COUNTABLE: Final = ("h264", "hevc", "mpeg4", "mjpeg", "prores", "vp9", "av1")

#: Below so many seconds the detour does not pay.
_WORTH_S: Final = 10

#: Pictures are stored out of order by less than so many packets.
_REORDERED: Final = 64


@dataclass(frozen=True)
class Entry:
    """Where decoding begins.

    Attributes:
        pts: of the key frame; what is decoded before it in time has to be thrown away.
        index: number of that picture in the whole video.
        first_pts: of the video's first picture.
    """

    pts: int
    index: int
    first_pts: int


def find_entry(
    container: InputContainer, stream: VideoStream, start_s: float, time_base: Fraction
) -> Entry | None:
    """Look for the last key frame before a time.

    Args:
        container: nothing was read from it, and nothing should be afterwards: open the file
            anew, and seek to the entry.
        stream: of its pictures.
        start_s: seconds since the first picture.
        time_base: seconds per tick of the stream's clock.

    Returns:
        Where to begin; None for the beginning, where that is near, or where the pictures
        before the key frame cannot be counted without decoding them.
    """
    if start_s < _WORTH_S or stream.codec.canonical_name not in _COUNTABLE:
        return None
    try:
        entry = _find(container, stream, start_s, time_base)
        if entry is not None and _packet_at(container, stream, entry.pts) == entry.pts:
            return entry
    except (av.FFmpegError, OSError):  # damaged: decoding will show where
        pass
    return None


def _find(
    container: InputContainer, stream: VideoStream, start_s: float, time_base: Fraction
) -> Entry | None:
    seen: array[int] = array("q")
    key: int | None = None
    beyond = 0
    for packet in container.demux(stream):
        if packet.size == 0:
            break
        pts = packet.pts
        if pts is None or packet.is_discard or packet.is_corrupt:
            return None
        if not seen and not packet.is_keyframe:
            return None
        if seen and pts < seen[0]:
            return None  # the first packet is not the first picture
        seen.append(pts)
        late = (pts - seen[0]) * time_base > start_s
        if packet.is_keyframe and not late:
            key = pts if key is None else max(key, pts)
        beyond = beyond + 1 if late else 0
        if beyond > _REORDERED:
            break
    if key is None or key == seen[0]:
        return None
    return Entry(key, sum(pts < key for pts in seen), seen[0])


def _packet_at(container: InputContainer, stream: VideoStream, pts: int) -> int | None:
    """Time of the packet that is found where a key frame is looked for."""
    container.seek(pts, stream=stream)
    return next((packet.pts for packet in container.demux(stream)), None)
