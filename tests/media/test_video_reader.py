"""Videos as they come: any rate, size, gap and rotation; ten bits, bright light, two streams."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest
from av.video.reformatter import ColorPrimaries, ColorTrc
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fer.pipeline import Analyzer
from fer.video import analysis, report
from fer.video.settings import VideoSettings
from tests.fakes import FakeClassifier, FakeDetector

TURNS = ((1, 0, 0, 1), (0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0))


def clip(ticks: list[int], size: tuple[int, int], base: Fraction, turn: int = 0) -> bytes:
    """Grey pictures at these times, with a rotation written into the track header."""
    out = io.BytesIO()
    with analysis.VideoWriter(out, base, float(1 / base)) as writer:
        for index, pts in enumerate(ticks):
            writer.write(np.full((size[1], size[0], 3), 100 + index % 50, np.uint8), pts)
    data = out.getvalue()
    start = data.index(b"tkhd") + 4 + 40
    a, b, c, d = (value << 16 for value in TURNS[turn])
    rows = [a, b, 0, c, d, 0, 0, 0, 1 << 30]
    raw = b"".join(value.to_bytes(4, "big", signed=True) for value in rows)
    return data[:start] + raw + data[start + 36 :]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    gaps=st.lists(st.integers(1, 400), max_size=12),
    rate=st.sampled_from([Fraction(1, 24), Fraction(1001, 30000), Fraction(1, 1000)]),
    width=st.integers(1, 70),
    height=st.integers(1, 50),
    turn=st.integers(0, 3),
    present=st.integers(0, 2**13),
)
def test_frames_times_and_rows_always_agree(  # noqa: PLR0917
    gaps: list[int], rate: Fraction, width: int, height: int, turn: int, present: int
) -> None:
    ticks = [0, *np.cumsum(gaps).tolist()]
    data = clip(ticks, (width, height), rate, turn)
    # The writer's sizes are even; a quarter turn exchanges them.
    size = (width + width % 2, height + height % 2)[:: -1 if turn % 2 else 1]

    def faces(call: int) -> tuple[tuple[int, int, int, int], ...]:
        return ((0, 0, size[0], size[1]),) if present >> call & 1 else ()

    out = io.BytesIO()
    analysed = analysis.analyze_video(
        io.BytesIO(data),
        Analyzer(FakeDetector(faces), FakeClassifier()),
        name="a",
        settings=VideoSettings(search_s=0),
        annotated=out,
    )
    assert [frame.index for frame in analysed.frames] == list(range(len(ticks)))
    expected = [float(tick * rate) for tick in ticks]
    assert [frame.time_s for frame in analysed.frames] == pytest.approx(expected, abs=1e-4)
    assert {(frame.width, frame.height) for frame in analysed.frames} == {size}
    table = report.to_table(analysed)
    assert table["frame"].tolist() == list(range(len(ticks)))
    assert table["label"].notna().tolist() == [bool(present >> i & 1) for i in range(len(ticks))]
    again = [frame.time_s for frame in analysis.read_frames(out)]
    assert again == pytest.approx(expected, abs=1e-4)


@settings(max_examples=25, deadline=None)
@given(
    count=st.integers(1, 40),
    fps=st.one_of(st.none(), st.floats(0.5, 60)),
    start_s=st.floats(0, 3),
    length_s=st.floats(0.05, 5),
)
def test_a_thinned_part_is_what_it_says(
    count: int, fps: float | None, start_s: float, length_s: float
) -> None:
    data = clip(list(range(count)), (16, 16), Fraction(1, 10))
    chosen = list(
        analysis.read_frames(io.BytesIO(data), start_s=start_s, end_s=start_s + length_s, fps=fps)
    )
    for frame in chosen:
        assert frame.time_s == pytest.approx(frame.index / 10)
        assert start_s - 1e-5 <= frame.time_s < start_s + length_s
    every = [i for i in range(count) if start_s - 1e-6 <= i / 10 < start_s + length_s]
    if fps is None:
        assert [frame.index for frame in chosen] == every
    else:
        assert len(chosen) <= length_s * fps + 2
        assert bool(chosen) == bool(every)


def ramp(codes: list[float], transfer: ColorTrc | None, codec: str = "libx264") -> bytes:
    """Ten bits per colour: grey columns of these codes (0 to 1), 16 pixels wide."""
    options = {"crf": "4"} if codec == "libx264" else {"x265-params": "log-level=error:crf=4"}
    columns = np.repeat((np.array(codes) * 65535).astype(np.uint16), 16)
    image = np.ascontiguousarray(np.broadcast_to(columns[None, :, None], (32, len(columns), 3)))
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as target:
        stream: Any = target.add_stream(codec, rate=10, options=options)
        stream.width, stream.height = image.shape[1], image.shape[0]
        stream.pix_fmt = "yuv420p10le"
        context = stream.codec_context
        if transfer is not None:
            context.color_trc, context.color_primaries = transfer, ColorPrimaries.BT2020
            context.colorspace = 9  # FFmpeg's number of BT.2020
        frame = av.VideoFrame.from_ndarray(image, "rgb48le").reformat(format="yuv420p10le")
        if transfer is not None:
            frame.color_trc, frame.color_primaries = transfer, ColorPrimaries.BT2020
            frame.colorspace = 9
        for frame.pts in range(3):  # of one alone x265 makes a still picture
            target.mux(stream.encode(frame))
        target.mux(stream.encode())
    return out.getvalue()


def greys(data: bytes) -> list[int]:
    image = next(iter(analysis.read_frames(io.BytesIO(data)))).image
    assert image.dtype == np.uint8
    return [int(image[16, x].mean()) for x in range(8, image.shape[1], 16)]


def test_ten_bits_become_eight() -> None:
    assert greys(ramp([0.0, 0.25, 0.5, 0.75, 1.0], None)) == pytest.approx(
        [0, 64, 128, 191, 255], abs=3
    )


def test_high_dynamic_range_is_toned_to_what_a_screen_shows() -> None:
    """Perceptual quantiser: 1, 50, 203 (reference white) and 4000 candela per square metre."""
    black, dim, white, lamp = greys(ramp([0.15, 0.44, 0.58, 0.90], ColorTrc.SMPTE2084))
    assert black < 40
    assert 100 < dim < 170
    assert white > 240  # without toning it would be a middle grey of 147
    assert lamp == 255


def test_phones_high_dynamic_range_is_toned_too() -> None:
    """Hybrid log-gamma in HEVC: black, 18% grey, a face's brightness, reference white, a lamp."""
    codes = [0.0, 0.38, 0.5, 0.75, 0.95]
    black, grey, face, white, lamp = greys(ramp(codes, ColorTrc.ARIB_STD_B67, "libx265"))
    assert black < 10
    assert 95 < grey < 125  # 18% of white is 118 in a picture for screens
    assert 130 < face < 160
    assert white > 240  # without toning it would be 191
    assert lamp == 255


