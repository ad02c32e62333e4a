from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from fer.types import COLORS, FrameResult, VideoReport
from fer.video.bundle import make_parts, write_zip
from fer.video.moments import Moments
from fer.video.timeline_picture import draw_timeline
from tests.fakes import frame, prediction

FRAMES = tuple(
    frame(face, index=i, time_s=i / 10)
    for i, face in enumerate(
        [prediction(track=1, happy=0.8)] * 5 + [prediction(track=1, sad=0.8)] * 5
    )
)


def of(*frames: FrameResult) -> VideoReport:
    return VideoReport("a.mp4", "fake-cnn", "h", "d", frames, {"dwell_s": 0.2})


def collected() -> Moments:
    moments = Moments()
    for result in FRAMES:
        moments.add(np.zeros((120, 160, 3), np.uint8), result)
    return moments


def test_a_bundle_holds_every_part_and_is_the_same_each_time(tmp_path: Path) -> None:
    parts = {name: b"".join(pieces) for name, pieces in make_parts(of(*FRAMES), collected())}
    assert set(parts) == {
        *("frames.csv", "raw.csv", "segments.csv", "captions.vtt", "report.json", "timeline.png"),
        *("moments/track1_happy_0.00s.jpg", "moments/track1_sad_0.50s.jpg"),
    }
    video = tmp_path / "annotated.mp4"
    video.write_bytes(b"pictures")
    zips = []
    for annotated in (video, b"pictures", b"pictures"):
        target = io.BytesIO()
        write_zip(target, ((name, [data]) for name, data in parts.items()), annotated)
        zips.append(target.getvalue())
        with zipfile.ZipFile(target) as archive:
            assert archive.testzip() is None
            assert archive.read("annotated.mp4") == b"pictures"
            assert archive.read("segments.csv") == parts["segments.csv"]
    assert zips[1] == zips[2]


def test_the_timeline_shows_each_expression_where_it_was() -> None:
    picture = np.asarray(PillowImage.open(io.BytesIO(draw_timeline(of(*FRAMES)))))
    rows = picture[105:180]  # the stacked probabilities of the only face
    for label, columns in (("happy", slice(100, 600)), ("sad", slice(680, 1170))):
        color = [int(COLORS[label][i : i + 2], 16) for i in (1, 3, 5)]
        share = (rows[:, columns] == color).all(axis=2).mean()
        assert share == pytest.approx(0.8, abs=0.1)


@pytest.mark.parametrize("frames", [(), (frame(),), FRAMES[:1]])
def test_a_timeline_of_next_to_nothing_is_a_picture_too(frames: tuple[FrameResult, ...]) -> None:
    with PillowImage.open(io.BytesIO(draw_timeline(of(*frames)))) as picture:
        assert picture.width == 1200
