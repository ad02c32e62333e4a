"""The Video page without a browser: a model and a detector that always answer the same."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import streamlit as st
from streamlit.runtime.scriptrunner import StopException
from streamlit.testing.v1 import AppTest

from fer import artifacts
from fer.faces import DetectorStatus
from fer.media import sample
from fer.paths import PROJECT
from fer.pipeline import Analyzer
from fer.video.settings import VideoSettings
from pages.video_sections import analysis, work
from pages.video_sections.analysed import AnalysedVideo
from tests.consent import agree
from tests.fakes import FakeClassifier, FakeDetector, fake_run

ROUTER = PROJECT / "streamlit_app.py"
FIGURES = {"images": 7178, "accuracy": 0.634, "low": 0.623, "high": 0.645, "macro_f1": 0.6}
FILES = ["annotated.mp4", "frames.csv", "raw.csv", "segments.csv", "captions.vtt", "report.json"]

OpenPage = Callable[[], AppTest]


@pytest.fixture(scope="module")
def clip() -> bytes:
    return sample.open_clip().read()


@pytest.fixture(autouse=True)
def served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A model that sees happiness everywhere, and a detector that sees a face in every middle."""
    monkeypatch.setenv("FER_MODELS", str(tmp_path / "models"))
    classifier = FakeClassifier("happy", 0.62)
    metrics = {"test": {"all": FIGURES, "without_twins": FIGURES}}
    classifier.run = fake_run(artifacts.DEFAULT_RUN, metrics)
    monkeypatch.setattr("fer.app.common.FacialExpressionModel.load", lambda _: classifier)
    monkeypatch.setattr("fer.app.common.artifacts.default_run", lambda: artifacts.DEFAULT_RUN)
    monkeypatch.setattr("fer.app.common.create_detector", FakeDetector)
    status = DetectorStatus("YuNet", is_fallback=False, message="")
    monkeypatch.setattr("fer.app.common.detector_status", lambda: status)
    st.cache_resource.clear()


@pytest.fixture
def page() -> AppTest:
    app = agree(AppTest.from_file(str(ROUTER), default_timeout=30)).run()
    return app.switch_page("pages/video.py").run()


def texts(app: AppTest) -> str:
    shown = (app.header, app.markdown, app.caption, app.info, app.warning)
    return "\n".join(str(element.value) for kind in shown for element in kind)


def downloads(app: AppTest) -> list[str]:
    return [str(button.proto.label) for button in app.get("download_button")]


def every_frame(app: AppTest, video: str) -> pd.DataFrame:
    """The table of every frame, which comes when its section is opened."""
    app.session_state[f"frames of {video}"] = True
    app.run()
    table: pd.DataFrame = app.dataframe[-1].value
    return table


def upload(app: AppTest, *files: tuple[str, bytes]) -> AppTest:
    app.file_uploader[0].set_value([(name, data, "video/mp4") for name, data in files]).run()
    return app


def test_the_sample_clip_is_analysed(page: AppTest) -> None:
    page.button[1].click().run()
    assert not page.exception
    assert page.header[0].value == "Result for sample\\.mp4"
    assert "**60** frames analysed, 4.0 s" in texts(page)
    assert "Faces followed: **1**" in texts(page)
    assert len(page.get("video")) == 1
    assert len(page.get("vega_lite_chart")) == 1
    assert downloads(page) == ["Everything as a zip", *FILES, "timeline.png"]
    segments = page.dataframe[-1].value
    assert segments[["expression", "start_s", "end_s"]].to_numpy().tolist() == [["happy", 0, 4]]
    assert len(every_frame(page, "sample.mp4")) == 60


def test_a_video_stays_until_the_next_one(page: AppTest, clip: bytes) -> None:
    upload(page, ("clip.mp4", clip))
    assert not page.header
    page.button[0].click().run()
    assert page.header[0].value == "Result for clip\\.mp4"
    page.file_uploader[0].set_value(None).run()
    page.switch_page("pages/responsible_use.py").run()
    page.switch_page("pages/video.py").run()
    assert page.header[0].value == "Result for clip\\.mp4"
    page.button[1].click().run()
    assert page.header[0].value == "Result for sample\\.mp4"


