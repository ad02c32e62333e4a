"""A tiny run from training to a finished folder, loaded, served, evaluated and tampered with."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fer import artifacts
from fer.calibration import Calibration
from fer.classifier import FacialExpressionModel, litert_forward, load_keras
from fer.errors import ModelError
from fer.evaluation.evaluate import complete_run, evaluate_run, flip_averaged
from fer.fer2013.dataset import Dataset
from fer.preprocessing import to_model_input
from fer.training.conversion import DYNAMIC, FLOAT32, STATIC, convert
from fer.training.export import export_run, finish_run
from fer.training.fit import train
from fer.types import EMOTIONS, Image
from tests.tiny_fer2013 import tiny_dataset
from tests.tiny_run import tiny_cnn, tiny_recipe


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return tiny_dataset(per_class=6)


@pytest.fixture(scope="module")
def finished(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with one finished tiny run."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FER_RUNS", str(folder / "runs"))
        patch.setenv("FER_MODELS", str(folder / "models"))
        recipe = tiny_recipe(epochs=2)
        trained = train(recipe, dataset, networks={"tiny_cnn": tiny_cnn})
        finish_run(recipe, trained, dataset)
    return folder / "models"


@pytest.fixture
def models(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it that a test may damage."""
    copy = shutil.copytree(finished, tmp_path / "models")
    monkeypatch.setenv("FER_MODELS", str(copy))
    return copy


def _faces(number: int) -> Image:
    return np.random.default_rng(7).integers(0, 256, (number, 48, 48), dtype=np.uint8)


def test_a_finished_run_is_complete(models: Path, dataset: Dataset) -> None:
    files = {path.name for path in (models / "tiny-cnn").iterdir()}
    served = artifacts.served_file(artifacts.load_run("tiny-cnn"))
    assert files == {
        *artifacts.HASHED,
        artifacts.FLIPPED,
        served,
        artifacts.META,
        artifacts.CARD,
    }
    assert artifacts.list_runs() == ("tiny-cnn",)
    assert not list(models.glob("*.part"))
    run = artifacts.load_run("tiny-cnn")
    assert run.labels == EMOTIONS
    assert run.metrics["test"]["all"]["images"] == 14
    predictions = artifacts.read_predictions(models / "tiny-cnn")
    assert list(predictions.columns) == ["row", "split", "label", *EMOTIONS]
    assert predictions["row"].tolist() == dataset.split("test").rows.tolist()
    assert np.allclose(predictions[list(EMOTIONS)].sum(axis=1), 1, atol=1e-5)
    assert len(artifacts.read_history(models / "tiny-cnn")) == 2
    results = pd.read_csv(models / "RESULTS.csv")
    assert results["view"].tolist() == ["single", "flip-averaged"]
    assert results["all"][0] == pytest.approx(run.metrics["test"]["all"]["accuracy"], abs=1e-4)


def test_both_runtimes_agree(models: Path) -> None:
    assert (models / "tiny-cnn").is_dir()
    faces = _faces(9)
    served = FacialExpressionModel.load("tiny-cnn", "float").predict(faces)
    keras = FacialExpressionModel.load("tiny-cnn", runtime="keras").predict(faces)
    assert served.shape == (9, 7)
    assert served.dtype == np.float32
    np.testing.assert_allclose(served, keras, atol=1e-4)


@pytest.mark.usefixtures("models")
def test_a_face_gets_the_same_answer_alone_in_a_batch_and_from_many_threads() -> None:
    model = FacialExpressionModel.load("tiny-cnn")
    faces = _faces(70)
    together = model.predict(faces)
    with ThreadPoolExecutor(8) as pool:
        alone = list(pool.map(lambda i: model.predict(faces[i : i + 1 + i % 3])[0], range(70)))
    np.testing.assert_allclose(np.stack(alone), together, atol=1e-6)
    assert model.predict(faces[:0]).shape == (0, 7)


@pytest.mark.usefixtures("models")
def test_averaging_over_the_mirror_image() -> None:
    model = FacialExpressionModel.load("tiny-cnn")
    faces = _faces(3)
    found = flip_averaged(model, faces)
    np.testing.assert_allclose(found, flip_averaged(model, faces[:, :, ::-1].copy()), atol=1e-6)
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def _alter(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("name", artifacts.HASHED)
@pytest.mark.parametrize("damage", [_truncate, _alter, Path.unlink])
def test_a_damaged_file_is_named(models: Path, name: str, damage: Callable[[Path], None]) -> None:
    damage(models / "tiny-cnn" / name)
    with pytest.raises(ModelError, match=f"tiny-cnn/{name} is (missing|damaged)"):
        FacialExpressionModel.load("tiny-cnn")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": [*EMOTIONS[1:], EMOTIONS[0]]}, "orders its labels disgust"),
        ({"preprocessing": {"colour": "grey", "size": 48, "mean": 0, "scale": 255}}, "prepared"),
        ({"input_shape": [64, 64, 1]}, "input shape"),
        ({"labels": None}, "lacks or garbles"),
    ],
)
def test_a_run_that_disagrees_with_the_code_is_refused(
    models: Path, change: dict[str, Any], message: str
) -> None:
    path = models / "tiny-cnn" / artifacts.META
    path.write_text(json.dumps(json.loads(path.read_text()) | change), encoding="utf-8")
    with pytest.raises(ModelError, match=message):
        FacialExpressionModel.load("tiny-cnn")


