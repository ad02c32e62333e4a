from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from fer.charts import confusions as confusion_charts
from fer.charts import model as model_charts
from fer.charts.style import Drawing
from fer.types import EMOTIONS

HISTORY = pd.DataFrame(
    {
        "epoch": [1, 2, 3],
        "loss": [1.8, 1.5, 1.2],
        "accuracy": [0.3, 0.4, 0.5],
        "val_loss": [1.7, 1.4, 1.5],
        "val_accuracy": [0.35, 0.5, 0.45],
        "learning_rate": [5e-4, 5e-4, 5e-5],
        "seconds": [200.0, 210.0, 190.0],
    }
)
MODELS = pd.DataFrame(
    {
        "name": ["first", "second"],
        "kind": ["other", "ours"],
        "accuracy": [0.66, 0.64],
        "low": [None, 0.63],
        "high": [None, 0.65],
    }
)
LABELS = np.array([3, 3, 6])
PROBABILITIES = np.array(
    [[0, 0, 0, 0.92, 0, 0, 0.08], [0, 0, 0, 0.52, 0, 0, 0.48], [0, 0, 0, 0.02, 0, 0, 0.98]],
    np.float32,
)
HAPPY = confusion_charts.probability_bins(LABELS, PROBABILITIES, "happy")
CURVE = pd.DataFrame(
    {
        "threshold": [0.0, 0.5, 1.0],
        "faces": [10, 5, 0],
        "coverage": [1.0, 0.5, 0.0],
        "accuracy": [0.6, 0.8, np.nan],
    }
)
BINS = pd.DataFrame(
    {"low": [0.0], "high": [0.1], "images": [4], "confidence": [0.08], "accuracy": [0.25]}
)
FIGURES = pd.DataFrame(
    {"expression": EMOTIONS, "precision": 0.5, "recall": 0.4, "f1": 0.44, "support": 10}
)
PAIRS = pd.DataFrame({"label": ["fear"], "seen_as": ["sad"], "model": [0.3], "crowd": [0.2]})


def spec(chart: Drawing) -> dict[str, Any]:
    """What the browser gets."""
    made: dict[str, Any] = chart.to_dict()
    return made


def rows(chart: Drawing, layer: int | None = None) -> list[dict[str, Any]]:
    """The data of a chart, or of one of its layers."""
    made = spec(chart)
    data = made["data"] if layer is None or "data" in made else made["layer"][layer]["data"]
    found: list[dict[str, Any]] = made["datasets"][data["name"]]
    return found


@pytest.mark.parametrize(("figure", "training"), [("loss", 1.8), ("accuracy", 0.3)])
def test_curves_of_training_and_validation(figure: str, training: float) -> None:
    found = rows(model_charts.training_curves({"run": HISTORY}, figure), 0)
    assert [row["part"] for row in found] == ["training"] * 3 + ["validation"] * 3
    assert found[0][figure] == training
    assert found[3][figure] == HISTORY[f"val_{figure}"][0]


@pytest.mark.parametrize("kept", [1, 3])
def test_curves_mark_the_epoch_that_was_kept(kept: int) -> None:
    chart = model_charts.training_curves({"run": HISTORY}, "loss", kept_epoch=kept)
    assert [row["epoch"] for row in rows(chart, 0)] == [kept]


def test_curves_of_several_runs_have_a_colour_each() -> None:
    chart = model_charts.training_curves({"one": HISTORY, "two": HISTORY}, "accuracy")
    color = spec(chart)["layer"][0]["encoding"]["color"]
    assert color["scale"]["domain"] == ["one", "two"]
    assert len(set(color["scale"]["range"])) == 2
    assert {row["run"] for row in rows(chart, 0)} == {"one", "two"}


def test_few_learning_rates_are_named_on_the_axis_and_many_are_not() -> None:
    axis = spec(model_charts.learning_rate(HISTORY))["encoding"]["y"]["axis"]
    assert axis["values"] == [5e-5, 5e-4]
    many = pd.DataFrame({"epoch": range(1, 31), "learning_rate": np.linspace(0.1, 0.01, 30)})
    assert "values" not in spec(model_charts.learning_rate(many))["encoding"]["y"]["axis"]


