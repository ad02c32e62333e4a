from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from fer import artifacts
from fer.errors import ModelError
from fer.network import multiply_adds, seed_cnn
from fer.recipes import RECIPES, get_recipe
from fer.training import TrainedModel, TrainingProgress, predict, train
from fer.types import Split
from tests.tiny_fer2013 import tiny_dataset
from tests.tiny_run import tiny_cnn, tiny_recipe

NETWORKS = {"tiny_cnn": tiny_cnn}


class Killed(BaseException):
    """Stands in for the end of the process: nothing in the code catches it."""


@pytest.fixture
def splits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Split, Split]:
    monkeypatch.setenv("FER_RUNS", str(tmp_path / "runs"))
    dataset = tiny_dataset(per_class=6)
    return dataset.split("train"), dataset.split("test")


def _weights(trained: TrainedModel) -> list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    return [value.numpy() for value in trained.model.weights]


def test_a_killed_run_goes_on_as_if_nothing_had_happened(
    splits: tuple[Split, Split], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    whole = train(tiny_recipe(), *splits, networks=NETWORKS)
    steps_per_epoch = len(splits[0]) // tiny_recipe().batch_size

    for kill_at in (1, steps_per_epoch, 2 * steps_per_epoch + 3):
        monkeypatch.setenv("FER_RUNS", str(tmp_path / f"killed_{kill_at}"))

        def kill(progress: TrainingProgress, kill_at: int = kill_at) -> None:
            if progress.step == kill_at:
                raise Killed

        with pytest.raises(Killed):
            train(tiny_recipe(), *splits, on_progress=kill, networks=NETWORKS)
        resumed = train(tiny_recipe(), *splits, resume=True, networks=NETWORKS)
        columns = ["epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"]
        assert resumed.history[columns].equals(whole.history[columns])
        assert resumed.best_epoch == whole.best_epoch
        for one, other in zip(_weights(resumed), _weights(whole), strict=True):
            np.testing.assert_array_equal(one, other)


def test_history_and_status_grow_by_the_epoch(splits: tuple[Split, Split]) -> None:
    recipe = tiny_recipe()
    rows_seen: dict[int, int] = {}

    def watch(progress: TrainingProgress) -> None:
        running = artifacts.training_runs()
        rows_seen[progress.epoch] = running[0].epoch if running else 0
        if running:
            assert len(artifacts.read_history(running[0].folder)) == progress.epoch - 1

    train(recipe, *splits, on_progress=watch, networks=NETWORKS)
    assert rows_seen == {1: 0, 2: 1, 3: 2, 4: 3}
    assert artifacts.training_runs() == ()  # finished


def test_a_run_that_was_begun_is_not_overwritten(splits: tuple[Split, Split]) -> None:
    recipe = tiny_recipe(epochs=1)
    train(recipe, *splits, networks=NETWORKS)
    with pytest.raises(ModelError, match="--resume"):
        train(recipe, *splits, networks=NETWORKS)
    with pytest.raises(ModelError, match="other settings"):
        train(tiny_recipe(epochs=2), *splits, resume=True, networks=NETWORKS)
    state = artifacts.runs_dir() / recipe.run / "state.npz"
    state.write_bytes(state.read_bytes()[:-100])
    with pytest.raises(ModelError, match="damaged"):
        train(recipe, *splits, resume=True, networks=NETWORKS)


def test_the_learning_rate_falls_on_a_plateau_but_not_below_the_least(
    splits: tuple[Split, Split],
) -> None:
    # So high a rate cannot improve the validation loss for long.
    recipe = tiny_recipe(epochs=12, learning_rate=100.0, least_learning_rate=20.0)
    history = train(recipe, *splits, networks=NETWORKS).history
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


def test_the_best_checkpoint_is_returned(splits: tuple[Split, Split]) -> None:
    trained = train(tiny_recipe(), *splits, networks=NETWORKS)
    best = trained.history["val_accuracy"].max()
    assert trained.history["val_accuracy"].iloc[trained.best_epoch - 1] == best
    found = (predict(trained.model, splits[1]).argmax(1) == splits[1].labels).mean()
    assert found == pytest.approx(best)


def test_the_honest_protocol_never_looks_at_the_test_split() -> None:
    assert {name: recipe.validation for name, recipe in RECIPES.items()} == {
        "seed": "test",
        "seed-slice": "slice",
    }


@pytest.mark.usefixtures("splits")
def test_validation_on_a_slice() -> None:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (140, 48, 48), dtype=np.uint8)
    train_split = Split(images, np.repeat(np.arange(7), 20), np.arange(140))
    nothing = Split(images[:0], np.zeros(0, np.int64), np.zeros(0, np.int64))
    trained = train(
        tiny_recipe(validation="slice", epochs=1), train_split, nothing, networks=NETWORKS
    )
    # 14 of 140 are held out, so the validation accuracy is a multiple of 1/14.
    assert trained.history["val_accuracy"][0] * 14 == pytest.approx(
        round(trained.history["val_accuracy"][0] * 14)
    )


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


def test_an_unknown_recipe_names_the_known_ones() -> None:
    with pytest.raises(ModelError, match="seed-slice"):
        get_recipe("nothing")
