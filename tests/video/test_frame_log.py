from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fer.quality import FLAGS
from fer.types import Face, FacePrediction, FrameResult
from fer.video.frame_log import FrameLog
from tests.fakes import frame, prediction, probabilities

LANDMARKS = np.arange(10, dtype=np.float32).reshape(5, 2) / np.float32(3)

faces = st.builds(
    lambda left, score, landmarks, track, quality, raw: FacePrediction(
        Face((left, 0, left + 9, 7), score, LANDMARKS if landmarks else None, track),
        probabilities(happy=0.6),
        tuple(flag for flag in FLAGS if flag in quality),
        probabilities(sad=0.7) if raw else None,
    ),
    st.integers(0, 90),
    st.floats(0, 1),
    st.booleans(),
    st.one_of(st.none(), st.integers(1, 2**31 - 1)),
    st.sets(st.sampled_from(FLAGS)),
    st.booleans(),
)
results = st.builds(
    lambda index, time_s, found: FrameResult(index, time_s, 100, 50, tuple(found)),
    st.integers(0, 2**40),
    st.floats(0, 1e6),
    st.lists(faces, max_size=4),
)


def told(result: FrameResult) -> tuple[object, ...]:
    """All of a result, in a form that can be compared."""
    return (
        (result.index, result.time_s, result.width, result.height),
        [
            (
                (p.face.box, p.face.score, p.face.track, p.quality),
                None if p.face.landmarks is None else p.face.landmarks.tolist(),
                p.probabilities.tolist(),
                None if p.raw is None else p.raw.tolist(),
            )
            for p in result.predictions
        ],
    )


@settings(deadline=None)
@given(st.lists(results, max_size=12))
def test_what_is_taken_out_is_what_was_put_in(given_results: list[FrameResult]) -> None:
    log = FrameLog.of(given_results)
    assert list(map(told, log)) == list(map(told, given_results))
    assert list(map(told, log[1:3])) == list(map(told, given_results[1:3]))
    assert FrameLog.of(log) is log
    if given_results:
        assert told(log[-1]) == told(given_results[-1])


def test_an_hour_takes_twenty_megabytes() -> None:
    log = FrameLog.of(frame(prediction(track=1), index=i, time_s=i / 30) for i in range(1000))
    per_frame = (log.frames.nbytes + log.faces.nbytes) / len(log)
    assert 30 * 3600 * per_frame < 20e6


def test_what_somebody_looks_at_stays_when_the_log_grows() -> None:
    log = FrameLog()
    views = []
    for i in range(300):
        log.append(frame(prediction(track=i + 1), index=i, time_s=i / 30))
        views.append((log.frames, log.faces))
    for count, (frames, faces) in enumerate(views, start=1):
        assert frames["index"].tolist() == list(range(count))
        assert faces["track"].tolist() == list(range(1, count + 1))
