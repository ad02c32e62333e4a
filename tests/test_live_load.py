"""The load harness's own parts; the harness itself is run by hand, see docs/webrtc.md."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from av.video.codeccontext import VideoCodecContext

from tools.live_load import clip
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
    assert Viewer(None, target).seen().shape == (0, 2)  # type: ignore[arg-type]  # not there yet
    target.write_text("1.5 80.0\n2.")
    np.testing.assert_array_equal(Viewer(None, target).seen(), [[1.5, 80.0]])  # type: ignore[arg-type]


def test_waiting_has_an_end() -> None:
    assert wait_for(lambda: True, "nothing") >= 0
    with pytest.raises(TimeoutError, match="a miracle did not come about"):
        wait_for(lambda: False, "a miracle", limit_s=0.0)
