from __future__ import annotations

import asyncio
import io
import logging
import threading
from collections.abc import Callable
from fractions import Fraction

import av
import numpy as np
import PIL.Image
import pytest

from fer.errors import DetectorError
from fer.live.processor import BUSY, ExpressionProcessor, LiveState
from fer.live.seats import Seats
from fer.live.session import LiveSession
from fer.live.settings import LiveSettings
from fer.pipeline import Analyzer
from fer.types import Face, Image
from tests.fakes import FakeClassifier, FakeDetector


class Clock:
    """Seconds that pass only when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class FaultyDetector(FakeDetector):
    """Raises what it was told to, until it is told not to."""

    fault: Exception | None = None

    def detect(self, image: Image) -> tuple[Face, ...]:
        if self.fault is not None:
            raise self.fault
        return super().detect(image)


def grey_frame(width: int = 160, height: int = 120) -> av.VideoFrame:
    # yuv420p, as a browser's stream is decoded.
    frame = av.VideoFrame.from_ndarray(
        np.full((height, width, 3), 128, np.uint8), format="rgb24"
    ).reformat(format="yuv420p")
    frame.pts = 0
    return frame


def pixels(frame: av.VideoFrame) -> Image:
    return np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


def processor(
    detector: FakeDetector | None = None,
    *,
    clock: Callable[[], float] | None = None,
    session: LiveSession | None = None,
    seats: Seats | None = None,
    limit: int = 1,
) -> ExpressionProcessor:
    def make_analyzer() -> Analyzer:
        return Analyzer(detector or FakeDetector(), FakeClassifier())

    clock = clock or Clock()
    return ExpressionProcessor(
        make_analyzer, session=session, seats=seats or Seats(clock), limit=limit, clock=clock
    )


def test_a_face_is_drawn_and_kept_as_the_latest_result() -> None:
    live = processor()
    out = live.recv(grey_frame())
    assert (out.width, out.height) == (160, 120)
    assert not np.array_equal(pixels(out), pixels(grey_frame()))
    result = live.latest().result
    assert result is not None
    assert [(p.label, p.face.track is not None) for p in result.predictions] == [("happy", True)]


def test_before_the_first_frame_there_is_nothing() -> None:
    assert processor().latest() == LiveState()


def test_a_person_keeps_the_number_from_frame_to_frame() -> None:
    clock = Clock()
    live = processor(clock=clock)
    tracks = set()
    for _ in range(5):
        live.recv(grey_frame())
        clock.now += 0.1
        result = live.latest().result
        assert result is not None
        tracks.add(result.predictions[0].face.track)
    assert len(tracks) == 1


def test_frames_are_numbered_and_timed_by_the_streams_own_clock() -> None:
    clock = Clock()
    live = processor(clock=clock)
    live.recv(grey_frame())
    clock.now += 0.5
    live.recv(grey_frame())
    result = live.latest().result
    assert result is not None
    assert (result.index, result.time_s) == (1, 0.5)


def test_the_analyzer_is_made_once_on_the_video_thread() -> None:
    made_on = []

    def make_analyzer() -> Analyzer:
        made_on.append(threading.current_thread().name)
        return Analyzer(FakeDetector(), FakeClassifier())

    live = ExpressionProcessor(make_analyzer, seats=Seats())
    assert made_on == []
    thread = threading.Thread(
        target=lambda: [live.recv(grey_frame()) for _ in range(3)], name="video"
    )
    thread.start()
    thread.join()
    assert made_on == ["video"]


def test_an_exception_returns_the_frame_itself_and_is_told() -> None:
    detector = FaultyDetector()
    detector.fault = RuntimeError("boom")
    live = processor(detector)
    frame = grey_frame()
    assert live.recv(frame) is frame
    state = live.latest()
    assert state.result is None
    assert state.error is not None
    assert "RuntimeError" in state.error


def test_it_recovers_from_an_exception() -> None:
    detector = FaultyDetector()
    detector.fault = RuntimeError("boom")
    live = processor(detector)
    live.recv(grey_frame())
    detector.fault = None
    live.recv(grey_frame())
    state = live.latest()
    assert state.error is None
    assert state.result is not None


def test_a_message_written_for_the_user_is_shown_as_it_is() -> None:
    def make_analyzer() -> Analyzer:
        raise DetectorError("The detector's file is damaged. Delete it and start again.")

    live = ExpressionProcessor(make_analyzer, seats=Seats())
    frame = grey_frame()
    assert live.recv(frame) is frame
    assert live.latest().error == "The detector's file is damaged. Delete it and start again."


def test_a_lasting_fault_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    detector = FaultyDetector()
    detector.fault = RuntimeError("boom")
    live = processor(detector)
    with caplog.at_level(logging.ERROR, logger="fer.live.processor"):
        for _ in range(10):
            live.recv(grey_frame())
    assert len(caplog.records) == 1


def test_a_frame_without_a_face_is_an_empty_result() -> None:
    live = processor(FakeDetector(()))
    live.recv(grey_frame())
    result = live.latest().result
    assert result is not None
    assert result.predictions == ()


def test_the_camera_may_change_its_resolution() -> None:
    live = processor()
    for width, height in [(160, 120), (320, 240), (160, 120), (64, 48)]:
        out = live.recv(grey_frame(width, height))
        assert (out.width, out.height) == (width, height)
        assert live.latest().error is None


def test_speed_is_measured_over_the_last_seconds() -> None:
    clock = Clock()

    class SlowDetector(FakeDetector):
        def detect(self, image: Image) -> tuple[Face, ...]:
            clock.now += 0.05
            return super().detect(image)

    live = processor(SlowDetector(), clock=clock)
    for _ in range(100):
        live.recv(grey_frame())
        clock.now += 0.05
    speed = live.latest().speed
    assert speed.frames_per_s == pytest.approx(10, rel=0.05)
    assert speed.stage_ms["find faces"] == pytest.approx(50)
    clock.now += 60  # the camera has stopped
    assert live.latest().speed.frames_per_s == 0


def test_the_first_frames_tell_the_speed_already() -> None:
    clock = Clock()
    live = processor(clock=clock)
    clock.now += 20  # the connection took its time
    for _ in range(3):
        live.recv(grey_frame())
        clock.now += 0.1
    assert live.latest().speed.frames_per_s == pytest.approx(10)


def test_frames_that_wait_are_dropped_and_the_newest_is_analysed() -> None:
    detector = FakeDetector()
    live = processor(detector)
    waiting = [grey_frame(64, 48), grey_frame(64, 48), grey_frame(160, 120)]
    out = asyncio.run(live.recv_queued(waiting))
    assert [frame.width for frame in out] == [160]
    assert detector.calls == 1
    speed = live.latest().speed
    assert (speed.dropped, speed.received) == (2, 3)


def stamped(seconds: float) -> av.VideoFrame:
    frame = grey_frame()
    frame.pts, frame.time_base = round(seconds * 90_000), Fraction(1, 90_000)
    return frame


def test_frames_that_come_too_late_are_left_out_so_that_decoding_catches_up() -> None:
    clock, detector = Clock(), FakeDetector()
    live = processor(detector, clock=clock)

    def send(timestamp_s: float, at_s: float) -> int:
        clock.now = 100 + at_s
        return len(asyncio.run(live.recv_queued([stamped(timestamp_s)])))

    assert send(0.0, 0.0) == 1
    assert send(0.1, 0.1 + 0.3) == 1  # a little late
    assert send(0.2, 0.2 + 0.8) == 0
    assert send(0.3, 0.3 + 0.9) == 0
    assert send(0.4, 0.4 + 1.2) == 1  # a second without a result: better late than nothing
    assert send(1.7, 1.7) == 1  # in time again
    assert detector.calls == 4
    assert live.latest().speed.dropped == 2


def test_a_frame_that_takes_very_long_does_not_end_the_stream(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The library gives up a stream whose frame takes ten seconds."""
    monkeypatch.setattr("fer.live.processor._PATIENCE_S", 0.01)
    go_on = threading.Event()

    class StuckDetector(FakeDetector):
        def detect(self, image: Image) -> tuple[Face, ...]:
            go_on.wait(10)
            return super().detect(image)

    live = processor(StuckDetector())
    assert asyncio.run(live.recv_queued([grey_frame()])) == []
    assert asyncio.run(live.recv_queued([grey_frame(), grey_frame()])) == []
    go_on.set()
    monkeypatch.setattr("fer.live.processor._PATIENCE_S", 10.0)
    (out,) = asyncio.run(live.recv_queued([grey_frame()]))
    assert not np.array_equal(pixels(out), pixels(grey_frame()))
    (_,) = asyncio.run(live.recv_queued([grey_frame()]))
    speed = live.latest().speed
    assert (speed.dropped, speed.received) == (3, 5)
    live.on_ended()


