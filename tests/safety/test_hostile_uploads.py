"""Files made to do harm: each ends in a sentence or a sound result, and touches nothing."""

from __future__ import annotations

import io
import struct
import sys
import zlib
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import PIL.Image
import pytest

from fer.errors import MediaError
from fer.faces import HaarDetector, YuNetDetector
from fer.media import photo_formats, video_reader
from fer.media.video_duration import tagged_duration
from fer.pipeline import Analyzer
from fer.sandbox import restricted
from fer.types import Detector
from fer.video.analysis import analyze_video
from tests import hostile
from tests.fakes import FakeClassifier, FakeDetector
from tools.fuzz_uploads import attempt, try_photo, try_video

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify, and Linux confines")

READERS = {"restricted": restricted, "direct": video_reader}


def outcome(read: Callable[[], object]) -> str:
    """What came of reading: a sentence, or that it went well. Any other error fails the test."""
    try:
        read()
    except MediaError as error:
        text = str(error)
        assert text.endswith("."), text
        assert "Traceback" not in text
        return text
    return "sound"


def watch(data: bytes, reader: str = "restricted") -> str:
    """Probe a video and read its first hundred pictures."""
    module = READERS[reader]

    def read() -> None:
        module.probe(io.BytesIO(data))
        for frame in module.read_frames(io.BytesIO(data)):
            if frame.index == 100:
                break

    return outcome(read)


def look(data: bytes) -> str:
    """Decode a photo."""
    return outcome(lambda: restricted.decode_photo(data))


def pictures(data: bytes) -> tuple[list[float], str]:
    """Times of all pictures that can be read, and what came of it."""
    times: list[float] = []

    def read() -> None:
        for frame in restricted.read_frames(io.BytesIO(data)):
            times.append(frame.time_s)  # noqa: PERF401 kept when reading fails

    return times, outcome(read)


# Reaching for other files and for the network


@pytest.mark.parametrize("kind", hostile.POINTERS)
def test_a_file_that_points_elsewhere_reaches_nothing(kind: str, tmp_path: Path) -> None:
    with hostile.trap(tmp_path) as trap:
        data = trap.fill(hostile.POINTERS[kind])
        for reader in READERS:
            assert "not a video" in watch(data, reader)
        assert "not a photo" in look(data)
        assert "not a photo" in outcome(lambda: photo_formats.decode_image(data))
        for suffix in (".mp4", ".m3u8", ".mpd", ".sdp", ".%03d.png", ".idx"):
            path = tmp_path / f"clip{suffix}"  # names count for nothing, or there it would show
            path.write_bytes(data)
            assert "not a video" in outcome(partial(video_reader.probe, path))
        assert trap.touched() == []


@pytest.mark.parametrize("make", [hostile.with_foreign_data, hostile.reference_movie])
@pytest.mark.parametrize("reader", READERS)
def test_a_movie_whose_pictures_lie_elsewhere_reaches_nothing(
    make: Callable[[str], bytes], reader: str, tmp_path: Path
) -> None:
    with hostile.trap(tmp_path) as trap:
        for target in (f"file://{trap.path}", str(trap.path), trap.path.name, trap.url):
            watch(make(target), reader)
        assert trap.touched() == []


def test_the_trap_snaps(tmp_path: Path) -> None:
    """Or the tests above would prove nothing."""
    with hostile.trap(tmp_path) as trap:
        playlist = tmp_path / "list.ffconcat"
        playlist.write_text(f"ffconcat version 1.0\nfile '{trap.path.name}'\n")
        with av.open(str(playlist)) as container:
            next(container.demux())
        assert trap.touched() == ["the file was opened"]
        with pytest.raises((av.FFmpegError, OSError)):
            av.open(trap.url, timeout=0.2)
        assert trap.touched() == ["somebody connected"]


# Too much of something


@pytest.mark.parametrize("size", [(100_000, 100_000), (70_000, 70_000), (2**31 - 1, 1)])
def test_a_picture_of_too_many_pixels_is_refused_by_its_header(size: tuple[int, int]) -> None:
    bomb = hostile.png(*size, rows=zlib.compress(bytes(10**6), 9))
    assert len(bomb) < 5000
    assert "megapixels" in look(bomb) or "more pixels" in look(bomb)


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt", b"iCCP"])
def test_words_that_unpack_to_a_hundred_megabytes_are_not_unpacked(kind: bytes) -> None:
    packed = zlib.compress(bytes(100_000_000), 1)
    content = b"a\0\0" + packed if kind != b"iTXt" else b"a\0\1\0\0\0" + packed
    assert look(hostile.png(8, 8, (kind, content)))


@pytest.mark.parametrize("size", [(100_000, 1), (1, 100_000), (100_000, 30)])
def test_a_picture_like_a_thread_is_analysed(size: tuple[int, int], yunet_model: Path) -> None:
    image = restricted.decode_image(hostile.png(*size))
    assert image.shape == (size[1], size[0], 3)
    detectors: tuple[Detector, ...] = (HaarDetector(), YuNetDetector(yunet_model))
    for detector in detectors:
        assert Analyzer(detector, FakeClassifier()).analyze(image).predictions == ()


def test_pictures_that_repeat_for_ever_are_counted_once() -> None:
    photo = restricted.decode_photo(hostile.circular_tiff())
    assert photo.image.shape == (8, 8, 3)
    assert photo.pictures < 10


def test_a_hundred_thousand_pictures_in_a_photo_cost_one() -> None:
    assert restricted.decode_image(hostile.gif_of_many(100_000)).shape == (500, 500, 3)


