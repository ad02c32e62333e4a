"""The Model page without a browser: every section, from made-up runs and the committed facts."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from fer import artifacts
from fer.paths import PROJECT
from fer.types import EMOTIONS
from tests.made_up_runs import make_combined, make_run, make_training

ROUTER = PROJECT / "streamlit_app.py"
SECTIONS = (
    *("Overview", "Scoreboard", "Confusions", "Expressions", "Confidence"),
    *("Robustness", "Training", "Data", "Network", "Model card"),
)

OpenSection = Callable[[str], AppTest]


@pytest.fixture(autouse=True)
def nothing_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither runs nor trainings nor a data set of this machine are seen."""
    monkeypatch.setenv("FER_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("FER_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("FER_DATA", str(tmp_path / "data"))
    st.cache_resource.clear()


@pytest.fixture
def open_section() -> OpenSection:
    """Open the page at a section."""

    def run(section: str) -> AppTest:
        app = AppTest.from_file(str(ROUTER), default_timeout=60).run()
        app.switch_page("pages/model.py")
        app.query_params["section"] = section
        return app.run()

    return run


def texts(app: AppTest) -> str:
    kinds = (app.title, app.header, app.subheader, app.markdown, app.caption, app.info)
    words = [str(part.value) for kind in kinds for part in kind]
    return "\n".join(words + [f"{metric.label} {metric.value}" for metric in app.metric])


def charts(app: AppTest) -> int:
    return len(app.get("vega_lite_chart"))


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("temperature", [None, 1.4])
def test_every_section_opens_without_the_data_set(
    section: str, temperature: float | None, open_section: OpenSection
) -> None:
    make_run(temperature=temperature)
    app = open_section(section)
    assert not app.exception
    assert not app.error
    assert app.button_group[0].value == section


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_opens_for_a_combined_run(section: str, open_section: OpenSection) -> None:
    make_run("one")
    make_run("two")
    make_combined(artifacts.DEFAULT_RUN, ["one", "two"])
    app = open_section(section)
    assert not app.exception
    assert not app.error
    if section in ("Training", "Network"):
        assert "is the mean of" in texts(app)


def test_an_unknown_section_in_the_address_leads_to_the_first(open_section: OpenSection) -> None:
    make_run()
    app = open_section("Nonsense")
    assert not app.exception
    assert app.button_group[0].value == "Overview"


@pytest.mark.parametrize("section", ["Overview", "Scoreboard", "Training"])
def test_runs_are_compared(section: str, open_section: OpenSection) -> None:
    make_run(artifacts.DEFAULT_RUN)
    make_run("a-run", temperature=1.3)
    app = open_section(section)
    assert app.selectbox[0].options == [artifacts.DEFAULT_RUN, "a-run"]
    app.multiselect[0].select("a-run").run()
    assert not app.exception
    shown = " ".join(table.value.to_csv() for table in app.dataframe)
    assert "a-run" in shown
    assert artifacts.DEFAULT_RUN in shown


def test_the_original_stands_beside_the_run(open_section: OpenSection) -> None:
    make_run()
    app = open_section("Overview")
    beside = app.table[0].value
    original = ["64.1%", "not published", "63.0%", "not published"]
    assert list(beside.loc["original system"]) == original
    assert beside.loc[artifacts.DEFAULT_RUN, "training accuracy"] == "68.1%"
    assert "chosen on the test faces" in texts(app)


def test_robustness_is_shown_once_it_was_measured(open_section: OpenSection) -> None:
    make_run()
    assert "python -m fer robustness" in texts(open_section("Robustness"))
    run = artifacts.list_runs()[0]
    rows = [f"{name},{s},1,px,30,0.5,0.4,0.6" for name in ("blur", "noise") for s in range(1, 6)]
    table = [
        "condition,strength,value,unit,images,accuracy,low,high",
        "as they are,0,,,30,0.7,0.6,0.8",
    ]
    path = artifacts.run_folder(run) / artifacts.ROBUSTNESS
    path.write_text("\n".join(table + rows), encoding="utf-8")
    app = open_section("Robustness")
    assert not app.exception
    assert charts(app) == 1
    assert "70.0%" in texts(app)


def test_another_run_is_chosen(open_section: OpenSection) -> None:
    make_run("a-run")
    make_run(artifacts.DEFAULT_RUN)
    app = open_section("Overview")
    app.selectbox[0].select("a-run").run()
    assert "a-run" in app.table[0].value.index


def test_the_scoreboard_tells_how_faces_without_a_crowd_label_are_treated(
    open_section: OpenSection,
) -> None:
    make_run()
    app = open_section("Scoreboard")
    words = texts(app)
    for needed in ("Wilson", "tie", "contempt", "unknown", "not a face", "twin"):
        assert needed in words
    assert "python -m fer evaluate" not in words
    app.button_group[2].set_value("flip-averaged").run()
    assert "python -m fer evaluate" in texts(app)


def test_every_look_at_the_test_faces_is_shown(open_section: OpenSection) -> None:
    make_run()
    looks = "finished,run,view,all\n2026-11-22,seed-cnn,single,0.638\n"
    (artifacts.models_dir() / artifacts.LOOKS).write_text(looks)
    shown = [table.value.to_csv() for table in open_section("Scoreboard").dataframe]
    assert any("2026-11-22" in table for table in shown)


def test_the_confusion_matrix_counts_every_face(open_section: OpenSection) -> None:
    predictions = make_run()
    app = open_section("Confusions")
    assert "Together **70** faces" in texts(app)
    matrix = app.dataframe[0].value.set_index("labelled")
    assert matrix.loc["total", "total"] == len(predictions)
    assert list(matrix.loc[list(EMOTIONS), "total"]) == [10] * 7
    # Without the data set, the page says how to add it.
    assert "python -m fer data import" in texts(app)


def test_the_threshold_that_is_chosen_is_remembered(open_section: OpenSection) -> None:
    predictions = make_run(temperature=1.0)
    app = open_section("Confidence")
    assert app.slider[0].value == 0.5  # as the run proposes
    app.slider[0].set_value(0.65).run()
    confidence = predictions[list(EMOTIONS)].to_numpy(np.float32).max(axis=1)
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics["Faces that get an answer"] == f"{(confidence >= 0.65).mean():.1%}"
    assert app.session_state["unsure threshold"] == 0.65
    app.switch_page("pages/responsible_use.py").run()
    app.switch_page("pages/model.py")
    app.query_params["section"] = "Confidence"
    app.run()
    assert app.slider[0].value == 0.65


def test_an_uncalibrated_run_says_so(open_section: OpenSection) -> None:
    make_run()
    app = open_section("Confidence")
    assert "**not calibrated**" in texts(app)
    assert app.slider[0].value == 0


def test_the_data_section_tells_what_the_audit_found(open_section: OpenSection) -> None:
    make_run()
    words = texts(open_section("Data"))
    assert "**35,887**" in words
    assert "Test faces with a twin in training 572" in words
    assert "of them under another label 18" in words


def test_the_network_is_counted_layer_by_layer(open_section: OpenSection) -> None:
    make_run()
    app = open_section("Network")
    layers = app.dataframe[0].value.set_index("layer")
    assert layers.loc["conv", "output shape"] == "24 × 24 × 8"
    assert layers.loc["conv", "parameters"] == 3 * 3 * 8 + 8
    assert "a few" not in texts(app)
    assert "Measure now" in [button.label for button in app.button]


def test_the_card_is_shown(open_section: OpenSection) -> None:
    make_run()
    app = open_section("Model card")
    assert "Meant for learning." in texts(app)
    assert [button.proto.label for button in app.get("download_button")] == ["Download the card"]


def test_an_altered_run_is_named(open_section: OpenSection) -> None:
    make_run()
    (artifacts.run_folder(artifacts.DEFAULT_RUN) / artifacts.HISTORY).write_text("epoch\n1\n")
    app = open_section("Overview")
    assert not app.exception
    assert "history\\.csv" in app.error[0].value


def test_curves_of_a_training_run_grow(open_section: OpenSection) -> None:
    make_training("next-cnn", epoch=2, updated=time.time())
    app = open_section("Training")
    assert "next\\-cnn: training under way" in texts(app)
    assert charts(app) == 4
    assert app.get("progress")[0].proto.text == "Epoch 2 of 15, about 13 min to go"
    make_training("next-cnn", epoch=3, updated=time.time())
    app.run()
    assert app.get("progress")[0].proto.text == "Epoch 3 of 15, about 12 min to go"


def test_a_training_run_that_stands_still_says_so(open_section: OpenSection) -> None:
    make_training("next-cnn", epoch=2, updated=time.time() - 7200)
    assert "training no progress for 120 min" in texts(open_section("Training"))