def test_epochs_are_timed_in_minutes() -> None:
    found = rows(model_charts.epoch_minutes(HISTORY))
    assert [row["minutes"] for row in found] == pytest.approx([200 / 60, 3.5, 190 / 60])


def test_models_keep_the_order_that_they_come_in() -> None:
    chart = spec(model_charts.accuracies(MODELS, ("ours", "other")))
    for layer in chart["layer"]:
        assert layer["encoding"]["y"]["sort"] == ["first", "second"]
    color = chart["layer"][1]["encoding"]["color"]
    assert color["scale"]["domain"] == ["ours", "other"]
    # The scale holds every interval and every dot.
    low, high = chart["layer"][1]["encoding"]["x"]["scale"]["domain"]
    assert low < 0.63
    assert high >= 0.66


def test_confusion_shows_counts_and_shares_of_rows() -> None:
    matrix = np.zeros((7, 7), np.int64)
    matrix[3] = [0, 0, 0, 6, 0, 2, 0]
    found = {(r["row"], r["column"]): r for r in rows(confusion_charts.confusion(matrix), 0)}
    assert len(found) == 49
    assert found["happy", "happy"]["count"] == 6
    assert found["happy", "happy"]["share"] == pytest.approx(0.75)
    assert found["happy", "surprise"]["share"] == pytest.approx(0.25)
    # An expression without any face has no shares, and nothing is divided by zero.
    assert found["angry", "angry"]["share"] == 0


def test_a_cell_can_be_selected_only_where_that_leads_somewhere() -> None:
    matrix = np.eye(7, dtype=np.int64)
    assert "params" not in spec(confusion_charts.confusion(matrix))
    (parameter,) = spec(confusion_charts.confusion(matrix, selectable=True))["params"]
    assert parameter["name"] == confusion_charts.CELL
    assert parameter["select"]["fields"] == ["row", "column"]


def test_a_histogram_tells_labelled_faces_from_all_others() -> None:
    found = rows(confusion_charts.probability_histogram(HAPPY, "happy"))
    counts = {(row["faces"], round(row["low"], 2)): row["count"] for row in found if row["count"]}
    assert counts == {("labelled happy", 0.9): 1, ("labelled happy", 0.5): 1, ("others", 0.0): 1}
    assert sum(row["share"] for row in found if row["faces"] == "others") == 1


def test_the_bars_of_a_histogram_stand_on_nothing_and_touch() -> None:
    chart = spec(confusion_charts.probability_histogram(HAPPY, "happy"))
    assert chart["encoding"]["y2"] == {"datum": 0}
    assert chart["encoding"]["x2"] == {"field": "high"}


def test_coverage_marks_the_nearest_point_that_has_answers() -> None:
    assert [row["coverage"] for row in rows(model_charts.coverage(CURVE, 0.42), 1)] == [0.5]
    assert [row["coverage"] for row in rows(model_charts.coverage(CURVE, 0.99), 1)] == [0.5]


def test_confusions_of_the_model_and_the_crowd_share_a_line() -> None:
    found = rows(confusion_charts.shared_confusions(PAIRS), 1)
    assert [(row["pair"], row["who"], row["share"]) for row in found] == [
        ("fear seen as sad", "the model's answers", 0.3),
        ("fear seen as sad", "FER+ votes", 0.2),
    ]


@pytest.mark.parametrize(
    "chart",
    [
        model_charts.training_curves({"run": HISTORY}, "accuracy"),
        model_charts.training_curves({"one": HISTORY, "two": HISTORY}, "loss"),
        model_charts.learning_rate(HISTORY),
        model_charts.epoch_minutes(HISTORY),
        model_charts.accuracies(MODELS, ("ours", "other")),
        confusion_charts.confusion(np.eye(7, dtype=np.int64)),
        confusion_charts.probability_histogram(HAPPY, "happy"),
        confusion_charts.shared_confusions(PAIRS),
        model_charts.reliability({"before": BINS, "after": BINS}),
        model_charts.coverage(CURVE, 0.5),
        confusion_charts.class_figures(FIGURES, "f1"),
    ],
)
def test_every_chart_leaves_the_ground_to_the_page_and_explains_its_marks(chart: Drawing) -> None:
    made = spec(chart)
    assert "background" not in made
    encodings = [layer["encoding"] for layer in made.get("layer", [made])]
    assert any("tooltip" in encoding for encoding in encodings)
