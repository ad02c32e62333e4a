"""The committed runs: complete, reproducible, and the same under both runtimes."""

from __future__ import annotations

import numpy as np
import pytest

from fer import artifacts
from fer.calibration import Calibration
from fer.classifier import FacialExpressionModel
from fer.faces import create_detector
from fer.fer2013.dataset import Dataset
from fer.metrics import score
from fer.pipeline import Analyzer
from fer.types import EMOTIONS, Image

RUNS = artifacts.list_runs()
TRAINED = [name for name in RUNS if not artifacts.load_run(name).members]


def test_the_original_and_the_default_run_are_here() -> None:
    assert artifacts.default_run() == RUNS[0]
    assert "seed-cnn" in RUNS


@pytest.mark.parametrize("name", RUNS)
def test_both_runtimes_agree_on_real_faces(name: str, fer2013: Dataset) -> None:
    faces = fer2013.split("test").images[::150]
    served = FacialExpressionModel.load(name, "float").predict(faces)
    keras = FacialExpressionModel.load(name, runtime="keras").predict(faces)
    np.testing.assert_allclose(served, keras, atol=1e-4)


@pytest.mark.parametrize("name", RUNS)
def test_committed_predictions_are_the_models_own(name: str, fer2013: Dataset) -> None:
    test = fer2013.split("test")
    committed = artifacts.read_predictions(artifacts.run_folder(name))
    assert committed["row"].tolist() == test.rows.tolist()
    assert committed["label"].tolist() == [EMOTIONS[label] for label in test.labels]
    model = FacialExpressionModel.load(name, "float")
    some = slice(None, None, 40)
    found = model.predict(test.images[some], calibrated=False)
    np.testing.assert_allclose(found, committed[list(EMOTIONS)].to_numpy()[some], atol=1e-4)


@pytest.mark.parametrize("name", RUNS)
def test_recorded_figures_follow_from_the_committed_predictions(name: str) -> None:
    committed = artifacts.read_predictions(artifacts.run_folder(name))
    assert len(committed) == 7_178
    labels = committed["label"].map(EMOTIONS.index).to_numpy(np.int64)
    found = score(labels, committed[list(EMOTIONS)].to_numpy())
    assert artifacts.load_run(name).metrics["test"]["all"] == pytest.approx(found, abs=1e-4)


@pytest.mark.parametrize("name", TRAINED)
def test_history_has_a_row_per_epoch_and_the_one_that_was_kept(name: str) -> None:
    run = artifacts.load_run(name)
    history = artifacts.read_history(artifacts.run_folder(name))
    assert history["epoch"].tolist() == list(range(1, run.details["recipe"]["epochs"] + 1))
    best = int(history["val_accuracy"].to_numpy().argmax()) + 1
    keeps_last = run.details["recipe"].get("keep") == "last"
    assert run.metrics["kept_epoch"] == (len(history) if keeps_last else best)


@pytest.mark.parametrize("name", RUNS)
def test_what_is_served_is_calibrated(name: str) -> None:
    model = FacialExpressionModel.load(name)
    faces = np.random.default_rng(0).integers(0, 256, (4, 48, 48), dtype=np.uint8)
    expected = Calibration.of(model.run.details).apply(model.predict(faces, calibrated=False))
    np.testing.assert_allclose(model.predict(faces), expected, atol=1e-6)


@pytest.mark.parametrize("name", RUNS)
def test_what_is_served_is_as_right_and_as_honest_as_the_float_network(
    name: str, fer2013: Dataset
) -> None:
    serving = artifacts.load_run(name).details["serving"]
    reference, served = serving["measured"]["float32"], serving["measured"][serving["way"]]
    assert served["accuracy"] >= reference["accuracy"] - 0.002
    assert served["ece"] <= reference["ece"] + 0.005
    assert served["speed"] >= 1
    test = fer2013.split("test")
    some = slice(None, None, 10)
    found = FacialExpressionModel.load(name).predict(test.images[some])
    expected = FacialExpressionModel.load(name, "float").predict(test.images[some])
    assert (found.argmax(axis=1) == expected.argmax(axis=1)).mean() > 0.97


def test_the_original_reaches_what_it_is_known_to_reach() -> None:
    assert artifacts.load_run("seed-cnn").metrics["test"]["all"]["accuracy"] >= 0.63


def test_a_smile_is_read_in_a_real_photo(astronaut: Image) -> None:
    analyzer = Analyzer(create_detector(), FacialExpressionModel.load())
    result = analyzer.analyze(astronaut)
    assert result.predictions[0].label == "happy"
