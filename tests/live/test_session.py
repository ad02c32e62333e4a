from __future__ import annotations

import gc
import threading
import weakref

from fer.live.session import LiveSession
from tests.fakes import frame, prediction


def seen() -> LiveSession:
    session = LiveSession()
    recording, _ = session.begin()
    recording.add(frame(prediction(track=1)), {1: "happy"})
    return session


def finish(session: LiveSession) -> None:
    assert session._watcher is not None
    session._watcher.join(10)
    assert not session._watcher.is_alive()


def test_a_start_replaces_what_was_seen_before() -> None:
    session = seen()
    before = session.recording
    session.begin()
    assert session.recording is not before
    assert session.recording is not None
    assert session.recording.frames() == ()


def test_everything_is_forgotten_when_nobody_is_there() -> None:
    session = seen()
    recording = session.recording
    session.forget_when_alone(lambda: False, patience_s=0.0, look_s=0.001)
    finish(session)
    assert session.recording is None
    assert recording is not None
    assert recording.frames() == ()


def test_a_short_absence_is_forgiven() -> None:
    session, looks = seen(), iter([True, False, True, True])
    watched = threading.Event()

    def is_watched() -> bool:
        answer = next(looks, None)
        if answer is None:
            watched.set()
        return bool(answer) or answer is None

    session.forget_when_alone(is_watched, patience_s=60.0, look_s=0.001)
    session.forget_when_alone(is_watched)  # as every run of the page does: one watch is enough
    assert watched.wait(10)
    assert session.recording is not None
    assert session.recording.frames()


def test_the_watch_keeps_no_session_alive() -> None:
    session = seen()
    session.forget_when_alone(lambda: True, look_s=0.001)
    watcher, reference = session._watcher, weakref.ref(session)
    del session
    gc.collect()
    assert watcher is not None
    watcher.join(10)
    assert reference() is None
    assert not watcher.is_alive()