def test_a_second_visit_with_the_same_settings_answers_at_once(
    page: AppTest, monkeypatch: pytest.MonkeyPatch, clip: bytes
) -> None:
    upload(page, ("clip.mp4", clip)).button[0].click().run()
    detector = FakeDetector()
    monkeypatch.setattr("fer.app.common.create_detector", lambda: detector)
    page.button[0].click().run()
    assert page.header[0].value == "Result for clip\\.mp4"
    assert detector.calls == 0
    page.toggle[0].set_value(True).run()  # every frame is searched: another analysis
    page.button[0].click().run()
    assert detector.calls == 60


def test_a_video_without_faces_says_so(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fer.app.common.create_detector", lambda: FakeDetector(()))
    page.button[1].click().run()
    assert not page.exception
    assert "No face was found in any frame." in texts(page)
    assert not page.get("vega_lite_chart")
    assert not page.dataframe
    assert len(every_frame(page, "sample.mp4")) == 60


def test_what_cannot_be_read_does_not_lose_the_others(page: AppTest, clip: bytes) -> None:
    upload(page, ("junk.mp4", b"junk" * 100), ("a.mp4", clip), ("b.mp4", clip))
    page.button[0].click().run()
    assert not page.exception
    (error,) = page.error
    assert error.value.startswith("**junk\\.mp4**: This is not a video that can be read")
    assert [heading.value for heading in page.header] == ["All videos", "Result for a\\.mp4"]
    assert page.dataframe[0].value["file"].tolist() == ["a.mp4", "b.mp4"]
    page.selectbox[1].set_value(1).run()
    assert page.header[1].value == "Result for b\\.mp4"


def test_settings_reach_the_analysis(page: AppTest) -> None:
    page.selectbox[0].set_value(2.0)
    page.number_input[0].set_value(1.0)
    page.number_input[1].set_value(3.0)
    page.button[1].click().run()
    settings = page.session_state["videos"][0].report.settings
    assert (settings["fps"], settings["start_s"], settings["end_s"]) == (2.0, 1.0, 3.0)
    assert "**4** frames analysed" in texts(page)


def test_settings_that_contradict_each_other_get_a_sentence(page: AppTest) -> None:
    page.number_input[0].set_value(5.0)
    page.number_input[1].set_value(3.0).run()
    assert not page.exception
    assert "choose a later end" in page.error[0].value


def test_the_operator_limits_what_is_analysed_and_what_goes_out(
    page: AppTest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    decided = tmp_path / "operator.toml"
    decided.write_text("[limits]\nvideo_minutes = 1\n[features]\ndownload = false\n")
    monkeypatch.setenv("FER_OPERATOR", str(decided))
    page.number_input[0].set_value(1.0).run()
    page.button[1].click().run()
    assert not page.exception
    assert page.session_state["videos"][0].report.settings["end_s"] == 61.0
    assert downloads(page) == []


def test_a_part_is_called_a_part(page: AppTest) -> None:
    page.number_input[1].set_value(2.0).run()
    page.button[1].click().run()
    assert "Only a part was analysed: from 0 to 2 s of 4 s" in texts(page)


class Interrupted:
    """Stands in for Streamlit's elements: the third update finds that something happened."""

    def __init__(self) -> None:
        self.updates = 0

    def progress(self, *_: object) -> None:
        self.updates += 1
        if self.updates == 3:
            raise StopException

    def html(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(("closed", "kept"), [(False, 1), (True, 0)])
def test_a_click_keeps_what_was_done_and_a_closed_tab_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, clip: bytes, closed: bool, kept: int
) -> None:
    bar = Interrupted()
    state: dict[str, object] = {}
    videos: list[AnalysedVideo] = []
    fake = SimpleNamespace(
        progress=lambda *_: bar,
        empty=lambda: bar,
        button=lambda *_, **__: False,
        session_state=state,
    )
    monkeypatch.setattr(analysis, "st", fake)
    monkeypatch.setattr(work, "st", fake)
    monkeypatch.setattr(work, "_PROGRESS_S", 0.0)
    analyzer = Analyzer(FakeDetector(), FakeClassifier())
    monkeypatch.setattr(analysis, "new_analyzer", lambda: analyzer)
    monkeypatch.setattr(work.Work, "is_abandoned", lambda _: closed)
    with pytest.raises(StopException):
        analysis._analyze(1, "a.mp4", io.BytesIO(clip), VideoSettings(), videos)
    assert len(videos) == kept
    for video in videos:
        assert len(video.report.frames) == 3
        assert video.report.settings["stopped_at_s"] == pytest.approx(2 / 15, abs=1e-3)
        assert video.annotated
    assert state["analysed"] == {}  # half an answer is none to a second visit
