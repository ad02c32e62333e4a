from __future__ import annotations

import numpy as np

from fer.media.photo_formats import decode_image
from fer.types import FrameResult, Image, VideoReport
from fer.video.moments import Moments, key_moments
from tests.fakes import frame, prediction

GREY = np.full((120, 160, 3), 128, np.uint8)


def collect(*frames: FrameResult, image: Image = GREY) -> Moments:
    moments = Moments()
    for result in frames:
        moments.add(image, result)
    return moments


def test_the_clearest_moment_of_each_expression_is_kept() -> None:
    frames = (
        frame(prediction(track=1, happy=0.6), index=0, time_s=0.0),
        frame(prediction(track=1, happy=0.9), index=1, time_s=0.1),
        frame(prediction(track=1, happy=0.95, quality=("turned",)), index=2, time_s=0.2),
        frame(prediction(track=1, sad=0.5), index=3, time_s=0.3),
    )
    moments = collect(*frames)
    assert moments.face(1, "happy", 1) is not None
    assert moments.face(1, "happy", 0) is None
    report = VideoReport("a", "m", "h", "d", frames, {"dwell_s": 0.0})
    found = [(m.expression, m.time_s, m.file_name) for m in key_moments(report, moments)]
    assert found == [
        ("happy", 0.1, "moments/track1_happy_0.10s.jpg"),
        ("sad", 0.3, "moments/track1_sad_0.30s.jpg"),
    ]


def test_the_picture_is_of_the_face_wherever_it_is() -> None:
    image = GREY.copy()
    image[:40, 120:] = (250, 20, 20)
    jpeg = collect(frame(prediction((120, 0, 160, 40), track=1)), image=image).face(1, "happy", 0)
    assert jpeg is not None
    portrait = decode_image(jpeg)
    assert portrait.shape == (160, 160, 3)
    assert (portrait[20:80, 80:140].mean((0, 1)) - (250, 20, 20) < 20).all()


def test_pictures_along_time_stay_few_and_evenly_spread() -> None:
    moments = collect(*(frame(index=i, time_s=i / 10) for i in range(1000)))
    times = [time for time, _ in moments.strip]
    assert 40 <= len(times) <= 97
    assert len(set(np.diff(times).round(6))) == 1
    assert times[0] == 0.0
    assert times[-1] > 90


def test_faces_seen_least_are_dropped_when_there_are_too_many() -> None:
    moments = Moments()
    for index in range(5):
        moments.add(GREY, frame(prediction(track=1), index=index, time_s=index / 10))
    for track in range(2, 500):
        moments.add(GREY, frame(prediction(track=track), index=track + 5, time_s=track))
    assert moments.face(1, "happy", 0) is not None
    kept = [track for track in range(1, 500) if (track, "happy") in moments._faces]
    assert len(kept) == 300
