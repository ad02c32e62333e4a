"""The load harness's own parts; the harness itself is run by hand, see docs/webrtc.md."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.codeccontext import VideoCodecContext
from numpy.typing import NDArray

from tools.live_load import clip
from tools.live_load.faults import look, undisturbed
from tools.live_load.namespace import refuse_outside
from tools.live_load.run import Run, Viewer, wait_for


def test_every_frame_carries_its_number_through_the_codec_mirrored_or_not() -> None:
    made = clip.make_clip(320, 240)
    decoder = av.CodecContext.create("libvpx", "r")
    assert isinstance(decoder, VideoCodecContext)
    frames = [
        np.asarray(frame.to_ndarray(format="gray"), np.uint8)
        for packet in made.packets
        for frame in decoder.decode(av.Packet(packet))
    ]
    assert [clip.read_number(frame) for frame in frames] == list(range(clip.FRAMES))
    assert [clip.read_number(frame[:, ::-1]) for frame in frames] == list(range(clip.FRAMES))


def test_clips_reach_the_viewers_as_they_were(tmp_path: Path) -> None:
    clips = (clip.Clip(4, 2, (b"a", b"b")),)
    clip.save(clips, tmp_path / "clips")
    assert clip.load(tmp_path / "clips") == clips


def test_no_load_leaves_the_harness() -> None:
    with pytest.raises(SystemExit, match="inside the harness's own network namespace only"):
        refuse_outside()


def test_only_complete_lines_are_read(tmp_path: Path) -> None:
    (tmp_path / "ages.txt").write_text("7 10.0 50.0\n8 10.5 60.0\n7 12.0 70.0\n7 12.5 8")
    ages = Run(tmp_path).ages(9.0, 12.2)
    assert {stream: values.tolist() for stream, values in ages.items()} == {7: [50, 70], 8: [60]}
    target = tmp_path / "viewer.txt"
    assert Viewer(None, target).seen().shape == (0, 3)  # type: ignore[arg-type]  # not there yet
    target.write_text("1.5 80.0 640\n2.")
    np.testing.assert_array_equal(Viewer(None, target).seen(), [[1.5, 80.0, 640]])  # type: ignore[arg-type]


def test_waiting_has_an_end() -> None:
    assert wait_for(lambda: True, "nothing") >= 0
    with pytest.raises(TimeoutError, match="a miracle did not come about"):
        wait_for(lambda: False, "a miracle", limit_s=0.0)


def rows(fps: float, age_ms: float) -> NDArray[np.float64]:
    """Ten seconds of a viewer."""
    times = np.arange(0, 10, 1 / fps)
    return np.stack([times, np.full(len(times), age_ms), np.full(len(times), 640)], axis=1)


def test_what_a_viewer_saw_is_summed_up() -> None:
    seen = look(rows(10, 80.0), 2.0, 12.0)
    assert seen.fps == pytest.approx(8.0)
    assert seen.age_ms_p95 == pytest.approx(80.0)
    assert seen.longest_gap_s == pytest.approx(2.1)  # at the end
    nothing = look(rows(10, 80.0), 20.0, 24.0)
    assert (nothing.fps, nothing.age_ms_p95, nothing.longest_gap_s) == (0.0, np.inf, 4.0)


@pytest.mark.parametrize(
    ("fps", "age_ms", "expected"), [(9, 90.0, True), (6, 90.0, False), (9, 400.0, False)]
)
def test_who_gets_fewer_or_older_pictures_is_disturbed(
    fps: float, age_ms: float, expected: bool
) -> None:
    before, during = look(rows(10, 80.0), 0.0, 10.0), look(rows(fps, age_ms), 0.0, 10.0)
    assert undisturbed(before, during) is expected


def test_a_long_gap_disturbs() -> None:
    before = look(rows(10, 80.0), 0.0, 10.0)
    assert not undisturbed(before, replace(before, longest_gap_s=3.0))