def test_no_such_run_and_no_readable_description(models: Path) -> None:
    with pytest.raises(ModelError, match=r"no trained run 'absent'\. Known: tiny-cnn"):
        artifacts.load_run("absent")
    (models / "tiny-cnn" / artifacts.META).write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match=r"meta\.json cannot be read"):
        artifacts.load_run("tiny-cnn")


def test_files_that_are_no_models_are_refused_even_with_right_hashes(models: Path) -> None:
    folder = models / "tiny-cnn"
    meta = json.loads((folder / artifacts.META).read_text())
    for name, runtime in ((artifacts.SERVING, "float"), (artifacts.WEIGHTS, "keras")):
        (folder / name).write_bytes(b"junk")
        artifacts.write_meta(folder, meta)
        with pytest.raises(ModelError, match="tiny-cnn"):
            FacialExpressionModel.load("tiny-cnn", runtime=runtime)  # type: ignore[arg-type]


def test_evaluation_reproduces_what_is_committed(models: Path, dataset: Dataset) -> None:
    assert evaluate_run("tiny-cnn", dataset).problems == ()
    folder = models / "tiny-cnn"
    predictions = artifacts.read_predictions(folder)
    predictions.loc[0, ["angry", "sad"]] += [0.001, -0.001]
    predictions.to_csv(folder / artifacts.PREDICTIONS, index=False)
    meta = json.loads((folder / artifacts.META).read_text())
    meta["metrics"]["test"]["all"]["accuracy"] += 0.01
    artifacts.write_meta(folder, meta)
    problems = evaluate_run("tiny-cnn", dataset).problems
    assert len(problems) == 3  # the card states the accuracy too
    assert "differs by up to 0.001" in problems[0]
    assert "accuracy on all" in problems[1]


def test_what_follows_from_a_run_is_written_anew(models: Path, dataset: Dataset) -> None:
    folder = models / "tiny-cnn"
    before = artifacts.read_predictions(folder, artifacts.FLIPPED)
    (folder / artifacts.FLIPPED).unlink()
    (folder / artifacts.CARD).write_text("out of date", encoding="utf-8")
    artifacts.write_meta(folder, artifacts.read_meta(folder))
    problems = evaluate_run("tiny-cnn", dataset).problems
    assert [problem.split()[0] for problem in problems] == [artifacts.FLIPPED, artifacts.CARD]
    complete_run("tiny-cnn", dataset)
    assert evaluate_run("tiny-cnn", dataset).problems == ()
    pd.testing.assert_frame_equal(artifacts.read_predictions(folder, artifacts.FLIPPED), before)


def test_evaluation_counts_the_network_and_fits_the_calibration_again(
    models: Path, dataset: Dataset
) -> None:
    folder = models / "tiny-cnn"
    meta = artifacts.read_meta(folder)
    meta["metrics"]["parameters"] += 1
    meta["calibration"] = {"temperature": 1.5, "even_share": 0.1, "fitted_on": ""}
    meta["calibration"] |= {"unsure_threshold": None, "coverage": None}
    meta["calibration"] |= dict.fromkeys(
        ("test_ece_before", "test_ece_after", "test_ece_without_twins"), 0.1
    )
    artifacts.write_meta(folder, meta)
    problems = evaluate_run("tiny-cnn", dataset).problems
    assert any("as parameters; the layers make" in problem for problem in problems)
    assert any("1.5 as the temperature of calibration" in problem for problem in problems)


@pytest.mark.usefixtures("models")
def test_evaluation_on_other_images_is_noticed() -> None:
    other = tiny_dataset(per_class=6, seed=1)
    other.rows[-1] += 1
    assert any("other images" in p for p in evaluate_run("tiny-cnn", other).problems)


