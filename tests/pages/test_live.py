from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from streamlit_webrtc import WebRtcStreamerState
from streamlit_webrtc.component import generate_frontend_component_key

from fer.classifier import FacialExpressionModel
from fer.errors import ModelError
from fer.live.meter import Speed
from fer.live.processor import LiveState
from fer.live.seats import Seats
from fer.live.session import LiveSession
from fer.paths import PROJECT
from fer.types import FrameResult
from tests.consent import agree
from tests.fakes import FakeClassifier, frame, prediction

PAGE = PROJECT / "pages" / "live.py"

OpenPage = Callable[..., AppTest]


@pytest.fixture(autouse=True)
def _without_model(monkeypatch: pytest.MonkeyPatch) -> None:
    # The model's own tests load it, and tests/e2e has everything together.
    monkeypatch.setattr("fer.app.common.load_model", FakeClassifier)
    monkeypatch.setattr("fer.app.common.show_status", lambda: None)
    monkeypatch.setattr("fer.app.common.ensure_navigation", lambda: None)
    monkeypatch.setenv("FER_ICE_SERVERS", "[]")


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> OpenPage:
    """Run the page; with a state, as if the camera were on and had come to that."""

    def run(
        state: LiveState | None = None, *, signalling: bool = False, seen: LiveSession | None = None
    ) -> AppTest:
        playing = state is not None
        processor = SimpleNamespace(latest=lambda: state) if playing else None
        stream = SimpleNamespace(
            state=SimpleNamespace(playing=playing, signalling=signalling), video_processor=processor
        )

        def player(**options: Any) -> SimpleNamespace:
            assert options["media_stream_constraints"]["audio"] is False
            assert options["rtc_configuration"] == {"iceServers": []}
            assert options["desired_playing_state"] is None
            return stream

        monkeypatch.setattr("pages.live_sections.player.webrtc_streamer", player)
        page = agree(AppTest.from_file(str(PAGE), default_timeout=20))
        page.session_state["live 0"] = stream  # where the player keeps it
        if seen is not None:
            page.session_state["live session"] = seen
        page.run()
        assert not page.exception
        return page

    return run


def seen(result: FrameResult | None, **known: Any) -> LiveState:
    speed = Speed(12.34, {"find faces": 41.0}, 56.7, 99.0, 1, 4)
    return LiveState(result, **{"speed": speed, **known})


def recorded() -> LiveSession:
    """What a camera saw for two seconds."""
    session = LiveSession()
    session.run = FakeClassifier().run
    recording, _ = session.begin()
    for step in range(10):
        recording.add(frame(prediction(track=1), index=step, time_s=step / 5), {1: "happy"})
    return session


def texts(page: AppTest) -> str:
    shown = [*page.markdown, *page.caption, *page.info, *page.warning, *page.error]
    html = [element.proto.body for element in page.get("html")]
    return "\n".join([*(str(element.value) for element in shown), *html])


def test_before_start_it_says_what_happens_with_the_picture(open_page: OpenPage) -> None:
    page = open_page()
    assert "What happens with your picture" in page.info[0].value
    assert "Nothing is recorded" in page.info[0].value
    assert not page.metric


def test_everyone_in_the_picture_gets_a_card(open_page: OpenPage) -> None:
    people = (
        prediction((10, 10, 50, 60), track=2, happy=0.62),
        prediction((80, 10, 110, 50), track=1, sad=0.5),
    )
    words = texts(open_page(seen(frame(*people), labels={1: "sad", 2: "happy"})))
    assert "looks <b>happy</b> (62%)" in words
    assert words.index("looks <b>sad</b> (50%)") < words.index("looks <b>happy</b>")


def test_how_the_stream_runs_is_shown(open_page: OpenPage) -> None:
    page = open_page(seen(frame()))
    assert [(m.label, m.value) for m in page.metric] == [
        ("Frames per second", "12.3"),
        ("Age of the result", "57 ms"),
        ("Dropped frames", "25%"),
    ]
    assert "find faces 41" in texts(page)
    assert "Nobody is in the picture" in texts(page)


