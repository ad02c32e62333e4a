from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd
import pytest

from fer import charts
from fer.chart_style import Drawing
from fer.report import to_table
from fer.types import COLORS, EMOTIONS, FrameResult, VideoReport
from tests.fakes import frame, prediction, probabilities


def spec(chart: Drawing) -> dict[str, Any]:
    """What the browser gets."""
    made: dict[str, Any] = chart.to_dict()
    return made


def layers(chart: Drawing) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = spec(chart)["layer"]
    return found


def rows(chart: Drawing, layer: int | None = None) -> list[dict[str, Any]]:
    """The data of a chart, or of one of its layers."""
    made = spec(chart)
    data = made["data"] if layer is None or "data" in made else made["layer"][layer]["data"]
    found: list[dict[str, Any]] = made["datasets"][data["name"]]
    return found


def frames_table(*results: FrameResult) -> pd.DataFrame:
    """Frames at ten per second as ``frames.csv`` has them."""
    timed = tuple(
        FrameResult(i, i / 10, result.width, result.height, result.predictions)
        for i, result in enumerate(results)
    )
    return to_table(VideoReport("a.mp4", "run", "0" * 64, "fake", timed))


def test_bars_show_all_seven_in_order_and_in_their_colours() -> None:
    chart = charts.expression_bars(probabilities(happy=0.7))
    assert [row["expression"] for row in rows(chart, 0)] == list(EMOTIONS)
    assert rows(chart, 0)[3]["probability"] == pytest.approx(0.7)
    color = layers(chart)[1]["encoding"]["color"]
    assert color["scale"] == {"domain": list(EMOTIONS), "range": list(COLORS.values())}


def test_layers_that_share_a_hidden_axis_all_hide_it() -> None:
    # Vega fails on a layer that hides an axis which its neighbour shows.
    for layer in layers(charts.expression_bars(probabilities())):
        assert layer["encoding"]["x"]["axis"] is None


def test_a_ribbon_joins_frames_that_look_alike() -> None:
    happy, sad = prediction(track=1, happy=0.7), prediction(track=1, sad=0.5)
    table = frames_table(frame(happy), frame(happy), frame(sad), frame(), frame(sad))
    found = rows(charts.expression_ribbon(table))
    assert [(row["face"], row["expression"]) for row in found] == [
        ("face 1", "happy"),
        ("face 1", "sad"),
        ("face 1", "sad"),
    ]
    assert [(row["start"], row["end"]) for row in found] == [
        pytest.approx((0.0, 0.2)),
        pytest.approx((0.2, 0.3)),
        pytest.approx((0.4, 0.5)),
    ]
    assert found[0]["confidence"] == pytest.approx(0.7)


def test_a_ribbon_keeps_faces_apart() -> None:
    both = frame(prediction(track=1, happy=0.7), prediction((60, 10, 90, 50), track=2, happy=0.6))
    found = rows(charts.expression_ribbon(frames_table(both, both)))
    assert [row["face"] for row in found] == ["face 1", "face 2"]


def test_a_ribbon_is_limited_to_the_faces_seen_longest() -> None:
    brief, long = prediction(track=1), prediction((60, 10, 90, 50), track=2)
    table = frames_table(frame(long), frame(long), frame(brief))
    assert [row["face"] for row in rows(charts.expression_ribbon(table, most=1))] == ["face 2"]


def test_a_ribbon_of_a_single_frame() -> None:
    found = rows(charts.expression_ribbon(frames_table(frame(prediction(track=4)))))
    assert [(row["face"], row["start"], row["end"]) for row in found] == [("face 4", 0.0, 1.0)]


def test_lines_have_all_seven_at_each_time() -> None:
    table = frames_table(*[frame(prediction(track=1, sad=0.4))] * 3)
    found = rows(charts.expression_lines(table), 0)
    assert len(found) == 3 * len(EMOTIONS)
    assert [r["probability"] for r in found if r["expression"] == "sad"] == pytest.approx([0.4] * 3)


def test_lines_break_where_the_face_was_away() -> None:
    here, away = frame(prediction(track=1)), frame()
    table = frames_table(*[here] * 5, *[away] * 20, *[here] * 5).dropna(subset=["track"])
    assert {row["piece"] for row in rows(charts.expression_lines(table), 0)} == {0, 1}


def test_lines_of_a_long_video_are_thinned_without_losing_its_end() -> None:
    table = frames_table(*[frame(prediction(track=1))] * 3000)
    found = rows(charts.expression_lines(table), 0)
    assert len(found) <= 500 * len(EMOTIONS)
    assert max(row["time_s"] for row in found) == pytest.approx(299.9, abs=1)


@pytest.mark.parametrize(
    "chart",
    [
        charts.expression_bars(probabilities()),
        charts.expression_ribbon(frames_table(frame(prediction(track=1)))),
        charts.expression_lines(frames_table(frame(prediction(track=1)))),
    ],
)
def test_every_chart_leaves_the_ground_to_the_page_and_explains_its_marks(
    chart: alt.Chart | alt.LayerChart,
) -> None:
    made = spec(chart)
    assert "background" not in made
    encodings = [layer["encoding"] for layer in made.get("layer", [made])]
    assert any("tooltip" in encoding for encoding in encodings)
