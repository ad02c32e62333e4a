"""Consent, its withdrawal, deletion and expiry, and pages that the operator has switched off."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import streamlit as st
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from fer import artifacts
from fer.app import session as app_session
from fer.app.common import load_model
from fer.app.session import CONSENT
from fer.faces import DetectorStatus
from fer.media import private_files, sample
from fer.paths import PROJECT
from tests.consent import BUTTON, agree
from tests.fakes import FakeClassifier, FakeDetector, fake_run
from tests.made_up_runs import make_run

ROUTER = PROJECT / "streamlit_app.py"
FIGURES = {"images": 7178, "accuracy": 0.634, "low": 0.623, "high": 0.645, "macro_f1": 0.6}

OpenPage = Callable[[str], AppTest]
Operate = Callable[[str], None]


@pytest.fixture(autouse=True)
def _through_the_router(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every run goes through ``streamlit_app.py``, as in an app that runs.

    Page tests forget, before each run, that the app registers its pages itself, and would run the
    pages alone from the second run on.
    """
    begin = PagesManager.__init__

    def begin_registered(self: PagesManager, *given: Any, **options: Any) -> None:
        begin(self, *given, **options)
        PagesManager.uses_pages_directory = False

    monkeypatch.setattr(PagesManager, "__init__", begin_registered)


@pytest.fixture(autouse=True)
def served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A model that sees happiness everywhere, and a detector that sees a face in every middle."""
    monkeypatch.setenv("FER_MODELS", str(tmp_path / "models"))
    classifier = FakeClassifier("happy", 0.62)
    metrics = {"test": {"all": FIGURES, "without_twins": FIGURES}}
    classifier.run = fake_run(artifacts.DEFAULT_RUN, metrics)
    monkeypatch.setattr("fer.app.common.load_model", lambda _=None: classifier)
    monkeypatch.setattr("fer.app.common.create_detector", FakeDetector)
    status = DetectorStatus("YuNet", is_fallback=False, message="")
    monkeypatch.setattr("fer.app.common.detector_status", lambda: status)
    monkeypatch.setattr("pages.live_sections.player.webrtc_streamer", _no_camera)
    monkeypatch.setenv("FER_ICE_SERVERS", "[]")


def _no_camera(**_: Any) -> SimpleNamespace:
    return SimpleNamespace(
        state=SimpleNamespace(playing=False, signalling=False), video_processor=None
    )


@pytest.fixture
def operate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Operate:
    """Write the operator's file."""
    path = tmp_path / "operator.toml"
    monkeypatch.setenv("FER_OPERATOR", str(path))

    def write(text: str) -> None:
        path.write_text(text, encoding="utf-8")

    return write


@pytest.fixture
def open_page() -> OpenPage:
    """Start the app, as a visitor who has not been asked yet, and go to a page."""

    def run(name: str) -> AppTest:
        page = AppTest.from_file(str(ROUTER), default_timeout=30).run()
        page.switch_page(f"pages/{name}.py").run()
        assert not page.exception
        return page

    return run


def labels(page: AppTest) -> list[str]:
    return [button.label for button in page.button]


def press(page: AppTest, label: str) -> AppTest:
    next(button for button in page.button if button.label == label).click().run()
    assert not page.exception
    return page


def texts(page: AppTest) -> str:
    shown = (page.subheader, page.markdown, page.caption, page.info, page.success, page.error)
    return " ".join(" ".join(str(part.value) for kind in shown for part in kind).split())


@pytest.mark.parametrize("name", ["live", "video", "photo"])
def test_nothing_can_be_handed_over_before_consent(open_page: OpenPage, name: str) -> None:
    page = open_page(name)
    assert labels(page) == [BUTTON]
    assert not page.file_uploader
    words = texts(page)
    assert "not kept beyond your session, not passed on, and nothing is trained on it" in words
    assert "What anybody feels, it cannot" in words
    assert "Everyone in the picture, not only you" in words


