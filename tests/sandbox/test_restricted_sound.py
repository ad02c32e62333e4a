"""Sound that was decoded in a child: as long, at the same time, and as loud as the original."""

from __future__ import annotations

import io
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from fer.media import video_reader
from fer.media.sound import RATE, Sound, read_samples
from fer.media.video_writer import VideoWriter
from fer.sandbox import restricted
from fer.sandbox.restricted_sound import open_sound

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux alone can confine")


def beeps(codec: str = "pcm_s16le", seconds: float = 3.0, rate: int = 22_050) -> io.BytesIO:
    """A grey clip with a tone that is loud in every second half of a second."""
    times = np.arange(int(seconds * rate)) / rate
    tone = np.sin(2 * np.pi * 440 * times) * (times % 1 >= 0.5) * 20_000
    out = io.BytesIO()
    with av.open(out, "w", format="matroska") as target:
        video = target.add_stream("mpeg4", rate=10)
        video.width, video.height, video.pix_fmt = 32, 32, "yuv420p"
        audio: Any = target.add_stream(codec, rate=rate, layout="mono")
        for index in range(int(seconds * 10)):
            picture = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 90, np.uint8), "rgb24")
            picture.pts, picture.time_base = index, Fraction(1, 10)
            target.mux(video.encode(picture))
        sound = av.AudioFrame.from_ndarray(tone.astype(np.int16)[np.newaxis], "s16", "mono")
        sound.sample_rate, sound.pts, sound.time_base = rate, 0, Fraction(1, rate)
        target.mux([*audio.encode(sound), *audio.encode(), *video.encode()])
    return out


def rewritten(source: io.BytesIO | Path, start_s: float, restrict: bool) -> bytes:
    info = video_reader.probe(source)
    out = io.BytesIO()
    opened = open_sound(source, start_s) if restrict else Sound(source, start_s)
    with opened as sound, VideoWriter(out, info.time_base, info.fps, sound) as writer:
        file = source if isinstance(source, Path) else io.BytesIO(source.getvalue())
        frames = list(video_reader.read_frames(file, start_s=start_s))
        for frame in frames:
            writer.write(frame.image, frame.pts - frames[0].pts)
    return out.getvalue()


def loudness(data: bytes) -> NDArray[np.float64]:
    """Mean level in each tenth of a second."""
    with av.open(io.BytesIO(data), "r") as container:
        stream = container.streams.audio[0]
        heard = np.concatenate([f.to_ndarray().mean(axis=0) for f in container.decode(stream)])
        per_tenth = stream.rate // 10
    whole = heard[: len(heard) // per_tenth * per_tenth].astype(np.float64)
    return np.asarray(np.abs(whole.reshape(-1, per_tenth)).mean(axis=1))


@pytest.mark.parametrize("start_s", [0.0, 1.0])
def test_sound_comes_at_the_time_at_which_it_was(start_s: float) -> None:
    levels = loudness(rewritten(beeps(), start_s, restrict=True))
    loud = (levels > 0.2).tolist()
    expected = [tenth % 10 >= 5 for tenth in range(round((3 - start_s) * 10))]
    # The encoder may smear a tenth at each edge of a tone.
    assert sum(a != b for a, b in zip(loud, expected, strict=False)) <= 2 * 3
    assert abs(len(loud) - len(expected)) <= 1


def test_real_sound_is_as_long_and_as_loud_as_when_copied(media: Path) -> None:
    clip = media / "pyfeat_single_face.mp4"
    there, here = (loudness(rewritten(clip, 0.0, restrict=r)) for r in (True, False))
    assert abs(len(there) - len(here)) <= 1
    n = min(len(there), len(here))
    assert np.corrcoef(there[:n], here[:n])[0, 1] > 0.9


def test_a_video_without_sound_stays_without() -> None:
    out = io.BytesIO()
    with VideoWriter(out, Fraction(1, 10), 10) as writer:
        for pts in range(5):
            writer.write(np.zeros((16, 16, 3), np.uint8), pts)
    with av.open(io.BytesIO(rewritten(out, 0.0, restrict=True))) as container:
        assert not container.streams.audio


def test_damaged_sound_costs_the_sound_alone() -> None:
    data = bytearray(beeps("aac").getvalue())
    data[len(data) // 2 :] = bytes(len(data) - len(data) // 2)
    pieces = list(read_samples(io.BytesIO(bytes(data)), 0.0))
    assert pieces
    assert sum(len(samples) for _, samples in pieces) < 2 * 3 * RATE


def test_samples_are_two_channels_at_one_rate() -> None:
    pieces = list(read_samples(beeps(), 0.0))
    assert sum(len(samples) for _, samples in pieces) == pytest.approx(2 * 3 * RATE, rel=0.01)
    assert all(samples.dtype == np.float32 for _, samples in pieces)
    assert pieces[1][0] == pytest.approx(len(pieces[0][1]) / 2 / RATE, abs=1e-3)


def test_where_nothing_is_restricted_sound_is_read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(restricted.UNRESTRICTED_VARIABLE, "1")
    assert type(open_sound(beeps(), 0.0)) is Sound
