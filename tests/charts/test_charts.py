from __future__ import annotations

from typing import Any

import pytest

from fer.charts.face import expression_bars
from fer.charts.style import Drawing
from fer.types import COLORS, EMOTIONS
from tests.fakes import probabilities


def spec(chart: Drawing) -> dict[str, Any]:
    """What the browser gets."""
    made: dict[str, Any] = chart.to_dict()
    return made


def layers(chart: Drawing) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = spec(chart)["layer"]
    return found


def rows(chart: Drawing, layer: int) -> list[dict[str, Any]]:
    """The data of one of a chart's layers."""
    made = spec(chart)
    data = made["data"] if "data" in made else made["layer"][layer]["data"]
    found: list[dict[str, Any]] = made["datasets"][data["name"]]
    return found


def test_bars_show_all_seven_in_order_and_in_their_colours() -> None:
    chart = expression_bars(probabilities(happy=0.7))
    assert [row["expression"] for row in rows(chart, 0)] == list(EMOTIONS)
    assert rows(chart, 0)[3]["probability"] == pytest.approx(0.7)
    color = layers(chart)[1]["encoding"]["color"]
    assert color["scale"] == {"domain": list(EMOTIONS), "range": list(COLORS.values())}


def test_layers_that_share_a_hidden_axis_all_hide_it() -> None:
    # Vega fails on a layer that hides an axis which its neighbour shows.
    for layer in layers(expression_bars(probabilities())):
        assert layer["encoding"]["x"]["axis"] is None


def test_the_chart_leaves_the_ground_to_the_page_and_explains_its_marks() -> None:
    made = spec(expression_bars(probabilities()))
    assert "background" not in made
    assert any("tooltip" in layer["encoding"] for layer in made["layer"])
