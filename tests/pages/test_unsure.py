"""The limit of "unsure": chosen once, offered by the pages that give answers."""

from __future__ import annotations

from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from fer import artifacts
from fer.app.common import looks
from fer.artifacts import load_run as load
from fer.media import sample
from fer.paths import PROJECT
from tests.consent import agree
from tests.fakes import FakeClassifier, FakeDetector, prediction
from tests.made_up_runs import make_run

ROUTER = PROJECT / "streamlit_app.py"


def test_an_answer_below_the_limit_is_called_unsure() -> None:
    assert looks(prediction(happy=0.62), 0.62) == "looks **happy** (62%)"
    assert looks(prediction(happy=0.62), 0.63) == "**unsure**: most like happy (62%)"


def test_that_an_answer_is_doubtful_is_not_said_of_the_face() -> None:
    doubtful = prediction(quality=("turned", "uncertain"), happy=0.38)
    assert looks(doubtful, 0.5).endswith("but the face is turned: trust it less")
    assert "the face is" not in looks(prediction(quality=("uncertain",), happy=0.38), 0.5)


def test_the_choice_on_the_model_page_is_the_start_on_the_photo_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    monkeypatch.setenv("FER_RUNS", str(tmp_path))
    classifier = FakeClassifier("happy", 0.62)
    monkeypatch.setattr("fer.app.common.FacialExpressionModel.load", lambda _: classifier)
    monkeypatch.setattr("fer.app.common.create_detector", FakeDetector)
    st.cache_resource.clear()
    make_run(artifacts.DEFAULT_RUN, temperature=1.0)
    classifier.run = load(artifacts.DEFAULT_RUN)
    app = agree(AppTest.from_file(str(ROUTER), default_timeout=60)).run()
    app.switch_page("pages/photo.py").run()
    assert app.slider[0].value == 0.5  # as the run proposes
    app.file_uploader[0].set_value(("a.jpg", sample.portrait_bytes(), "image/jpeg")).run()
    assert any("looks **happy** (62%)" in part.value for part in app.markdown)
    app.switch_page("pages/model.py")
    app.query_params["section"] = "Confidence"
    app.run()
    app.slider[0].set_value(0.7).run()
    app.switch_page("pages/photo.py").run()
    assert app.slider[0].value == 0.7
    app.file_uploader[0].set_value(("a.jpg", sample.portrait_bytes(), "image/jpeg")).run()
    assert any("**unsure**: most like happy" in part.value for part in app.markdown)
    assert not app.exception
