from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from fer import artifacts
from fer.errors import DatasetError, ModelError
from fer.fer2013.dataset import Dataset
from fer.training import checkpoint
from fer.training.checkpoint import Memory
from fer.training.export import finish_run
from fer.training.fit import TrainedModel, TrainingProgress, predict, train
from fer.training.network import (
    NetworkBuilder,
    compact_cnn,
    multiply_adds,
    seed_cnn,
    swift_cnn,
    wide_cnn,
)
from fer.training.optimisation import (
    Targets,
    add_votes_head,
    compile_step,
    learning_rate,
    make_optimizer,
)
from fer.training.recipes import RECIPES, CosineSGD, PlateauAdam, Recipe, get_recipe
from tests.tiny_fer2013 import tiny_dataset
from tests.tiny_run import tiny_cnn, tiny_recipe

NETWORKS = {"tiny_cnn": tiny_cnn}


class Killed(BaseException):
    """Stands in for the end of the process: nothing in the code catches it."""


@pytest.fixture
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    monkeypatch.setenv("FER_RUNS", str(tmp_path / "runs"))
    dataset = tiny_dataset(per_class=20)
    votes = np.random.default_rng(1).integers(0, 5, (len(dataset.images), 10))
    votes[::9] = 0  # as where FER+ left images out
    return dataclasses.replace(dataset, votes=votes)


def _weights(trained: TrainedModel) -> list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    return [value.numpy() for value in trained.model.weights]


@pytest.mark.parametrize(
    "recipe",
    [
        tiny_recipe("seed", batch_size=32),
        tiny_recipe("compact", batch_size=32, early_epochs=2, validation="test"),
    ],
    ids=["adam", "sgd"],
)
def test_a_killed_run_goes_on_as_if_nothing_had_happened(
    recipe: Recipe, dataset: Dataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    whole = train(recipe, dataset, networks=NETWORKS)
    steps_per_epoch = len(dataset.split("train")) // recipe.batch_size

    for kill_at in (1, steps_per_epoch, 2 * steps_per_epoch + 3):
        monkeypatch.setenv("FER_RUNS", str(tmp_path / f"killed_{kill_at}"))

        def kill(progress: TrainingProgress, kill_at: int = kill_at) -> None:
            if progress.step == kill_at:
                raise Killed

        with pytest.raises(Killed):
            train(recipe, dataset, on_progress=kill, networks=NETWORKS)
        resumed = train(recipe, dataset, resume=True, networks=NETWORKS)
        columns = ["epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"]
        assert resumed.history[columns].equals(whole.history[columns])
        assert resumed.kept_epoch == whole.kept_epoch
        for one, other in zip(_weights(resumed), _weights(whole), strict=True):
            np.testing.assert_array_equal(one, other)


def test_history_and_status_grow_by_the_epoch(dataset: Dataset) -> None:
    recipe = tiny_recipe()
    rows_seen: dict[int, int] = {}

    def watch(progress: TrainingProgress) -> None:
        running = artifacts.training_runs()
        rows_seen[progress.epoch] = running[0].epoch if running else 0
        if running:
            assert len(artifacts.read_history(running[0].folder)) == progress.epoch - 1

    train(recipe, dataset, on_progress=watch, networks=NETWORKS)
    assert rows_seen == {1: 0, 2: 1, 3: 2, 4: 3}
    assert artifacts.training_runs() == ()  # finished


def test_a_run_that_was_begun_is_not_overwritten(dataset: Dataset) -> None:
    recipe = tiny_recipe(epochs=1)
    train(recipe, dataset, networks=NETWORKS)
    with pytest.raises(ModelError, match="--resume"):
        train(recipe, dataset, networks=NETWORKS)
    with pytest.raises(ModelError, match="other settings"):
        train(tiny_recipe(epochs=2), dataset, resume=True, networks=NETWORKS)
    state = artifacts.runs_dir() / recipe.run / "state.npz"
    state.write_bytes(state.read_bytes()[:-100])
    with pytest.raises(ModelError, match="damaged"):
        train(recipe, dataset, resume=True, networks=NETWORKS)


def test_the_learning_rate_falls_on_a_plateau_but_not_below_the_least(
    dataset: Dataset,
) -> None:
    # So high a rate cannot improve the validation loss for long.
    recipe = tiny_recipe(
        epochs=12, optimizer=PlateauAdam(learning_rate=100.0, patience=2, least_learning_rate=20.0)
    )
    history = train(recipe, dataset, networks=NETWORKS).history
    expected, best, waited, rate = [], math.inf, 0, 100.0
    for loss in history["val_loss"]:
        expected.append(rate)
        if loss < best - 1e-4:
            best, waited = loss, 0
        else:
            waited += 1
        if waited == 2:
            rate, waited = max(rate / 10, 20.0), 0
    assert history["learning_rate"].tolist() == pytest.approx(expected)
    assert history["learning_rate"].iloc[-1] == 20.0


def test_the_best_checkpoint_is_returned(dataset: Dataset) -> None:
    trained = train(tiny_recipe(), dataset, networks=NETWORKS)
    best = trained.history["val_accuracy"].max()
    assert trained.history["val_accuracy"].iloc[trained.kept_epoch - 1] == best
    test = dataset.split("test")
    found = (predict(trained.model, test, "fixed").argmax(1) == test.labels).mean()
    assert found == pytest.approx(best)


def test_the_last_checkpoint_is_returned_where_the_recipe_says_so(dataset: Dataset) -> None:
    # So high a rate makes training worse from epoch to epoch.
    ruinous = PlateauAdam(learning_rate=3.0, patience=9, least_learning_rate=1e-5)
    trained = train(tiny_recipe(keep="last", optimizer=ruinous), dataset, networks=NETWORKS)
    accuracy = trained.history["val_accuracy"]
    assert accuracy.iloc[-1] < accuracy.max()
    test = dataset.split("test")
    found = (predict(trained.model, test, "fixed").argmax(1) == test.labels).mean()
    assert (trained.kept_epoch, found) == (4, pytest.approx(accuracy.iloc[-1]))


def test_the_honest_protocol_never_looks_at_the_test_split() -> None:
    assert {name: recipe.validation for name, recipe in RECIPES.items()} == {
        "seed": "test",  # as the original did
        "seed-slice": "slice",
        "compact": "slice",
        "wide": "slice",
        "taught": "slice",
        "swift": "slice",
        "student": "slice",
        "clean": "none",
    }


def test_validation_on_a_slice_leaves_the_test_split_alone(dataset: Dataset) -> None:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, dataset.images.shape, dtype=np.uint8)
    dataset = dataclasses.replace(dataset, images=images)
    seen: list[TrainingProgress] = []

    def history(of: Dataset) -> list[list[float]]:
        recipe = tiny_recipe(validation="slice", epochs=1, batch_size=1, run=f"run-{len(seen)}")
        trained = train(recipe, of, on_progress=seen.append, networks=NETWORKS)
        figures: list[list[float]] = trained.history.drop(columns="seconds").values.tolist()
        return figures

    first = history(dataset)
    assert seen[-1].steps == 126  # of 140, a tenth held out
    # Other test images and labels change nothing.
    mask = dataset.mask("test")
    others = images.copy()
    others[mask] = 255 - others[mask]
    labels = np.where(mask, 0, dataset.labels)
    assert history(dataclasses.replace(dataset, images=others, labels=labels)) == first