def test_the_page_may_ask_at_any_time() -> None:
    live = processor()
    stop = threading.Event()
    seen: list[LiveState] = []

    def ask() -> None:
        while not stop.is_set():
            seen.append(live.latest())

    thread = threading.Thread(target=ask)
    thread.start()
    for _ in range(20):
        live.recv(grey_frame())
    stop.set()
    thread.join()
    assert all(state.error is None for state in seen)


def test_settings_hold_from_the_next_frame_on() -> None:
    session = LiveSession(LiveSettings(mirror=False))
    live = processor(FakeDetector(((10, 10, 50, 60),)), session=session)
    plain = pixels(live.recv(grey_frame()))
    session.settings = LiveSettings(mirror=True)
    mirrored = pixels(live.recv(grey_frame()))
    assert (plain[20:50, 8:14] != 128).any()
    assert (mirrored[20:50, 8:14] == 128).all()
    result = live.latest().result
    assert result is not None
    assert result.predictions[0].face.box == (10, 10, 50, 60)  # the numbers are not mirrored


def test_under_the_least_confidence_a_face_is_unsure() -> None:
    session = LiveSession(LiveSettings(least_confidence=0.9))
    live = processor(session=session)
    live.recv(grey_frame())
    assert list(live.latest().labels.values()) == ["unsure"]


