from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np

from fer.faces import YuNetDetector
from fer.media import sample
from fer.types import Image
from fer.video.analysis import probe, read_frames


def test_the_portrait_is_the_one_from_scikit_image(astronaut: Image) -> None:
    portrait = sample.portrait()
    assert portrait.shape == astronaut.shape
    assert np.abs(portrait.astype(int) - astronaut).mean() < 3  # what JPEG costs


def test_the_clip_is_a_short_video_with_motion() -> None:
    clip = sample.open_clip()
    info = probe(clip)
    assert (info.width, info.height, info.fps, info.duration_s) == (480, 360, 15.0, 4.0)
    frames = [frame.image.astype(int) for frame in read_frames(clip)]
    assert len(frames) == 60
    assert all(np.abs(a - b).mean() > 0.1 for a, b in pairwise(frames))


def test_every_frame_of_the_clip_shows_one_face(tmp_path: Path, yunet_model: Path) -> None:
    path = tmp_path / "clip.mp4"
    sample.make_sample_clip(path)
    detector = YuNetDetector(yunet_model)
    assert {len(detector.detect(frame.image)) for frame in read_frames(path)} == {1}