def test_without_validation_all_images_are_trained_on(dataset: Dataset) -> None:
    recipe = tiny_recipe(validation="none", keep="last", epochs=2, batch_size=1)
    seen: list[TrainingProgress] = []
    trained = train(recipe, dataset, on_progress=seen.append, networks=NETWORKS)
    assert trained.kept_epoch == 2
    assert trained.history[["val_loss", "val_accuracy"]].isna().all(axis=None)
    assert seen[-1].steps == 2 * len(dataset.split("train"))


def test_twins_of_test_images_are_left_out_where_the_recipe_says_so(dataset: Dataset) -> None:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, dataset.images.shape, dtype=np.uint8)
    train_rows, test_rows = (np.flatnonzero(dataset.mask(name)) for name in ("train", "test"))
    images[test_rows[:5]] = images[train_rows[:5]]
    dataset = dataclasses.replace(dataset, images=images)
    recipe = tiny_recipe(validation="none", keep="last", epochs=1, batch_size=1)
    for left_out, number in ((False, len(train_rows)), (True, len(train_rows) - 5)):
        chosen = dataclasses.replace(recipe, leave_out_twins=left_out, run=f"twins-{left_out}")
        seen: list[TrainingProgress] = []
        train(chosen, dataset, on_progress=seen.append, networks=NETWORKS)
        assert seen[-1].steps == number


def test_targets_are_the_smoothed_label_and_what_teachers_say(dataset: Dataset) -> None:
    split = dataset.split("train")
    taught = np.zeros((len(split), 7), np.float32)
    taught[:, 6] = 1.0
    recipe = tiny_recipe("seed", label_smoothing=0.07, teaching=0.25)
    shares = Targets.of(recipe, split, None, taught).shares
    expected = np.full(7, 0.75 * 0.01)
    expected[split.labels[0]] += 0.75 * 0.93
    expected[6] += 0.25
    np.testing.assert_allclose(shares[0], expected, atol=1e-6)
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-6)


