"""Runs that are the mean of others: made, loaded, evaluated, and noticed when a member changes."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from fer import artifacts
from fer.calibration import Calibration
from fer.classifier import FacialExpressionModel
from fer.errors import ModelError
from fer.evaluation.evaluate import complete_run, evaluate_run
from fer.fer2013.dataset import Dataset
from fer.training.ensemble import combine
from fer.training.export import finish_run
from fer.training.fit import train
from tests.tiny_fer2013 import tiny_dataset
from tests.tiny_run import tiny_cnn, tiny_recipe


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """Noise, since faces of one brightness would count as near duplicates."""
    faces = tiny_dataset(per_class=10)
    noise = np.random.default_rng(0).integers(0, 256, faces.images.shape, dtype=np.uint8)
    return dataclasses.replace(faces, images=noise)


@pytest.fixture(scope="module")
def combined(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with two runs and their mean."""
    folder = tmp_path_factory.mktemp("combined")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FER_RUNS", str(folder / "runs"))
        patch.setenv("FER_MODELS", str(folder / "models"))
        for seed, name in ((1, "one"), (2, "two")):
            recipe = tiny_recipe(epochs=1, validation="slice", run=name, seed=seed)
            finish_run(recipe, train(recipe, dataset, networks={"tiny_cnn": tiny_cnn}), dataset)
        combine("both", ["one", "two"], dataset)
    return folder / "models"


@pytest.fixture
def models(combined: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it that a test may damage."""
    copy = shutil.copytree(combined, tmp_path / "models")
    monkeypatch.setenv("FER_MODELS", str(copy))
    return copy


@pytest.mark.usefixtures("models")
def test_it_answers_with_the_mean_over_members_and_mirror_images() -> None:
    faces = np.random.default_rng(3).integers(0, 256, (5, 48, 48), dtype=np.uint8)
    both = FacialExpressionModel.load("both", "float")
    answers = [
        FacialExpressionModel.load(name, "float").predict(view, calibrated=False)
        for name in ("one", "two")
        for view in (faces, np.ascontiguousarray(faces[:, :, ::-1]))
    ]
    mean = np.mean(answers, axis=0)
    np.testing.assert_allclose(both.predict(faces, calibrated=False), mean, atol=1e-6)
    calibrated = Calibration.of(both.run.details).apply(mean)
    np.testing.assert_allclose(both.predict(faces), calibrated, atol=1e-6)
    assert both.predict(faces[:0]).shape == (0, 7)


def test_it_is_described_and_its_figures_can_be_found_again(models: Path, dataset: Dataset) -> None:
    run, one = artifacts.load_run("both"), artifacts.load_run("one")
    assert run.members == ("one", "two")
    assert run.metrics["parameters"] == 2 * one.metrics["parameters"]
    assert run.metrics["multiply_adds"] == 4 * one.metrics["multiply_adds"]
    assert evaluate_run("both", dataset).problems == ()
    card = (models / "both" / artifacts.CARD).read_text(encoding="utf-8")
    assert "python -m fer combine both one two" in card
    looks = artifacts.read_looks()
    assert looks[looks["run"] == "both"]["view"].tolist() == ["flip-averaged"]
    complete_run("both", dataset)
    assert evaluate_run("both", dataset).problems == ()
    assert artifacts.served_hash(run) not in (artifacts.served_hash(one), "")


def test_another_member_than_it_was_made_with_is_noticed(models: Path) -> None:
    shutil.rmtree(models / "two")
    shutil.copytree(models / "one", models / "two")
    with pytest.raises(ModelError, match="another two than the one that is here"):
        artifacts.load_run("both")


def test_a_member_that_is_gone_or_altered_is_named(models: Path) -> None:
    weights = models / "one" / artifacts.SERVING
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(ModelError, match=r"one/model\.tflite is damaged"):
        artifacts.load_run("both")
    shutil.rmtree(models / "one")
    with pytest.raises(ModelError, match="no trained run 'one'"):
        artifacts.load_run("both")


@pytest.mark.usefixtures("models")
def test_what_does_not_fit_together_is_not_combined(dataset: Dataset) -> None:
    with pytest.raises(ModelError, match="combined itself"):
        combine("more", ["one", "both"], dataset)
    folder = artifacts.run_folder("one")
    meta = artifacts.read_meta(folder)
    meta["recipe"]["validation"] = "none"
    artifacts.write_meta(folder, meta)
    with pytest.raises(ModelError, match="held no images out"):
        combine("more", ["two", "one"], dataset)
    assert not artifacts.run_folder("more").exists()