@pytest.mark.parametrize("name", ["home", "model", "responsible_use"])
def test_pages_that_take_no_picture_ask_nothing(open_page: OpenPage, name: str) -> None:
    assert BUTTON not in labels(open_page(name))


def test_one_consent_holds_for_the_session(open_page: OpenPage) -> None:
    page = press(open_page("photo"), BUTTON)
    assert page.file_uploader
    for name in ("video", "live", "photo"):
        page.switch_page(f"pages/{name}.py").run()
        assert BUTTON not in labels(page)


def test_another_session_is_asked_anew(open_page: OpenPage) -> None:
    press(open_page("photo"), BUTTON)
    assert BUTTON in labels(open_page("photo"))


def test_consent_can_be_withdrawn_with_all_that_came_of_it(open_page: OpenPage) -> None:
    page = press(open_page("photo"), BUTTON)
    page.file_uploader[0].set_value(("a.jpg", sample.portrait_bytes(), "image/jpeg")).run()
    press(page, "Withdraw consent")
    assert labels(page) == [BUTTON]
    assert app_session.WITHDRAWN in texts(page)
    assert CONSENT not in page.session_state
    assert "photos" not in page.session_state


def test_without_consent_there_is_nothing_to_withdraw(open_page: OpenPage) -> None:
    assert "Withdraw consent" not in labels(open_page("home"))


def test_delete_everything_leaves_the_consent_alone(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_session, "_FAREWELL_S", 0.0)
    before = private_files.leftovers()  # other tests' libraries may have left theirs
    page = press(open_page("photo"), BUTTON)
    page.file_uploader[0].set_value(("a.jpg", sample.portrait_bytes(), "image/jpeg")).run()
    page.session_state["videos"] = [b"a result of another page"]
    press(page, "Delete everything now")
    assert app_session.DELETED in texts(page)
    assert BUTTON not in labels(page)
    assert not page.file_uploader[0].value
    # Only what the page has begun anew is left, and nothing of it is a picture or a result.
    left = page.session_state._state.filtered_state
    assert {key: value for key, value in left.items() if value} == {
        CONSENT: True,
        app_session._GENERATION: 1,
        app_session._LAST_CLICK: left[app_session._LAST_CLICK],
    }
    assert set(private_files.leftovers()) <= set(before)
    page.run()
    assert app_session.DELETED not in texts(page)  # said once


def test_a_deletion_spares_what_is_reported_with_the_click(operate: Operate) -> None:
    def script() -> None:
        import streamlit as st

        from fer.app import session as app_session
        from fer.operator import load_operator

        def running() -> None:
            st.session_state.camera  # noqa: B018 - as streamlit-webrtc does

        app_session.show_controls(load_operator())
        st.toggle("Camera", key="camera", on_change=running)

    operate("")
    page = AppTest.from_function(script, default_timeout=30)
    page.session_state[CONSENT] = True
    page.run()
    page.button[0].click()
    page.toggle[0].set_value(True)
    page.run()
    assert not page.exception
    assert page.success[0].value == app_session.DELETED


def test_widgets_that_hold_pictures_are_others_after_a_deletion() -> None:
    def script() -> None:
        import streamlit as st

        from fer.app import session as app_session

        st.text(app_session.widget_key("photos"))
        if st.button("Delete"):
            app_session.delete_everything()
            st.rerun()

    page = AppTest.from_function(script, default_timeout=30).run()
    before = page.text[0].value
    page.button[0].click().run()
    assert page.text[0].value != before