def test_what_is_seen_is_recorded() -> None:
    clock, session = Clock(), LiveSession()
    live = processor(clock=clock, session=session)
    for _ in range(10):
        live.recv(grey_frame())
        clock.now += 0.1
    assert session.recording is not None
    assert len(session.recording.frames()) == 5  # per second
    assert session.detector == "fake detector"
    assert session.run is not None
    assert session.run.name == "fake-cnn"  # whatever the visitor chooses meanwhile


def test_a_snapshot_is_the_picture_as_it_was_shown() -> None:
    live = processor()
    assert live.snapshot() is None
    shown = pixels(live.recv(grey_frame()))
    taken = live.snapshot()
    assert taken is not None
    picture = PIL.Image.open(io.BytesIO(taken))
    np.testing.assert_array_equal(np.asarray(picture), shown)
    assert "not for decisions about people" in picture.text["Description"]  # type: ignore[attr-defined]
    live.on_ended()
    assert live.snapshot() is None


def test_beyond_the_limit_the_picture_goes_on_without_analysis() -> None:
    clock = Clock()
    seats = Seats(clock)
    first, detector = processor(seats=seats, clock=clock), FakeDetector()
    second = processor(detector, seats=seats, clock=clock)
    frame = grey_frame()
    assert second.recv(frame) is frame
    assert second.latest().error == BUSY
    assert detector.calls == 0
    first.recv(grey_frame())
    assert first.latest().error is None
    first.on_ended()
    second.recv(grey_frame())
    assert second.latest().error is None


def test_faults_of_one_stream_leave_the_others_alone() -> None:
    """Four streams at once: one detector raises, one frame changes size, one camera stops."""
    seats, faulty = Seats(), FaultyDetector()
    faulty.fault = RuntimeError("boom")
    streams = [processor(d, seats=seats, limit=4) for d in (None, faulty, None, None)]
    well, raising, changing, silent = streams

    def feed(live: ExpressionProcessor, sizes: list[tuple[int, int]]) -> None:
        for width, height in sizes:
            asyncio.run(live.recv_queued([grey_frame(width, height)]))

    plans = [[(160, 120)] * 30, [(160, 120)] * 30, [(160, 120), (320, 240)] * 15, [(160, 120)] * 2]
    threads = [
        threading.Thread(target=feed, args=pair) for pair in zip(streams, plans, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert raising.latest().error is not None
    for live, frames in ((well, 30), (changing, 30), (silent, 2)):
        state = live.latest()
        assert state.error is None
        assert state.result is not None
        assert state.result.index == frames - 1
