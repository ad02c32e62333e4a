from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from fer.classifier import FacialExpressionModel
from fer.live import LiveState
from fer.types import FrameResult
from tests.consent import agree
from tests.fakes import FakeClassifier, frame, prediction

PAGE = Path(__file__).resolve().parent.parent / "pages" / "live.py"

OpenPage = Callable[..., AppTest]


@pytest.fixture(autouse=True)
def _without_model(monkeypatch: pytest.MonkeyPatch) -> None:
    # The model's own tests load it, and tests/e2e has everything together.
    monkeypatch.setattr("fer.app.load_model", FakeClassifier)
    monkeypatch.setattr("fer.app.show_status", lambda: None)
    monkeypatch.setattr("fer.app.ensure_navigation", lambda: None)
    monkeypatch.setenv("FER_ICE_SERVERS", "[]")


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> OpenPage:
    """Run the page; with a state, as if the camera were on and had come to that."""

    def run(state: LiveState | None = None) -> AppTest:
        playing = state is not None

        def player(**options: Any) -> SimpleNamespace:
            assert options["media_stream_constraints"]["audio"] is False
            assert options["rtc_configuration"] == {"iceServers": []}
            processor = SimpleNamespace(latest=lambda: state) if playing else None
            return SimpleNamespace(
                state=SimpleNamespace(playing=playing), video_processor=processor
            )

        monkeypatch.setattr("streamlit_webrtc.webrtc_streamer", player)
        page = agree(AppTest.from_file(str(PAGE), default_timeout=20)).run()
        assert not page.exception
        return page

    return run


def seen(result: FrameResult | None, **known: Any) -> LiveState:
    return LiveState(result, **{"frames_per_s": 12.34, "ms_per_frame": 56.7, **known})


def texts(page: AppTest) -> str:
    shown = [*page.markdown, *page.caption, *page.info, *page.warning, *page.error]
    return "\n".join(str(element.value) for element in shown)


def charts(page: AppTest) -> int:
    return len(page.get("vega_lite_chart"))


def test_before_start_it_says_what_happens_with_the_picture(open_page: OpenPage) -> None:
    page = open_page()
    assert "What happens with your picture" in page.info[0].value
    assert "Nothing is recorded" in page.info[0].value
    assert charts(page) == 0


def test_everyone_in_the_picture_is_named_in_order(open_page: OpenPage) -> None:
    people = (
        prediction((10, 10, 50, 60), track=2, happy=0.62),
        prediction((80, 10, 110, 50), track=1, sad=0.5),
    )
    page = open_page(seen(frame(*people)))
    words = texts(page)
    assert "**#2** looks **happy** (62%)" in words
    assert words.index("**#1** looks **sad** (50%)") < words.index("**#2**")
    assert charts(page) == 2


def test_the_speed_is_shown(open_page: OpenPage) -> None:
    page = open_page(seen(frame()))
    assert [(m.label, m.value) for m in page.metric] == [
        ("Frames per second", "12.3"),
        ("Milliseconds per frame", "57"),
    ]
    assert "Nobody is in the picture" in texts(page)


def test_a_crowd_gets_lines_rather_than_charts(open_page: OpenPage) -> None:
    crowd = tuple(prediction((x, 10, x + 12, 26), track=x + 1) for x in range(0, 120, 15))
    page = open_page(seen(frame(*crowd)))
    assert charts(page) == 4
    assert texts(page).count("looks **happy**") == 8


def test_what_went_wrong_is_shown_in_place_of_the_result(open_page: OpenPage) -> None:
    page = open_page(seen(None, error="The detector's file is damaged."))
    assert page.warning[0].value == "The detector's file is damaged."
    assert not page.metric


def test_it_tells_of_a_camera_that_has_stopped(open_page: OpenPage) -> None:
    page = open_page(seen(frame(prediction(track=1)), frames_per_s=0.0))
    assert "The camera sends no pictures any more." in texts(page)
    assert charts(page) == 0


def test_it_waits_for_the_first_picture(open_page: OpenPage) -> None:
    assert "The first picture is on its way" in texts(open_page(LiveState()))


def test_without_a_model_it_says_so(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    monkeypatch.setattr("fer.app.load_model", FacialExpressionModel.load)
    page = open_page()
    assert "no trained run" in page.error[0].value


def test_the_real_player_takes_what_the_page_asks_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # The session of a page test is not one that the player knows how to ask.
    monkeypatch.setattr("streamlit_webrtc.component.get_this_session_info", lambda: None)
    page = agree(AppTest.from_file(str(PAGE), default_timeout=20)).run()
    assert not page.exception
    assert "Press **Start**" in texts(page)


def test_wrong_servers_are_told(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER_ICE_SERVERS", "nonsense")
    page = open_page()
    assert "FER" in page.error[0].value
    assert "must be a JSON list" in page.error[0].value