def test_results_expire_when_nothing_is_clicked(
    open_page: OpenPage, operate: Operate, monkeypatch: pytest.MonkeyPatch
) -> None:
    operate("retention_minutes = 5")
    now = 1000.0
    monkeypatch.setattr("fer.app.session.time.monotonic", lambda: now)
    page = agree(open_page("photo"))
    page.session_state["videos"] = ["a result"]
    page.run()
    assert "videos" in page.session_state
    # The page's own look at the time, as it happens while nothing is clicked.
    monkeypatch.setattr(app_session, "show_controls", _only_look)
    now += 4 * 60
    assert "videos" in page.run().session_state
    now += 2 * 60
    page.run()
    assert not page.exception
    assert "videos" not in page.session_state
    assert CONSENT not in page.session_state


def _only_look(operator: Any) -> None:
    app_session._expire(60.0 * operator.retention_minutes)


@pytest.mark.parametrize(
    ("feature", "name"), [("live", "live"), ("upload", "video"), ("photo", "photo")]
)
def test_a_page_that_is_switched_off_says_so(
    open_page: OpenPage, operate: Operate, feature: str, name: str
) -> None:
    operate(f"[features]\n{feature} = false")
    page = open_page(name)
    assert "Whoever runs this server has switched this page off" in texts(page)
    assert labels(page) == []
    assert not page.file_uploader


def test_what_is_switched_off_is_nowhere_offered(open_page: OpenPage, operate: Operate) -> None:
    operate("[features]\nlive = false\nupload = false\ndownload = false")
    links = [link.proto.page for link in open_page("home").get("page_link")]
    assert sorted(links) == ["model", "photo", "responsible_use"]
    page = press(open_page("photo"), BUTTON)
    assert not page.file_uploader
    assert len(page.get("camera_input")) == 1  # a snapshot is no upload


def test_a_mistaken_file_stops_every_page(open_page: OpenPage, operate: Operate) -> None:
    operate("[features]\nlive = 'no'")
    for name in ("home", "live", "photo", "responsible_use"):
        page = open_page(name)
        assert len(page.error) == 1
        assert "live must be true or false" in page.error[0].value
        assert not page.title


def test_the_operator_has_words_of_their_own(open_page: OpenPage, operate: Operate) -> None:
    operate("notice = 'Run by the *museum*. Write to info@example.org.'")
    assert "Run by the *museum*." in texts(open_page("live"))


def test_a_file_that_is_larger_than_the_operator_allows_is_not_read(
    open_page: OpenPage, operate: Operate
) -> None:
    """The browser refuses it, but who sends files by other means need not."""
    operate("[limits]\nupload_mb = 1")
    page = agree(open_page("photo")).run()
    small = ("small.jpg", sample.portrait_bytes(), "image/jpeg")
    large = ("large.jpg", sample.portrait_bytes() + bytes(2**20), "image/jpeg")
    page.file_uploader[0].set_value([large, small]).run()
    assert [error.value for error in page.error] == ["Files of more than 1 MB are not read here."]
    assert [photo.found.name for photo in page.session_state["photos"].values()] == ["small.jpg"]


def test_the_accurate_model_is_offered_where_it_is_there(
    monkeypatch: pytest.MonkeyPatch, open_page: OpenPage
) -> None:
    def load(name: str) -> FakeClassifier:
        classifier = FakeClassifier("happy", 0.62)
        figures = {"test": {"all": FIGURES, "without_twins": FIGURES}}
        classifier.run = fake_run(name, figures)
        return classifier

    monkeypatch.setattr("fer.app.common.load_model", load_model)
    monkeypatch.setattr("fer.app.common.FacialExpressionModel.load", load)
    st.cache_resource.clear()
    make_run()
    assert not open_page("video").button_group
    make_run(artifacts.ACCURATE_RUN)
    app = press(open_page("video"), BUTTON)
    assert f"Model **{artifacts.DEFAULT_RUN}**" in texts(app)
    app.button_group[0].set_value(artifacts.ACCURATE_RUN).run()
    assert f"Model **{artifacts.ACCURATE_RUN}**" in texts(app)
    # The choice goes along to other pages.
    app.switch_page("pages/photo.py").run()
    assert f"Model **{artifacts.ACCURATE_RUN}**" in texts(app)