def test_the_last_minute_is_shown(open_page: OpenPage) -> None:
    page = open_page(seen(frame(prediction(track=1))), seen=recorded())
    assert "The last minute" in texts(page)
    assert "60 s ago" in texts(page)


def test_what_went_wrong_is_shown_in_place_of_the_result(open_page: OpenPage) -> None:
    page = open_page(seen(None, error="The detector's file is damaged."))
    assert page.warning[0].value == "The detector's file is damaged."
    assert not page.metric


def test_it_tells_of_a_camera_that_has_stopped(open_page: OpenPage) -> None:
    last = replace(frame(prediction(track=1)), index=7)
    page = open_page(seen(last, speed=Speed()))
    assert "The camera sends no pictures any more." in texts(page)
    assert not page.metric


def test_it_waits_for_the_first_picture(open_page: OpenPage) -> None:
    assert "The first picture is on its way" in texts(open_page(LiveState()))


def test_a_connection_that_does_not_come_about_is_explained(open_page: OpenPage) -> None:
    page = open_page(signalling=True)
    assert "Connecting…" in texts(page)
    page.session_state["live connecting"] -= 60
    page.run()
    assert "no connection came about" in page.warning[0].value
    assert "use snapshots below" in page.warning[0].value


def test_after_stop_there_is_a_summary_with_files(open_page: OpenPage) -> None:
    page = open_page(seen=recorded())
    assert "Summary of this session" in [header.value for header in page.header]
    assert "people followed: **1**" in texts(page)
    names = [button.proto.label for button in page.get("download_button")]
    assert names == ["Snapshot", "live_summary.csv", "live_timeline.csv", "live_report.json"]


def test_while_the_camera_runs_there_is_no_summary(open_page: OpenPage) -> None:
    assert not open_page(seen(frame()), seen=recorded()).header