def test_export_makes_the_serving_files_anew(models: Path, dataset: Dataset) -> None:
    before = FacialExpressionModel.load("tiny-cnn", "float").predict(_faces(4))
    (models / "tiny-cnn" / artifacts.SERVING).unlink()
    run = export_run("tiny-cnn", dataset)
    assert run.files.keys() >= {*artifacts.HASHED, artifacts.served_file(run)}
    after = FacialExpressionModel.load("tiny-cnn", "float").predict(_faces(4))
    np.testing.assert_allclose(after, before, atol=1e-6)
    measured = run.details["serving"]["measured"]
    assert list(measured) == [FLOAT32, STATIC, DYNAMIC]
    assert measured[FLOAT32]["accuracy"] == pytest.approx(run.metrics["test"]["all"]["accuracy"])
    assert evaluate_run("tiny-cnn", dataset).problems == ()


def test_both_ways_of_int8_stay_near_the_float_network(models: Path, dataset: Dataset) -> None:
    model = load_keras(models / "tiny-cnn")
    sample = to_model_input(dataset.split("train").images, "fixed")
    expected = model(sample, training=False).numpy()
    for way, content in convert(model, sample).items():
        (models / "file.tflite").write_bytes(content)
        found = litert_forward(models / "file.tflite")(sample)
        np.testing.assert_allclose(found, expected, atol=1e-5 if way == FLOAT32 else 0.05)
        # Kernels as small as this network's stay in float in the dynamic way.
        assert (way == STATIC) != bool(np.allclose(found, expected, atol=1e-5))


def test_another_record_of_the_served_file_is_noticed(models: Path, dataset: Dataset) -> None:
    folder = models / "tiny-cnn"
    meta = artifacts.read_meta(folder)
    meta["serving"]["measured"][meta["serving"]["way"]]["accuracy"] += 0.1
    artifacts.write_meta(folder, meta)
    problems = evaluate_run("tiny-cnn", dataset).problems
    assert any("served file is recorded with accuracy" in problem for problem in problems)
    meta["serving"]["file"] = "other.tflite"
    artifacts.write_meta(folder, meta)
    with pytest.raises(ModelError, match=r"names 'other\.tflite' as the file to serve"):
        FacialExpressionModel.load("tiny-cnn")


def test_the_card_states_figures_and_limits(models: Path) -> None:
    card = (models / "tiny-cnn" / artifacts.CARD).read_text(encoding="utf-8")
    run = artifacts.load_run("tiny-cnn")
    assert f"{run.metrics['test']['all']['accuracy']:.3f}" in card
    assert run.details["protocol"] in card
    assert "not measured" in card
    assert "Article 5(1)(f)" in card


def test_a_slice_calibrates_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("FER_MODELS", str(tmp_path / "models"))
    # Noise, since faces of one brightness would count as near duplicates.
    faces = tiny_dataset(per_class=10)
    noise = np.random.default_rng(0).integers(0, 256, faces.images.shape, dtype=np.uint8)
    noisy = dataclasses.replace(faces, images=noise)
    recipe = tiny_recipe(epochs=1, validation="slice")
    run = finish_run(recipe, train(recipe, noisy, networks={"tiny_cnn": tiny_cnn}), noisy)
    calibration = run.details["calibration"]
    assert calibration["temperature"] > 0
    assert evaluate_run("tiny-cnn", noisy).problems == ()
    model = FacialExpressionModel.load("tiny-cnn", "float")
    raw = model.predict(_faces(5), calibrated=False)
    np.testing.assert_allclose(
        model.predict(_faces(5)), Calibration.of(run.details).apply(raw), atol=1e-6
    )
    assert "calibrated with the temperature" in (
        artifacts.run_folder("tiny-cnn") / artifacts.CARD
    ).read_text(encoding="utf-8")


def test_a_run_on_all_images_takes_its_calibration_from_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("FER_MODELS", str(tmp_path / "models"))
    faces = tiny_dataset(per_class=10)
    noise = np.random.default_rng(0).integers(0, 256, faces.images.shape, dtype=np.uint8)
    noisy = dataclasses.replace(faces, images=noise)
    networks = {"tiny_cnn": tiny_cnn}
    part = tiny_recipe(epochs=1, validation="slice", run="part")
    fitted = finish_run(part, train(part, noisy, networks=networks), noisy)
    every = tiny_recipe(epochs=1, validation="none", keep="last", run="every", calibrated_as="part")
    run = finish_run(every, train(every, noisy, networks=networks), noisy)
    for name in ("temperature", "even_share", "unsure_threshold", "coverage"):
        assert run.details["calibration"][name] == fitted.details["calibration"][name]
    assert run.details["calibration"]["fitted_on"].endswith("of the run part")
    assert run.metrics["val_accuracy"] is None
    assert evaluate_run("every", noisy).problems == ()
    card = (artifacts.run_folder("every") / artifacts.CARD).read_text(encoding="utf-8")
    assert "no images were held out" in card