@pytest.mark.parametrize("frames", [10**9, 2**31 - 1])
def test_a_billion_frames_that_are_claimed_are_not_believed(frames: int) -> None:
    data = hostile.patched(hostile.clip(), b"stts", 8, struct.pack(">I", frames))
    data = hostile.patched(data, b"mdhd", 16, struct.pack(">I", 2**32 - 2))
    assert watch(data)
    out = io.BytesIO()
    with av.open(out, "w", format="avi") as target:
        stream = target.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for index in range(5):
            frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), "rgb24")
            frame.pts = index
            target.mux(stream.encode(frame))
        target.mux(stream.encode())
    avi = bytearray(out.getvalue())
    at = avi.index(b"avih") + 8 + 16
    avi[at : at + 4] = struct.pack("<I", frames)
    at = avi.index(b"strh") + 8 + 32
    avi[at : at + 4] = struct.pack("<I", frames)
    times, said = pictures(bytes(avi))
    assert len(times) == 5
    assert "breaks off" in said  # a billion were announced


def test_a_video_of_16k_is_refused() -> None:
    data = bytearray(hostile.gif_of_many(3))
    data[6:10] = struct.pack("<HH", 15360, 8640)
    assert "larger than 8K" in watch(bytes(data))


def test_a_still_of_ten_hours_takes_no_longer_than_its_pictures() -> None:
    data = hostile.clip((0, 1, 360_000), Fraction(1, 10))
    assert len(data) < 5000
    assert restricted.probe(io.BytesIO(data)).duration_s == pytest.approx(36_000, abs=1)
    report = analyze_video(
        io.BytesIO(data),
        Analyzer(FakeDetector(()), FakeClassifier()),
        name="still.mp4",
        annotated=io.BytesIO(),
        reader=restricted,
    )
    assert [frame.time_s for frame in report.frames] == pytest.approx([0, 0.1, 36_000])


# Twisted containers


@pytest.mark.parametrize("depth", [100, 20_000])
def test_boxes_within_boxes_get_a_sentence(depth: int) -> None:
    assert "." in watch(hostile.nested_boxes(depth))
    assert "." in watch(hostile.nested_elements(min(depth, 3000)))


def test_a_container_that_points_at_itself_gets_a_sentence() -> None:
    assert "." in watch(hostile.circular_seek_head())


@pytest.mark.parametrize("tag", ["9" * 4000 + ":00:00", "-1:00:00", "\0\x1b[31m", "1e999:00:00"])
@pytest.mark.parametrize("reader", READERS)
def test_metadata_of_any_kind_does_no_harm(tag: str, reader: str) -> None:
    out = io.BytesIO()
    with av.open(out, "w", format="matroska") as target:
        stream = target.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        target.metadata["title"] = stream.metadata["title"] = "\x1b]0;owned\a\u202e<script>\r\n=1+1"
        frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), "rgb24")
        frame.pts = 0
        target.mux([*stream.encode(frame), *stream.encode()])
    data = out.getvalue()
    at = data.index(b"DURATION") + 8
    filler = tag.encode()[:18].ljust(18)  # as long as what stands there
    assert data[at : at + 1] == b"\x44"
    data = data[: at + 3] + filler + data[at + 3 + 18 :]
    assert watch(data, reader)


@pytest.mark.parametrize("digits", [18, 400])
def test_a_duration_of_many_digits_is_not_a_number(digits: int) -> None:
    stream: Any = SimpleNamespace(metadata={"DURATION": "9" * digits + ":00:00"})
    assert tagged_duration(stream) is None


def test_others_go_on_while_a_file_is_refused() -> None:
    frames = restricted.read_frames(io.BytesIO(hostile.clip(tuple(range(200)))))
    first = next(frames)
    for data in (hostile.nested_boxes(5000), hostile.circular_seek_head(), b"#EXTM3U\n"):
        watch(data)
    assert first.index == 0
    assert len(list(frames)) == 199


@pytest.mark.parametrize("size", [(1, 1), (7680, 4320)])
def test_the_smallest_and_an_8k_video_are_analysed(size: tuple[int, int]) -> None:
    """8K is as large as pictures may be; one pixel is as small."""
    out = io.BytesIO()
    with av.open(out, "w", format="matroska") as target:
        stream = target.add_stream("mjpeg", rate=10)
        stream.width, stream.height, stream.pix_fmt = *size, "yuvj420p"
        picture = av.VideoFrame.from_ndarray(np.full((size[1], size[0], 3), 120, np.uint8), "rgb24")
        picture.pts = 0
        target.mux([*stream.encode(picture), *stream.encode()])
    report = analyze_video(
        out, Analyzer(FakeDetector(()), FakeClassifier()), name="x", reader=restricted
    )
    assert [(frame.width, frame.height) for frame in report.frames] == [size]


@pytest.mark.parametrize("format_", ["JPEG", "TIFF", "PNG"])
def test_camera_data_of_any_kind_do_no_harm(format_: str) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # turn
    exif[0x010E] = "\x1b]0;owned\a<script>alert(1)</script>" * 100
    out = io.BytesIO()
    PIL.Image.new("RGB", (20, 10)).save(out, format_, exif=exif)
    assert restricted.decode_image(out.getvalue()).shape == (20, 10, 3)


FUZZED = sorted((Path(__file__).parent / "fuzzed").iterdir())


@pytest.mark.parametrize("path", FUZZED, ids=lambda path: path.name)
def test_what_fuzzing_found_does_no_harm_any_more(path: Path) -> None:
    """Made of videos of noise, by ``tools/fuzz_uploads.py``."""
    read = try_photo if path.name.startswith("photo") else try_video
    assert attempt(read, path.read_bytes()) in {"sound", "refused"}
    assert watch(path.read_bytes(), "direct")