def test_without_downloads_no_file_is_offered(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    decided = tmp_path / "operator.toml"
    decided.write_text("[features]\ndownload = false\n")
    monkeypatch.setenv("FER_OPERATOR", str(decided))
    assert not open_page(seen=recorded()).get("download_button")


def test_a_full_server_says_so_politely(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    seats = Seats()
    for _ in range(8):
        seats.hold(seats.new(), limit=8)
    monkeypatch.setattr("fer.live.seats.SEATS", seats)
    page = open_page()
    assert "All places are taken" in [header.value for header in page.subheader]
    assert "use snapshots meanwhile" in texts(page)
    # Whose camera runs already is not disturbed.
    assert not open_page(seen(frame())).subheader


def test_settings_reach_the_stream(open_page: OpenPage) -> None:
    page = open_page()
    toggles = {toggle.label: toggle for toggle in page.toggle}
    toggles["Mirror"].set_value(False)
    toggles["Blur others"].set_value(True)
    page.slider(key="least confidence fake-cnn").set_value(0.8)
    page.run()
    assert not page.exception
    settings = page.session_state["live session"].settings
    assert (settings.mirror, settings.blur_others) == (False, True)
    assert settings.least_confidence == 0.8


def test_snapshots_work_without_a_video_connection(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page()
    monkeypatch.setattr(
        "pages.live_sections.player.webrtc_streamer", lambda **_: pytest.fail("no video is wanted")
    )
    next(t for t in page.toggle if t.label.startswith("Snapshots")).set_value(True).run()
    assert not page.exception
    assert len(page.get("camera_input")) == 1


def test_a_camera_that_runs_goes_on_when_the_models_files_are_gone(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(seen(frame(prediction(track=1))))

    def gone() -> None:
        raise ModelError("There is no trained run.")

    monkeypatch.setattr("fer.app.common.load_model", gone)
    page.run()
    assert not page.exception
    assert not page.error
    assert page.metric


def test_without_a_model_it_says_so(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    monkeypatch.setattr("fer.app.common.load_model", FacialExpressionModel.load)
    page = open_page()
    assert "no trained run" in page.error[0].value


def test_the_real_player_takes_what_the_page_asks_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # The session of a page test is not one that the player knows how to ask.
    monkeypatch.setattr("streamlit_webrtc.component.get_this_session_info", lambda: None)
    page = agree(AppTest.from_file(str(PAGE), default_timeout=20)).run()
    assert not page.exception
    assert "Press **Start**" in texts(page)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bool | None, int]]:
    """What a player is told run by run: whether to play, and how wide a picture to ask for."""
    told: list[tuple[bool | None, int]] = []

    def player(**options: Any) -> Any:
        st.checkbox("in the browser", key=generate_frontend_component_key(options["key"]))
        wanted = options["media_stream_constraints"]["video"]["width"]["ideal"]
        told.append((options["desired_playing_state"], wanted))
        return st.session_state[options["key"]]

    monkeypatch.setattr("pages.live_sections.player.webrtc_streamer", player)
    return told


def player_that_plays() -> tuple[AppTest, SimpleNamespace]:
    state = SimpleNamespace(playing=True, signalling=False)
    page = agree(AppTest.from_file(str(PAGE), default_timeout=20))
    page.session_state["live 0"] = SimpleNamespace(state=state, video_processor=None)
    return page.run(), state


def test_another_resolution_stops_the_camera_and_starts_it_again(
    told: list[tuple[bool | None, int]],
) -> None:
    page, state = player_that_plays()
    page.selectbox[0].set_value("Small (320 × 240)").run()
    page.run()  # as often as need be, until the player has answered
    assert told == [(None, 640), (False, 320), (False, 320)]
    state.playing = False
    page.run()  # it has stopped, and clears up until the browser says that the time is over
    assert told[3:] == [(False, 320)]
    step, since_s = page.session_state["live restart"]
    assert step == "settle"
    assert "Starting the camera again" in texts(page)
    page.session_state["live restart"] = ("start", since_s)
    page.run()
    page.run()
    state.signalling = True
    page.run()
    assert told[4:] == [(True, 320), (True, 320), (None, 320)]
    assert "Starting the camera again" not in texts(page)
    # A camera that is off stays off.
    state.signalling = False
    page.selectbox[0].set_value("Large (1280 × 720)").run()
    assert told[7:] == [(None, 1280)]


def test_a_camera_that_does_not_start_again_is_left_to_its_buttons(
    told: list[tuple[bool | None, int]],
) -> None:
    page, state = player_that_plays()
    state.playing = False
    page.session_state["live restart"] = ("start", time.monotonic())
    page.run()
    page.session_state["live restart"] = ("start", time.monotonic() - 60)
    page.run()
    assert told[1:] == [(True, 640), (None, 640)]


def test_a_camera_does_not_start_by_itself_after_the_page_was_left(
    told: list[tuple[bool | None, int]],
) -> None:
    page, state = player_that_plays()
    state.playing = False
    page.session_state["live restart"] = ("start", time.monotonic())
    for snapshots in (True, False):  # the player leaves the screen, and returns
        next(t for t in page.toggle if t.label.startswith("Snapshots")).set_value(snapshots).run()
    assert told[1:] == [(None, 640)]


def test_a_count_of_runs_that_lags_behind_does_not_end_a_stream(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = SimpleNamespace(script_run_count=0)
    monkeypatch.setattr("streamlit_webrtc.component.get_this_session_info", lambda: session)
    page = agree(AppTest.from_file(str(PAGE), default_timeout=20)).run()
    stream = page.session_state["live 0"]
    stream._set_state(WebRtcStreamerState(playing=True, signalling=False))
    session.script_run_count = 9
    page.run()
    assert stream.state.playing
    # But one whose player was away is over: the browser has made it anew.
    snapshots = next(t for t in page.toggle if t.label.startswith("Snapshots"))
    snapshots.set_value(True).run()
    assert not page.exception
    next(t for t in page.toggle if t.label.startswith("Snapshots")).set_value(False).run()
    assert not page.exception
    assert not stream.state.playing


def test_wrong_servers_are_told(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER_ICE_SERVERS", "nonsense")
    page = open_page()
    assert "FER" in page.error[0].value
    assert "must be a JSON list" in page.error[0].value
