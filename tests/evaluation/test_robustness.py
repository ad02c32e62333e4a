from __future__ import annotations

import numpy as np
import pytest

from fer.evaluation.robustness import CONDITIONS, Condition, compare, robustness_table
from fer.types import Image, Probabilities, Split
from tests.fakes import FakeClassifier, fake_run


class BrightnessClassifier:
    """Says the class whose number is the face's brightness over 30."""

    run = fake_run()

    def predict(self, faces: Image) -> Probabilities:
        chosen = np.clip(faces.mean(axis=(1, 2)) // 30, 0, 6).astype(int)
        return np.asarray(np.eye(7, dtype=np.float32)[chosen])


def _split(per_class: int = 6) -> Split:
    labels = np.repeat(np.arange(7), per_class)
    images = np.broadcast_to((labels * 30 + 15)[:, None, None], (len(labels), 48, 48))
    return Split(images.astype(np.uint8), labels, np.arange(len(labels)))


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda condition: condition.name)
def test_each_strength_spoils_more_than_the_one_before(condition: Condition) -> None:
    # A lit ball: smooth, so that moving it further changes it more.
    rows, columns = np.mgrid[:48, :48]
    face = (40 + 200 * np.exp(-((rows - 20) ** 2 + (columns - 26) ** 2) / 200)).astype(np.uint8)
    changes = []
    for value in condition.strengths:
        spoilt = condition.spoil(face, value, np.random.default_rng(1))
        assert spoilt.shape == (48, 48)
        assert spoilt.dtype == np.uint8
        changes.append(np.abs(spoilt.astype(int) - face).mean())
    assert changes == sorted(changes)
    assert changes[0] > 0


def test_the_table_holds_every_case_and_the_base() -> None:
    table = robustness_table(BrightnessClassifier(), _split(), every=1)
    assert len(table) == 1 + 5 * len(CONDITIONS)
    base = table.iloc[0]
    assert base["accuracy"] == 1.0
    assert base["images"] == 42
    dark = table[table["condition"] == "low light"]["accuracy"].tolist()
    assert dark[-1] < 0.5  # nothing bright is left
    turned = table[table["condition"] == "turned"]["accuracy"]
    assert (turned == 1.0).all()  # an even face looks the same from everywhere
    assert (table["low"] <= table["accuracy"]).all()
    assert (table["accuracy"] <= table["high"]).all()


def test_a_sample_is_taken_and_progress_told() -> None:
    seen: list[tuple[int, int]] = []
    table = robustness_table(
        FakeClassifier(), _split(), every=3, on_progress=lambda *told: seen.append(told)
    )
    assert set(table["images"]) == {14}
    assert seen[-1] == (5 * len(CONDITIONS), 5 * len(CONDITIONS))


def test_a_committed_table_is_held_against_a_new_one() -> None:
    table = robustness_table(BrightnessClassifier(), _split(), every=3)
    assert compare(table, table.copy()) == []
    other = table.copy()
    other["accuracy"] -= 0.01
    assert "differs by up to 0.01" in compare(other, table)[0]
    assert "other conditions" in compare(table.iloc[1:], table)[0]
