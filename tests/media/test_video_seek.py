"""A part that is read from a key frame on is the same as when all before it is decoded."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest

from fer.media import video_reader, video_seek
from fer.media.video_reader import VideoFrame
from fer.media.video_writer import VideoWriter

SECONDS = 30


def clip(
    codec: str, container: str, *, late: int = 0, options: dict[str, str] | None = None
) -> bytes:
    """Half a minute at ten pictures per second, each of a grey of its own, moving a bar."""
    out = io.BytesIO()
    with av.open(out, "w", format=container) as target:
        stream: Any = target.add_stream(codec, rate=10, options=options or {"g": "25"})
        stream.width, stream.height = 64, 48
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for index in range(SECONDS * 10):
            image = np.full((48, 64, 3), 40 + index % 150, np.uint8)
            image[:, index % 60 : index % 60 + 4] = 255
            frame = av.VideoFrame.from_ndarray(image, "rgb24")
            frame.pts, frame.time_base = index + late, Fraction(1, 10)
            target.mux(stream.encode(frame))
        target.mux(stream.encode())
    return out.getvalue()


def read(data: bytes, **options: Any) -> tuple[list[VideoFrame], int]:
    """Frames, and how many pictures were decoded for them."""
    decoded = []
    frames = video_reader.read_frames(
        io.BytesIO(data), on_decoded=lambda: decoded.append(1), **options
    )
    return list(frames), len(decoded)


CASES = [
    ("libx264", "mp4", {"g": "25", "bf": "3"}),
    ("libx264", "matroska", {"g": "40", "bf": "2", "x264-params": "open-gop=1"}),
    ("libx265", "mp4", {"x265-params": "log-level=error:keyint=30"}),  # open groups by itself
    ("mpeg4", "avi", {"g": "20"}),
    ("mpeg4", "mov", {"g": "20", "bf": "2"}),
    ("mjpeg", "matroska", {}),
    (
        "libvpx-vp9",
        "webm",
        {"g": "30", "lag-in-frames": "16", "auto-alt-ref": "1", "cpu-used": "5"},
    ),
]


@pytest.mark.parametrize(("codec", "container", "options"), CASES)
@pytest.mark.parametrize("late", [0, 37])
def test_a_part_is_the_same_as_in_the_whole(
    codec: str, container: str, options: dict[str, str], late: int
) -> None:
    data = clip(codec, container, options=options, late=late)
    whole, _ = read(data)
    part, decoded = read(data, start_s=20.05, end_s=22.0)
    expected = [frame for frame in whole if 20.05 <= frame.time_s < 22.0]
    assert [(f.index, f.time_s, f.pts) for f in part] == [
        (f.index, f.time_s, f.pts) for f in expected
    ]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(part, expected, strict=True))
    if container != "avi":  # whose packets have no times: all is decoded there
        assert decoded < 150


def test_fifty_minutes_are_not_decoded() -> None:
    """A picture per second, from the fiftieth minute of an hour on."""
    out = io.BytesIO()
    with VideoWriter(out, Fraction(1, 1), 1) as writer:
        for second in range(3600):
            writer.write(np.full((16, 16, 3), second % 200, np.uint8), second)
    part, decoded = read(out.getvalue(), start_s=3000, end_s=3010)
    assert [frame.index for frame in part] == list(range(3000, 3010))
    assert decoded < 30


@pytest.mark.parametrize("start_s", [29.95, 100.0])
def test_a_part_at_or_after_the_end_is_what_it_was(start_s: float) -> None:
    data = clip("libx264", "mp4")
    assert read(data, start_s=start_s)[0] == []


def test_what_cannot_be_counted_is_decoded() -> None:
    data = clip("libvpx", "webm", options={"deadline": "realtime", "g": "25"})
    part, decoded = read(data, start_s=20.0, end_s=20.5)
    assert [frame.index for frame in part] == list(range(200, 205))
    assert decoded > 200


def test_a_damaged_beginning_does_not_matter_to_a_later_part() -> None:
    data = bytearray(clip("libx264", "mp4"))
    start = data.index(b"mdat") + 200
    data[start : start + 100] = b"\xff" * 100
    part = []
    for frame in video_reader.read_frames(io.BytesIO(bytes(data)), start_s=20.0):
        part.append(frame.index)
        if len(part) == 5:
            break
    assert part == list(range(200, 205))


def test_a_start_near_the_beginning_is_not_looked_for() -> None:
    with av.open(io.BytesIO(clip("libx264", "mp4")), "r") as container:
        stream = container.streams.video[0]
        assert video_seek.find_entry(container, stream, 5.0, Fraction(1, 10)) is None


def test_where_nothing_can_be_sought_all_is_decoded() -> None:
    """A file whose clock is broken: there is no way back to its beginning but to open it anew."""
    data = bytearray(clip("mpeg4", "matroska"))
    cues = data.rindex(b"\x1c\x53\xbb\x6b")
    data[cues:] = b""
    part, _ = read(bytes(data), start_s=20.0, end_s=20.5)
    assert [frame.index for frame in part] == list(range(200, 205))
