from __future__ import annotations

import io
import socket
import time
import zipfile
from collections.abc import Generator
from fractions import Fraction
from itertools import cycle, islice
from pathlib import Path
from typing import Any, BinaryIO, cast

import av
import cv2
import numpy as np
import pytest
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.video.stream import VideoStream

from fer.errors import MediaError
from fer.media import sample, video_pictures
from fer.media.views import FileView
from fer.pipeline import Analyzer
from fer.types import Face, Image
from fer.video import analysis
from fer.video.moments import Moments
from fer.video.report import frames_csv
from fer.video.settings import VideoSettings
from fer.video.summary import segments_of
from tests.fakes import FakeClassifier, FakeDetector

RED, GREEN = (200, 30, 40), (20, 180, 60)


def analyzer(detector: FakeDetector | None = None) -> Analyzer:
    return Analyzer(detector or FakeDetector(), FakeClassifier())


def plain(width: int, height: int, color: tuple[int, int, int] = RED) -> Image:
    return np.full((height, width, 3), color, np.uint8)


def clip(
    pts: list[int] | range = range(10),
    size: tuple[int, int] = (64, 48),
    time_base: Fraction = Fraction(1, 10),
) -> bytes:
    """A clip that gets brighter frame by frame."""
    out = io.BytesIO()
    with analysis.VideoWriter(out, time_base, 10) as writer:
        for index, ticks in enumerate(pts):
            writer.write(plain(*size, (20 * index % 256,) * 3), ticks)
    return out.getvalue()


def encode(container: str, *, frames: int = 1, stretch: int = 1) -> bytes:
    """Red pictures in any container, from 3 s on where the container can tell."""
    out = io.BytesIO()
    with av.open(out, "w", format=container) as target:
        stream: VideoStream
        if container == "gif":
            stream, pixels = target.add_stream("gif", rate=10), "rgb8"
        else:
            stream, pixels = target.add_stream("mpeg4", rate=10), "yuv420p"
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixels
        stream.codec_context.sample_aspect_ratio = Fraction(stretch)
        start = 0 if container == "avi" else 30
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(plain(64, 48)).reformat(format=pixels)
            frame.pts, frame.time_base = start + index, Fraction(1, 10)
            target.mux(stream.encode(frame))
        target.mux(stream.encode())
    return out.getvalue()


def repack(data: bytes, container: str) -> bytes:
    """The same compressed pictures in another container."""
    out = io.BytesIO()
    with av.open(io.BytesIO(data), "r") as source, av.open(out, "w", format=container) as target:
        copy_pictures(source, target)
    return out.getvalue()


def copy_pictures(source: InputContainer, target: OutputContainer) -> None:
    stream = target.add_stream_from_template(source.streams.video[0])
    for packet in source.demux(video=0):
        if packet.dts is not None:
            packet.stream = stream
            target.mux(packet)


