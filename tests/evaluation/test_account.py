from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fer import artifacts
from fer.errors import ModelError
from fer.evaluation.account import (
    Account,
    calibration_figures,
    crowd_sides,
    label_agreement,
    read_account,
    scoreboard,
    shared_confusions,
)
from fer.types import EMOTIONS
from tests.fakes import fake_run, probabilities
from tests.made_up_runs import FIRST_TEST_ROW, make_run


@pytest.fixture
def account() -> Account:
    """Five faces. Against FER2013 the answers are right, wrong, right, wrong, wrong."""
    answers = ("happy", "sad", "fear", "happy", "neutral")
    labels = ("happy", "fear", "fear", "sad", "angry")
    images = pd.DataFrame(
        {
            "row": range(5),
            "split": ["PublicTest"] * 3 + ["PrivateTest"] * 2,
            "label": labels,
            "twin": pd.array([True, False, False, False, True], dtype="boolean"),
            "ferplus": ["happy", "sad", "tie", "sad", "surprise"],
        }
    )
    raw = np.stack([probabilities(**{answer: 0.7}) for answer in answers])
    return Account(
        run=fake_run(),
        images=images,
        labels=np.array([EMOTIONS.index(label) for label in labels]),
        raw=raw,
        probabilities=raw,
        flipped=None,
    )


def test_the_scoreboard_by_hand(account: Account) -> None:
    board = scoreboard(account).set_index(["against", "part", "twins"])
    assert set(board["view"]) == {"single"}
    assert board.loc[("FER2013", "all", True), "accuracy"] == pytest.approx(2 / 5)
    assert board.loc[("FER2013", "all", False), "accuracy"] == pytest.approx(1 / 3)
    assert board.loc[("FER2013", "PublicTest", True), "images"] == 3
    # To the crowd, the tie is no question at all.
    assert board.loc[("FER+", "all", True), "images"] == 4
    assert board.loc[("FER+", "all", True), "accuracy"] == pytest.approx(2 / 4)
    assert board.loc[("FER+", "PublicTest", False), "accuracy"] == 1
    assert (board["low"] <= board["accuracy"]).all()
    assert (board["accuracy"] <= board["high"]).all()


def test_both_views_are_scored(account: Account) -> None:
    flipped = np.stack([probabilities(happy=0.9)] * 5)
    both = scoreboard(Account(**{**vars(account), "flipped": flipped}))
    averaged = both[(both["view"] == "flip-averaged") & (both["against"] == "FER2013")]
    assert averaged["accuracy"].iloc[0] == pytest.approx(1 / 5)


def test_images_of_which_nothing_is_known_are_left_out(account: Account) -> None:
    unknown = account.images.assign(ferplus=None, twin=pd.array([None] * 5, dtype="boolean"))
    board = scoreboard(Account(**{**vars(account), "images": unknown}))
    assert set(board["against"]) == {"FER2013"}
    assert board["twins"].all()


def test_the_crowd_takes_sides(account: Account) -> None:
    assert crowd_sides(account) == {
        "mistakes": 3,
        "with_model": 1,
        "with_fer2013": 1,
        "neither": 1,
    }


def test_agreement_of_both_labellings(account: Account) -> None:
    labelled, agreeing, left_out = label_agreement(account)
    assert (labelled, agreeing) == (4, 2)
    assert left_out[left_out > 0].to_dict() == {"tie": 1}


def test_calibration_is_compared_only_where_there_is_a_temperature(account: Account) -> None:
    figures = calibration_figures(account)
    assert len(figures) == 1
    assert figures["mean_confidence"][0] == pytest.approx(0.7)
    assert figures["ece"][0] == pytest.approx(0.7 - 2 / 5, abs=1e-6)


def test_confusions_beside_the_crowds() -> None:
    matrix, crowd = np.zeros((7, 7), np.int64), np.zeros((7, 7))
    matrix[2, 4], matrix[2, 2], crowd[2, 4] = 3, 1, 0.25
    table = shared_confusions(matrix, crowd)
    assert len(table) == 42
    assert table.iloc[0].to_dict() == {
        "label": "fear",
        "seen_as": "sad",
        "model": 0.75,
        "crowd": 0.25,
    }


def test_an_account_is_read_from_a_run_and_the_committed_facts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    predictions = make_run("a-run", temperature=2.0)
    found = read_account("a-run")
    details = found.details()
    assert details["row"].tolist() == predictions["row"].tolist()
    assert details["row"][0] == FIRST_TEST_ROW
    assert details["twin"].notna().all()
    assert found.is_calibrated
    # A temperature above 1 makes it less sure of the same answers.
    assert (found.probabilities.max(axis=1) < found.raw.max(axis=1)).all()
    assert (found.probabilities.argmax(axis=1) == found.answers).all()
    assert found.flipped is None


def test_mirrored_predictions_of_other_images_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    predictions = make_run("a-run")
    folder = artifacts.run_folder("a-run")
    predictions.to_csv(folder / artifacts.FLIPPED, index=False)
    with pytest.raises(ModelError, match="flipped"):  # not among the recorded hashes
        read_account("a-run")
    artifacts.write_meta(folder, artifacts.read_meta(folder))
    assert read_account("a-run").flipped is not None
    predictions.iloc[::-1].to_csv(folder / artifacts.FLIPPED, index=False)
    artifacts.write_meta(folder, artifacts.read_meta(folder))
    with pytest.raises(ModelError, match="other images"):
        read_account("a-run")