def test_a_student_learns_from_its_teacher(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_MODELS", str(tmp_path / "models"))
    # The teacher calls every face the same; a student that believes it alone does so too.
    teacher = tiny_recipe(epochs=1)
    constant = train(teacher, dataset, networks=NETWORKS)
    *_, kernel, bias = constant.model.weights
    kernel.assign(np.zeros(kernel.shape))
    bias.assign([9.0, 0, 0, 0, 0, 0, 0])
    finish_run(teacher, constant, dataset)
    student = tiny_recipe(run="student", teachers=("tiny-cnn",), teaching=1.0, validation="test")
    trained = train(student, dataset, networks=NETWORKS)
    answers = predict(trained.model, dataset.split("test"), "fixed").mean(axis=0)
    assert answers.argmax() == 0


def test_a_run_begins_with_the_weights_of_another(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_MODELS", str(tmp_path / "models"))
    first = tiny_recipe(epochs=1)
    trained = train(first, dataset, networks=NETWORKS)
    finish_run(first, trained, dataset)
    still = CosineSGD(0.0, momentum=0.0, warm_up=0.0, weight_decay=0.0, averaging=0.0)
    # Nothing moves at a learning rate of 0, but the statistics of batch normalisation.
    second = tiny_recipe(run="second", seed=9, begins_with="tiny-cnn", optimizer=still, epochs=1)
    begun = train(second, dataset, networks=NETWORKS)
    for value, earlier in zip(
        begun.model.trainable_variables, trained.model.trainable_variables, strict=True
    ):
        np.testing.assert_array_equal(value, earlier)


def test_weights_that_do_not_fit_are_refused(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_MODELS", str(tmp_path / "models"))
    with pytest.raises(ModelError, match="The weights of the run missing do not fit"):
        train(tiny_recipe(begins_with="missing"), dataset, networks=NETWORKS)


def test_votes_are_asked_for_where_they_are_missing(dataset: Dataset) -> None:
    with pytest.raises(DatasetError, match="--ferplus"):
        train(tiny_recipe("compact"), dataclasses.replace(dataset, votes=None), networks=NETWORKS)


def test_a_network_that_averages_serves_its_average(dataset: Dataset) -> None:
    recipe = tiny_recipe("compact", epochs=1, early_epochs=1, validation="test", batch_size=32)
    trained = train(recipe, dataset, networks=NETWORKS)
    assert trained.model.input_shape == (None, 48, 48, 1)
    assert len(trained.model.outputs) == 1
    _, tensors = checkpoint.restore(recipe)
    # The served weights are the first averages: the votes head comes last.
    for value, average in zip(trained.model.weights, tensors["average"], strict=False):
        np.testing.assert_array_equal(value.numpy(), average)
    assert any(
        not np.array_equal(value, average)
        for value, average in zip(tensors["model"], tensors["average"], strict=False)
    )


def test_images_without_votes_leave_the_head_for_votes_alone(dataset: Dataset) -> None:
    rule = CosineSGD(learning_rate=0.15, momentum=0.9, warm_up=0.0, weight_decay=0.0, averaging=0.0)
    recipe = tiny_recipe("compact", early_epochs=0, optimizer=rule)
    none = np.zeros((len(dataset.images), 10), np.int64)
    trainee = add_votes_head(tiny_cnn(1))
    optimizer = make_optimizer(recipe)
    optimizer.build(trainee.trainable_variables)
    targets = Targets.of(recipe, dataset.split("train"), none[dataset.mask("train")])
    step = compile_step(recipe, trainee, optimizer, targets, averages=(), size=48)
    before = [value.numpy() for value in trainee.get_layer("votes").weights]
    step(np.arange(32, dtype=np.int32), np.array([0, 0], dtype=np.int32))
    for old, new in zip(before, trainee.get_layer("votes").weights, strict=True):
        np.testing.assert_array_equal(old, new.numpy())


def test_the_cosine_warms_up_and_ends_at_nothing() -> None:
    recipe, memory = get_recipe("compact"), Memory({}, "")
    rates = [learning_rate(recipe, memory, step, 1000) for step in range(1000)]
    assert rates[0] == pytest.approx(0.15 / 50)
    assert rates[49] == pytest.approx(0.15)
    assert rates[525] == pytest.approx(0.075)
    assert rates[-1] < 1e-5
    assert max(rates) == pytest.approx(0.15)


def test_the_seed_network_is_the_original() -> None:
    model = seed_cnn(1)
    assert model.count_params() == 2_871_815
    assert multiply_adds(model) == (
        9 * (48 * 48 * 64 + 24 * 24 * 64 * 128 + 12 * 12 * 128 * 256 + 6 * 6 * 256 * 512)
        + 4608 * 256
        + 256 * 512
        + 512 * 7
    )
    assert model.output_shape == (None, 7)


@pytest.mark.parametrize(
    ("build", "parameters", "multiplications"),
    [
        (compact_cnn, 1_605_207, 59_610_880),
        (wide_cnn, 3_604_735, 133_874_304),
        (swift_cnn, 3_232_263, 145_762_496),
    ],
)
def test_the_residual_networks_are_small(
    build: NetworkBuilder, parameters: int, multiplications: int
) -> None:
    model = build(1, 48)
    assert model.count_params() == parameters
    assert multiply_adds(model) == multiplications
    assert build(1, None).output_shape == (None, 7)


def test_an_unknown_recipe_names_the_known_ones() -> None:
    with pytest.raises(ModelError, match="seed-slice"):
        get_recipe("nothing")