def with_sound(data: bytes | None) -> bytes:
    """A second of silence, with the pictures of a clip if there is one."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as target:
        audio = target.add_stream("aac", rate=8000)
        if data is not None:
            with av.open(io.BytesIO(data), "r") as source:
                copy_pictures(source, target)
        for start in range(0, 8000, 1000):
            sound = av.AudioFrame.from_ndarray(np.zeros((1, 1000), np.float32), "fltp", "mono")
            sound.rate, sound.pts = 8000, start
            target.mux(audio.encode(sound))
        target.mux(audio.encode())
    return out.getvalue()


def turned(data: bytes, matrix: tuple[int, ...]) -> bytes:
    """Write a rotation into the track header: two rows of 16.16 fixed point, one of 2.30."""
    start = data.index(b"tkhd") + 4 + 40
    a, b, c, d = (value << 16 for value in matrix)
    rows = [a, b, 0, c, d, 0, 0, 0, 1 << 30]
    raw = b"".join(value.to_bytes(4, "big", signed=True) for value in rows)
    return data[:start] + raw + data[start + 36 :]


def times(data: bytes) -> list[float]:
    return [frame.time_s for frame in analysis.read_frames(io.BytesIO(data))]


# Reading


def test_probe_tells_size_length_and_rate() -> None:
    info = analysis.probe(io.BytesIO(clip()))
    assert (info.width, info.height, info.frames) == (64, 48, 10)
    assert info.fps == pytest.approx(10)
    assert info.duration_s == pytest.approx(1.0)


def test_a_path_and_a_file_in_memory_read_alike(tmp_path: Path) -> None:
    path = tmp_path / "http:clip.mp4"  # must not be taken for an address
    path.write_bytes(clip())
    from_path = list(analysis.read_frames(path))
    from_memory = list(analysis.read_frames(io.BytesIO(path.read_bytes())))
    assert [f.index for f in from_path] == list(range(10))
    for one, other in zip(from_path, from_memory, strict=True):
        np.testing.assert_array_equal(one.image, other.image)
    assert from_path[7].image.mean() == pytest.approx(140, abs=3)


def test_time_is_the_streams_own_at_a_variable_rate() -> None:
    ticks = [0, 40, 55, 300, 301, 900]
    assert times(clip(ticks, time_base=Fraction(1, 1000))) == [t / 1000 for t in ticks]


@pytest.mark.parametrize("container", ["mp4", "mov", "matroska", "avi", "gif"])
def test_time_zero_is_the_first_picture_in_every_container(container: str) -> None:
    late = encode(container, frames=10)
    np.testing.assert_allclose(times(late), np.arange(10) / 10, atol=1e-9)


@pytest.mark.parametrize(
    ("matrix", "corner"),
    [
        ((1, 0, 0, 1), "top left"),
        ((0, 1, -1, 0), "top right"),  # a quarter turn clockwise, as phones write it
        ((-1, 0, 0, -1), "bottom right"),
        ((0, -1, 1, 0), "bottom left"),
    ],
)
def test_rotation_metadata_is_honoured(matrix: tuple[int, ...], corner: str) -> None:
    image = plain(64, 32)
    image[:16, :32] = GREEN  # the top left quarter
    out = io.BytesIO()
    with analysis.VideoWriter(out, Fraction(1, 10)) as writer:
        writer.write(image, 0)
    data = turned(out.getvalue(), matrix)
    frame = next(iter(analysis.read_frames(io.BytesIO(data)))).image
    quarter = matrix[0] == 0
    assert frame.shape == ((64, 32, 3) if quarter else (32, 64, 3))
    info = analysis.probe(io.BytesIO(data))
    assert (info.height, info.width) == frame.shape[:2]
    rows = slice(0, 8) if "top" in corner else slice(-8, None)
    columns = slice(0, 8) if "left" in corner else slice(-8, None)
    np.testing.assert_allclose(frame[rows, columns].mean((0, 1)), GREEN, atol=8)


def test_pixels_become_square() -> None:
    info = analysis.probe(io.BytesIO(encode("matroska", stretch=2)))
    assert (info.width, info.height) == (128, 48)


def test_sound_does_not_hide_the_pictures() -> None:
    assert len(times(with_sound(clip()))) == 10


def test_damage_in_the_middle_costs_only_what_is_damaged() -> None:
    data = bytearray(clip(range(40)))
    middle = data.index(b"mdat") + (len(data) - data.index(b"mdat")) // 2
    data[middle : middle + 60] = b"\xff" * 60
    frames = analysis.read_frames(io.BytesIO(bytes(data)))
    assert len(list(islice(frames, 10))) == 10
    with pytest.raises(analysis.BrokenVideoError, match="damaged"):
        list(frames)


# What is refused


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"just some text, renamed to mp4\n" * 100, "not a video"),
        (b"\x00" * 5000, "not a video"),
        (with_sound(None), "no video in it"),
    ],
    ids=["empty", "text", "zeros", "sound only"],
)
def test_what_is_no_video_gets_a_sentence(data: bytes, says: str) -> None:
    for read in (analysis.probe, lambda source: list(analysis.read_frames(source))):
        with pytest.raises(MediaError, match=says):
            read(io.BytesIO(data))


def test_an_archive_and_a_photo_are_not_videos(media: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("clip.mp4", clip())
    for data in (out.getvalue(), (media / "pyfeat_single_face.jpg").read_bytes()):
        with pytest.raises(MediaError, match="not a video"):
            analysis.probe(io.BytesIO(data))


def test_a_missing_file_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="cannot be opened: No such file"):
        analysis.probe(tmp_path / "none.mp4")


def test_a_video_cut_before_its_first_picture_gets_a_sentence() -> None:
    data = clip()
    with pytest.raises(MediaError, match="No picture"):
        analysis.probe(io.BytesIO(data[: data.index(b"mdat") + 10]))


def test_a_picture_over_the_limit_is_refused() -> None:
    data = bytearray(encode("gif"))
    data[6:10] = (60000).to_bytes(2, "little") * 2  # what the header claims
    with pytest.raises(MediaError, match="larger than 8K"):
        analysis.probe(io.BytesIO(data))
    with pytest.raises(MediaError, match="too large: 8193x4320 pixels"):
        video_pictures.check_size(8193, 4320)


PLAYLISTS = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{}\n#EXT-X-ENDLIST\n",
    "concat": "ffconcat version 1.0\nfile '{}'\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period>'
    "<AdaptationSet><Representation><BaseURL>{}</BaseURL></Representation></AdaptationSet>"
    "</Period></MPD>",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
}


@pytest.mark.parametrize("kind", PLAYLISTS)
@pytest.mark.parametrize("suffix", [".mp4", ".m3u8"])
def test_a_playlist_is_refused_and_opens_nothing(kind: str, suffix: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        playlist = tmp_path / f"clip{suffix}"
        address = f"http://127.0.0.1:{server.getsockname()[1]}/secret.mp4"
        playlist.write_text(PLAYLISTS[kind].format(address))
        for source in (playlist, io.BytesIO(playlist.read_bytes())):
            with pytest.raises(MediaError, match="not a video"):
                analysis.probe(source)
        with pytest.raises(BlockingIOError):  # nobody is waiting to be let in
            server.accept()


# Analysing


def test_every_frame_gets_a_result_with_its_time() -> None:
    ticks = [0, 40, 55, 300, 301, 900]
    data = clip(ticks, time_base=Fraction(1, 1000))
    report = analysis.analyze_video(io.BytesIO(data), analyzer(), name="a.mp4")
    assert [f.index for f in report.frames] == list(range(6))
    assert [f.time_s for f in report.frames] == [t / 1000 for t in ticks]
    assert (report.source, report.model, report.model_hash) == ("a.mp4", "fake-cnn", "f" * 64)
    assert report.settings["versions"]["av"] == av.__version__
    assert not {"broken_at_s", "stopped_at_s"} & set(report.settings)


def test_frames_without_a_face_are_kept() -> None:
    faces = FakeDetector(lambda call: ((5, 5, 30, 30),) if call % 2 else ())
    settings = VideoSettings(search_s=0)
    report = analysis.analyze_video(
        io.BytesIO(clip()), analyzer(faces), name="a", settings=settings
    )
    assert [len(f.predictions) for f in report.frames] == [0, 1] * 5


@pytest.mark.parametrize("size", [(64, 48), (65, 49), (1, 1)])
def test_annotated_video_plays_in_browsers_at_the_same_times(size: tuple[int, int]) -> None:
    ticks = [0, 40, 55, 300, 301, 900]
    width, height = size
    out = io.BytesIO()
    report = analysis.analyze_video(
        io.BytesIO(clip(ticks, size, Fraction(1, 1000))),
        analyzer(FakeDetector(())),
        name="a",
        annotated=out,
    )
    data = out.getvalue()
    assert data.index(b"moov") < data.index(b"mdat")  # faststart
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.format.name) == ("h264", "yuv420p")
        assert (stream.width, stream.height) == (width + width % 2, height + height % 2)
    assert times(data) == [f.time_s for f in report.frames]


def test_annotated_video_keeps_colors_and_shows_the_box() -> None:
    out = io.BytesIO()
    with analysis.VideoWriter(out, Fraction(1, 10)) as writer:
        writer.write(plain(320, 240), 0)
    annotated = io.BytesIO()
    analysis.analyze_video(io.BytesIO(out.getvalue()), analyzer(), name="a", annotated=annotated)
    image = next(iter(analysis.read_frames(annotated))).image
    np.testing.assert_allclose(image[20, 20], RED, atol=6)
    assert np.abs(image[60:180, 79:82].astype(int) - RED).max() > 60  # the box's left side


def of_astronaut() -> bytes:
    """The portrait, unmoving, ten times."""
    out = io.BytesIO()
    with analysis.VideoWriter(out, Fraction(1, 10), 10) as writer:
        for ticks in range(10):
            writer.write(sample.portrait(), ticks)
    return out.getvalue()


def pictures(data: bytes, **settings: Any) -> tuple[list[Image], Moments]:
    """Pictures of the annotated video, and those that were collected."""
    out, moments = io.BytesIO(), Moments()
    analysis.analyze_video(
        io.BytesIO(data),
        analyzer(),
        name="a",
        settings=VideoSettings(**settings),
        annotated=out,
        moments=moments,
    )
    return [frame.image for frame in analysis.read_frames(out)], moments


def detail(image: Image) -> float:
    """How much there is to see in the middle of a picture, where the fake detector looks."""
    return float(cv2.Laplacian(image[200:300, 200:300], cv2.CV_32F).std())


def test_faces_can_be_blurred_and_then_no_picture_shows_one() -> None:
    data = of_astronaut()
    plain_video, sharp_moments = pictures(data, drawn=False, smoothing_s=0)
    blurred_video, blurred_moments = pictures(data, drawn=False, smoothing_s=0, blurred=True)
    assert len(blurred_video) == 10
    assert min(map(detail, plain_video)) > 5 * max(map(detail, blurred_video))
    sharp, blurred = (m.face(1, "happy", 0) for m in (sharp_moments, blurred_moments))
    assert sharp is not None
    assert blurred is not None
    assert len(blurred) < len(sharp) / 2  # as JPEG hardly anything is left


def test_a_chosen_face_is_not_blurred() -> None:
    data = of_astronaut()
    kept, _ = pictures(data, drawn=False, blurred=True, keep=(1,))
    other, _ = pictures(data, drawn=False, blurred=True, keep=(2,))
    assert detail(kept[5]) > 5 * detail(other[5])


def test_a_part_keeps_the_numbers_and_times_of_the_whole() -> None:
    out = io.BytesIO()
    settings = VideoSettings(start_s=0.3, end_s=0.7)
    report = analysis.analyze_video(
        io.BytesIO(clip()), analyzer(), name="a", settings=settings, annotated=out
    )
    assert [f.index for f in report.frames] == [3, 4, 5, 6]
    assert [f.time_s for f in report.frames] == [0.3, 0.4, 0.5, 0.6]
    assert times(out.getvalue()) == pytest.approx([0.0, 0.1, 0.2, 0.3])
    assert report.settings["start_s"] == 0.3


def test_a_part_after_the_end_gets_a_sentence() -> None:
    with pytest.raises(MediaError, match="Nothing of the video is left from 5 s on"):
        analysis.analyze_video(
            io.BytesIO(clip()), analyzer(), name="a", settings=VideoSettings(start_s=5)
        )


def test_a_part_that_ends_before_it_begins_gets_a_sentence() -> None:
    with pytest.raises(MediaError, match="choose a later end"):
        VideoSettings(start_s=5, end_s=4)
    with pytest.raises(MediaError, match="more than 0"):
        VideoSettings(fps=0)


def test_so_many_frames_per_second_are_the_first_of_each_interval() -> None:
    data = clip([0, 40, 55, 300, 301, 900, 1010], time_base=Fraction(1, 1000))
    seen = [(f.index, f.time_s) for f in analysis.read_frames(io.BytesIO(data), fps=4)]
    assert seen == [(0, 0.0), (3, 0.3), (5, 0.9), (6, 1.01)]
    assert len(list(analysis.read_frames(io.BytesIO(data), fps=10_000))) == 7


@pytest.mark.parametrize("codec", ["aac", "libmp3lame", "pcm_s16le"])
def test_the_sound_is_kept_and_stays_with_the_pictures(codec: str) -> None:
    """A click at 1.5 s, with the white picture, must come at 0.5 s of the part from 1 s on."""
    data = clicking(codec)
    out = io.BytesIO()
    settings = VideoSettings(start_s=1.0, end_s=2.0, drawn=False)
    analysis.analyze_video(io.BytesIO(data), analyzer(), name="a", settings=settings, annotated=out)
    with av.open(io.BytesIO(out.getvalue()), "r") as container:
        assert container.streams.audio[0].codec.canonical_name == "aac"
        sound = [
            (frame.time or 0.0, float(np.abs(frame.to_ndarray()).max()))
            for frame in container.decode(audio=0)
        ]
    loudest = max(sound, key=lambda piece: piece[1])
    assert loudest[0] == pytest.approx(0.5, abs=0.15)  # a piece of sound lasts 0.13 s
    assert sound[-1][0] < 1.1
    bright = [f.time_s for f in analysis.read_frames(out) if f.image.mean() > 200]
    assert bright == [0.5]


def clicking(codec: str) -> bytes:
    """Three seconds, black and silent but for one white picture and a click at 1.5 s."""
    out = io.BytesIO()
    with av.open(out, "w", format="mov") as target:
        stream = target.add_stream("libx264", rate=10, options={"g": "1", "crf": "10"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        audio = cast(AudioStream, target.add_stream(codec, rate=8000, layout="mono"))
        for index in range(30):
            image = plain(64, 48, (255,) * 3 if index == 15 else (0,) * 3)
            frame = av.VideoFrame.from_ndarray(image, "rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 10)
            target.mux(stream.encode(frame))
            wave = np.zeros((1, 800), np.int16)
            if index == 15:
                wave[0, :200] = 20_000 * (-1) ** np.arange(200)
            piece = av.AudioFrame.from_ndarray(wave, "s16", "mono")
            piece.rate, piece.pts, piece.time_base = 8000, 800 * index, Fraction(1, 8000)
            target.mux(audio.encode(piece))
        target.mux(stream.encode())
        target.mux(audio.encode())
    return out.getvalue()


def test_the_numbers_do_not_depend_on_how_fast_which_part_is() -> None:
    """A face that wanders and leaves, found by a detector of changing speed."""

    class Slow:
        name = "slow"

        def __init__(self, pauses: list[float]) -> None:
            self.pauses = cycle(pauses)

        def detect(self, image: Image) -> tuple[Face, ...]:
            time.sleep(next(self.pauses))
            left = int(image.mean()) // 8
            return () if left > 17 else (Face((left, 4, left + 20, 30), 0.9),)

    told = []
    for pauses in ([0.0], [0.02, 0.0], [0.0, 0.01, 0.03]):
        reader = Analyzer(Slow(pauses), FakeClassifier())
        told.append(
            "".join(
                frames_csv(analysis.analyze_video(io.BytesIO(clip(range(12))), reader, name="a"))
            )
        )
    assert told[0].count("happy") > 4
    assert told[0] == told[1] == told[2]


def test_frames_come_from_the_reader_that_is_given() -> None:
    class Reader:
        def probe(self, source: Path | BinaryIO) -> analysis.VideoInfo:
            assert isinstance(source, FileView)
            return analysis.VideoInfo(64, 48, None, None, None, Fraction(1, 10), 0.0)

        def read_frames(
            self, source: Path | BinaryIO, **options: object
        ) -> Generator[analysis.VideoFrame]:
            assert isinstance(source, FileView)
            assert set(options) == {"start_s", "end_s", "fps"}
            for index in range(7):
                yield analysis.VideoFrame(index, index / 10, plain(64, 48), index)

    report = analysis.analyze_video(
        io.BytesIO(b"nobody looks at this"), analyzer(), name="a", reader=Reader()
    )
    assert [frame.index for frame in report.frames] == list(range(7))


def test_progress_is_told_after_every_frame() -> None:
    told: list[analysis.Progress] = []
    analysis.analyze_video(io.BytesIO(clip()), analyzer(), name="a", on_progress=told.append)
    assert [p.done for p in told] == list(range(1, 11))
    assert {p.total for p in told} == {10}
    assert told[-1].seconds_left == 0
    assert told[-1].frames_per_s > 0


def test_stopping_keeps_what_was_done(tmp_path: Path) -> None:
    calls = iter([False, False, True])
    path = tmp_path / "annotated.mp4"
    report = analysis.analyze_video(
        io.BytesIO(clip()),
        analyzer(),
        name="a",
        annotated=path,
        should_stop=lambda: next(calls),
    )
    assert len(report.frames) == 3
    assert report.settings["stopped_at_s"] == 0.2
    assert len(list(analysis.read_frames(path))) == 3


def test_a_video_that_breaks_off_is_analysed_up_to_there(media: Path) -> None:
    whole = (media / "pyfeat_face_noface.mov").read_bytes()
    matroska = repack(whole, "matroska")  # can be read without its end
    cut = matroska[: len(matroska) // 2]
    report = analysis.analyze_video(io.BytesIO(cut), analyzer(FakeDetector(())), name="a")
    assert 10 < len(report.frames) < 160
    assert report.settings["broken_at_s"] == pytest.approx(report.frames[-1].time_s, abs=0.5)


def test_sound_does_not_hide_that_the_pictures_break_off() -> None:
    """In Matroska only a tag tells how long the pictures were to last."""
    out = io.BytesIO()
    with (
        av.open(io.BytesIO(clicking("aac")), "r") as source,
        av.open(out, "w", format="matroska") as target,
    ):
        copies = [target.add_stream_from_template(stream) for stream in source.streams]
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = copies[packet.stream_index]
                target.mux(packet)
    whole = out.getvalue()
    for data, broken in ((whole, False), (whole[: len(whole) // 2], True)):
        report = analysis.analyze_video(io.BytesIO(data), analyzer(FakeDetector(())), name="a")
        assert ("broken_at_s" in report.settings) is broken


def test_an_error_leaves_no_annotated_file_behind(tmp_path: Path) -> None:
    def fail(progress: analysis.Progress) -> None:
        if progress.done == 5:
            raise RuntimeError("closed tab")

    path, memory = tmp_path / "annotated.mp4", io.BytesIO()
    for target in (path, memory):
        with pytest.raises(RuntimeError, match="closed tab"):
            analysis.analyze_video(
                io.BytesIO(clip()), analyzer(), name="a", annotated=target, on_progress=fail
            )
    assert list(tmp_path.iterdir()) == []
    assert memory.getvalue() == b""


def test_a_place_that_cannot_be_written_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="cannot be written"):
        analysis.analyze_video(
            io.BytesIO(clip()), analyzer(), name="a", annotated=tmp_path / "none" / "a.mp4"
        )


def test_a_full_disk_gets_a_sentence_and_leaves_nothing() -> None:
    class Full(io.BytesIO):
        def write(self, _data: object, /) -> int:
            raise OSError(28, "No space left on device")

    full = Full()
    with pytest.raises(MediaError, match="No space left"):
        analysis.analyze_video(io.BytesIO(clip()), analyzer(), name="a", annotated=full)
    assert full.getvalue() == b""


def test_no_picture_is_lost_at_the_end_of_a_variable_rate() -> None:
    ticks = [0, 1, 57, 58, 79, 80]
    out = io.BytesIO()
    with analysis.VideoWriter(out, Fraction(1, 24), 1.24) as writer:
        for pts in ticks:
            writer.write(plain(16, 16), pts)
    assert times(out.getvalue()) == pytest.approx([pts / 24 for pts in ticks])


def test_time_must_advance_when_writing() -> None:
    with analysis.VideoWriter(io.BytesIO(), Fraction(1, 10)) as writer:
        writer.write(plain(16, 16), 1)
        with pytest.raises(ValueError, match="must grow"):
            writer.write(plain(16, 16), 1)


# Real media


@pytest.mark.parametrize(
    ("name", "frames", "last_s"),
    [
        ("pyfeat_single_face.mp4", 72, 2.367),
        ("pyfeat_face_noface.mov", 169, 6.361),
        ("pyfeat_no_face.mp4", 95, 3.917),
        ("fr_short_hamilton_clip.mp4", 275, None),
    ],
)
def test_real_clips_are_read_whole(
    media: Path, name: str, frames: int, last_s: float | None
) -> None:
    read = [(f.index, f.time_s) for f in analysis.read_frames(media / name)]
    assert [index for index, _ in read] == list(range(frames))
    if last_s is not None:
        assert read[-1][1] == pytest.approx(last_s, abs=0.001)


def test_one_face_is_one_track_and_ends_when_the_face_leaves(
    media: Path, yunet_model: Path
) -> None:
    from fer.faces import YuNetDetector

    report = analysis.analyze_video(
        media / "pyfeat_face_noface.mov",
        Analyzer(YuNetDetector(yunet_model), FakeClassifier()),
        name="a",
    )
    seen = [f.time_s for f in report.frames if f.predictions]
    assert {p.face.track for f in report.frames for p in f.predictions} == {1}
    assert seen[0] == 0.0
    assert seen[-1] == pytest.approx(2.37, abs=0.1)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pyfeat_single_face.mp4", [("neutral", 0.0), ("happy", 0.83)]),
        ("pyfeat_no_face.mp4", []),
    ],
)
def test_the_whole_way_reads_real_clips_right(
    media: Path, yunet_model: Path, name: str, expected: list[tuple[str, float]]
) -> None:
    """One face that goes from neutral to happy; and no face at all."""
    from fer.classifier import FacialExpressionModel
    from fer.faces import YuNetDetector

    reader = Analyzer(YuNetDetector(yunet_model), FacialExpressionModel.load())
    found = segments_of(analysis.analyze_video(media / name, reader, name=name))
    assert {segment.track for segment in found} == ({1} if expected else set())
    assert [segment.expression for segment in found] == [label for label, _ in expected]
    starts = [segment.start_s for segment in found]
    assert starts == pytest.approx([start for _, start in expected], abs=0.25)