def test_of_several_streams_the_default_one_is_read() -> None:
    out = io.BytesIO()
    with av.open(out, "w", format="matroska") as target:
        streams = []
        for size in ((32, 32), (64, 48)):
            stream = target.add_stream("mpeg4", rate=10)
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            streams.append(stream)
        streams[0].disposition = av.stream.Disposition(0)
        streams[1].disposition = av.stream.Disposition.default
        for stream in streams:
            picture = np.zeros((stream.height, stream.width, 3), np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = 0, Fraction(1, 10)
            target.mux([*stream.encode(frame), *stream.encode()])
    assert analysis.probe(out).width == 64


def test_an_animation_is_a_video() -> None:
    """GIF: a palette, transparency, and times of its own."""
    import PIL.Image

    pictures = [PIL.Image.fromarray(np.full((20, 30, 3), level, np.uint8)) for level in (0, 200)]
    out = io.BytesIO()
    pictures[0].save(
        out, "GIF", save_all=True, append_images=pictures[1:], duration=[300, 100], loop=0
    )
    frames = list(analysis.read_frames(out))
    assert [frame.time_s for frame in frames] == pytest.approx([0.0, 0.3])
    assert [int(frame.image.mean()) for frame in frames] == [0, 200]


@pytest.mark.parametrize("frames", [1, 10])
def test_the_shortest_videos_are_analysed(frames: int) -> None:
    analysed = analysis.analyze_video(
        io.BytesIO(clip(list(range(frames)), (1, 1), Fraction(1, 10))),
        Analyzer(FakeDetector(()), FakeClassifier()),
        name="a",
        settings=VideoSettings(fps=1000),
    )
    assert len(analysed.frames) == frames
