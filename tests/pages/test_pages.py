from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

import fer.app.common
from fer import artifacts
from fer.faces import DetectorStatus
from fer.media import sample
from fer.paths import PROJECT
from tests.consent import agree
from tests.fakes import FakeClassifier, FakeDetector, fake_run
from tests.made_up_runs import make_run

ROUTER = PROJECT / "streamlit_app.py"
PAGES = ("home", "video", "photo", "model", "responsible_use")
FIGURES = {"images": 7178, "accuracy": 0.634, "low": 0.623, "high": 0.645, "macro_f1": 0.6}
METRICS = {"test": {"all": FIGURES, "without_twins": {**FIGURES, "accuracy": 0.612}}}

OpenPage = Callable[[str], AppTest]


@pytest.fixture(autouse=True)
def nothing_trained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither runs nor trainings of this machine are seen."""
    monkeypatch.setenv("FER_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("FER_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(
        "fer.app.common.detector_status",
        lambda: DetectorStatus("YuNet", is_fallback=False, message=""),
    )
    st.cache_resource.clear()


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that sees happiness everywhere, and a detector that sees a face in every middle."""
    classifier = FakeClassifier("happy", 0.62)
    classifier.run = fake_run(artifacts.DEFAULT_RUN, METRICS)
    monkeypatch.setattr("fer.app.common.FacialExpressionModel.load", lambda _: classifier)
    monkeypatch.setattr("fer.app.common.create_detector", FakeDetector)


@pytest.fixture
def open_page() -> OpenPage:
    """Start the app and go to a page."""

    def run(name: str) -> AppTest:
        app = agree(AppTest.from_file(str(ROUTER), default_timeout=30)).run()
        return app.switch_page(f"pages/{name}.py").run()

    return run


def texts(app: AppTest) -> str:
    shown = (app.title, app.header, app.subheader, app.markdown, app.caption, app.info)
    return "\n".join(str(element.value) for kind in shown for element in kind)


def charts(app: AppTest) -> int:
    return len(app.get("vega_lite_chart"))


def downloads(app: AppTest) -> list[str]:
    return [str(button.proto.label) for button in app.get("download_button")]


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.usefixtures("served")
def test_every_page_opens(name: str, open_page: OpenPage) -> None:
    make_run()
    app = open_page(name)
    assert not app.exception
    assert not app.error
    assert len(app.title) == 1


@pytest.mark.parametrize("name", ["home", "video", "photo", "model"])
def test_without_a_model_every_page_says_once_what_to_do(name: str, open_page: OpenPage) -> None:
    app = open_page(name)
    assert not app.exception
    assert len(app.error) == 1
    assert "python" in app.error[0].value


@pytest.mark.usefixtures("served")
def test_home_reads_the_portrait(open_page: OpenPage) -> None:
    app = open_page("home")
    assert "This face looks **happy** (62%)" in texts(app)
    assert charts(app) == 1


@pytest.mark.usefixtures("served")
def test_home_is_honest_about_the_model(open_page: OpenPage) -> None:
    words = texts(open_page("home"))
    assert "**63.4% (95% interval 62.3% to 64.5%)**" in words
    assert "**61.2% (95% interval" in words
    assert "Faces are found by **YuNet**" in words


@pytest.mark.usefixtures("served")
def test_home_leads_to_every_other_page(open_page: OpenPage) -> None:
    links = [link.proto.page for link in open_page("home").get("page_link")]
    assert sorted(links) == ["live", "model", "photo", "responsible_use", "video"]


@pytest.mark.usefixtures("served")
def test_a_fallback_detector_is_told(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    status = DetectorStatus("Haar cascades", is_fallback=True, message="Get the better one so.")
    monkeypatch.setattr("fer.app.common.detector_status", lambda: status)
    for name in ("home", "video", "photo"):
        assert [info.value for info in open_page(name).info] == ["Get the better one so."]


@pytest.mark.usefixtures("served")
def test_photos_are_read_one_by_one(open_page: OpenPage) -> None:
    app = open_page("photo")
    portrait = sample.portrait_bytes()
    files = [("a.jpg", portrait, "image/jpeg"), ("b.jpg", portrait, "image/jpeg")]
    app.file_uploader[0].set_value(files).run()
    assert [heading.value for heading in app.subheader] == ["a\\.jpg", "b\\.jpg"]
    assert texts(app).count("**Face 1** looks **happy** (62%)") == 2
    assert charts(app) == 2
    assert downloads(app) == ["Everything as a zip"]
    assert app.dataframe[0].value["photo"].tolist() == ["a.jpg", "b.jpg"]


@pytest.mark.usefixtures("served")
def test_a_photo_that_cannot_be_read_does_not_lose_the_others(open_page: OpenPage) -> None:
    app = open_page("photo")
    files = [
        ("*junk*.jpg", b"junk", "image/jpeg"),
        ("good.jpg", sample.portrait_bytes(), "image/jpeg"),
    ]
    app.file_uploader[0].set_value(files).run()
    assert len(app.error) == 1
    # The file's own name is shown as it is: its asterisks make nothing bold.
    assert app.error[0].value.startswith("**\\*junk\\*\\.jpg**: ")
    assert charts(app) == 1


@pytest.mark.usefixtures("served")
def test_a_photo_without_a_face_says_so(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fer.app.common.create_detector", lambda: FakeDetector(()))
    app = open_page("photo")
    app.file_uploader[0].set_value(("a.jpg", sample.portrait_bytes(), "image/jpeg")).run()
    assert "Faces found: 0" in texts(app)
    assert charts(app) == 0


@pytest.mark.usefixtures("served")
def test_a_crowd_is_numbered_through(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = tuple((x, 20, x + 40, 70) for x in range(0, 350, 50))
    monkeypatch.setattr("fer.app.common.create_detector", lambda: FakeDetector(crowd))
    app = open_page("photo")
    app.file_uploader[0].set_value(("a.jpg", sample.portrait_bytes(), "image/jpeg")).run()
    assert charts(app) == len(crowd)
    assert f"**Face {len(crowd)}** looks" in texts(app)


@pytest.mark.usefixtures("served")
def test_a_photo_that_is_removed_is_forgotten(open_page: OpenPage) -> None:
    app = open_page("photo")
    app.file_uploader[0].set_value(("a.jpg", sample.portrait_bytes(), "image/jpeg")).run()
    assert len(app.session_state["photos"]) == 1
    app.file_uploader[0].set_value(None).run()
    assert not app.session_state["photos"]


def test_six_dangers_are_named_with_what_is_not_covered(open_page: OpenPage) -> None:
    app = open_page("responsible_use")
    assert len(app.subheader) == 6
    words = texts(app)
    assert words.count("**What the app does.**") == 6
    assert words.count("**What that does not cover.**") == 6
    assert "Article 5(1)(f)" in words
    assert "**not measured**" in words


@pytest.mark.usefixtures("served")
def test_a_deep_link_as_the_first_request_ends_the_legacy_mode(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # As in a process that has just started: Streamlit would run the page alone.
    monkeypatch.setitem(fer.app.common._navigation, "registered", False)
    monkeypatch.setattr(PagesManager, "uses_pages_directory", True)
    app = AppTest.from_file(str(ROUTER), default_timeout=30)
    app.switch_page("pages/photo.py").run()
    assert not app.exception
    assert app.title[0].value == "Photo"
    assert PagesManager.uses_pages_directory is False
