from __future__ import annotations

import itertools

import pandas as pd
import pytest

from fer.charts import data as data_charts
from fer.evaluation.architecture import Layer

COUNTS = pd.DataFrame(
    {"split": ["Training", "Training"], "expression": ["angry", "happy"], "images": [1, 3]}
)
RESIDUAL = (
    Layer("input", "InputLayer", (), (48, 48, 1), 0, 0, ""),
    Layer("first", "Conv2D", ("input",), (24, 24, 8), 80, 46_080, "3x3"),
    Layer("relu", "ReLU", ("first",), (24, 24, 8), 0, 0, ""),
    Layer("second", "Conv2D", ("relu",), (24, 24, 8), 584, 331_776, "3x3"),
    Layer("add", "Add", ("relu", "second"), (24, 24, 8), 0, 0, ""),
    Layer("answer", "Dense", ("add",), (7,), 63, 56, "softmax"),
)


def test_balance_is_the_share_of_each_split() -> None:
    made = data_charts.class_balance(COUNTS).to_dict()
    rows = made["datasets"][made["data"]["name"]]
    assert [row["share"] for row in rows] == [0.25, 0.75]


def test_a_drawing_has_a_block_for_each_layer_that_makes_something() -> None:
    made = data_charts.network_drawing(RESIDUAL).to_dict()
    blocks = made["datasets"][made["layer"][0]["data"]["name"]]
    assert [block["name"] for block in blocks] == ["input", "first", "second", "add", "answer"]
    # From left to right without overlap; as high as the picture's side.
    assert all(a["right"] < b["left"] for a, b in itertools.pairwise(blocks))
    assert blocks[0]["top"] - blocks[0]["bottom"] == 48
    assert [block["is_new_size"] for block in blocks] == [True, True, False, False, True]


def test_a_shortcut_leads_from_what_is_drawn_to_the_sum() -> None:
    made = data_charts.network_drawing(RESIDUAL).to_dict()
    blocks = {b["name"]: b for b in made["datasets"][made["layer"][0]["data"]["name"]]}
    (arc,) = made["datasets"][made["layer"][2]["data"]["name"]]
    assert arc["from"] == pytest.approx(blocks["first"]["right"])
    assert arc["to"] == pytest.approx(blocks["add"]["left"])


def test_a_plain_network_has_no_shortcuts() -> None:
    assert len(data_charts.network_drawing(RESIDUAL[:4]).to_dict()["layer"]) == 2
