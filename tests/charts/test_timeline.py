from __future__ import annotations

import json
from typing import Any

import pytest

from fer.charts import timeline
from fer.types import EMOTIONS, FrameResult, VideoReport
from fer.video import report
from tests.fakes import frame, prediction


def drawn(*frames: FrameResult, **options: Any) -> dict[str, Any]:
    """The chart as Vega-Lite reads it, its data in place."""
    analysed = VideoReport("a", "m", "h", "d", frames, {"dwell_s": 0.2})
    chart = timeline.draw_timeline(
        report.to_table(analysed), report.segments_table(analysed), 1, **options
    )
    spec: dict[str, Any] = json.loads(chart.to_json())
    return spec


def data(spec: dict[str, Any], view: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = spec["datasets"][spec["vconcat"][view]["data"]["name"]]
    return rows


HAPPY = tuple(frame(prediction(track=1), index=i, time_s=i / 10) for i in range(10))


def test_the_strip_has_a_bar_per_segment() -> None:
    sad = tuple(frame(prediction(track=1, sad=0.9), index=i, time_s=i / 10) for i in range(10, 15))
    bars = data(drawn(*HAPPY, *sad), 0)
    assert [(bar["face"], bar["expression"]) for bar in bars] == [
        ("face 1", "happy"),
        ("face 1", "sad"),
    ]
    assert [bars[0]["end_s"], bars[1]["end_s"]] == pytest.approx([1.0, 1.5])


def test_where_nothing_is_clear_the_bar_says_why() -> None:
    flagged = tuple(
        frame(prediction(track=1, quality=("turned",)), index=i, time_s=i / 10) for i in range(9)
    )
    (bar,) = data(drawn(*flagged), 0)
    assert (bar["expression"], bar["reason"]) == ("unclear", "turned")


def test_the_seven_probabilities_are_stacked_to_one_in_their_order() -> None:
    rows = [row for row in data(drawn(*HAPPY), 1) if row["start"] == 0.0 and row["high"] > 0]
    assert [row["expression"] for row in rows] == list(EMOTIONS)
    assert rows[-1]["high"] == pytest.approx(1.0)
    assert [row["low"] for row in rows[1:]] == pytest.approx([row["high"] for row in rows[:-1]])
    happy = rows[3]
    assert happy["high"] - happy["low"] == pytest.approx(0.7)


def test_the_axis_spans_the_video_and_the_brush_chooses_a_part() -> None:
    without = tuple(frame(index=i, time_s=i / 10) for i in range(10, 30))
    spec = drawn(*HAPPY, *without)
    strip, stack = spec["vconcat"]
    assert strip["encoding"]["x"]["scale"]["domain"] == pytest.approx([0.0, 3.0], abs=0.11)
    assert spec["params"][0]["name"] == stack["encoding"]["x"]["scale"]["domain"]["param"]
    starts = [row["start"] for row in data(spec, 1)]
    assert (min(starts), max(starts)) == pytest.approx((0.0, 3.0), abs=0.11)


def test_a_hole_stays_a_hole() -> None:
    later = tuple(frame(prediction(track=1), index=i, time_s=i / 10) for i in range(20, 25))
    empty = tuple(frame(index=i, time_s=i / 10) for i in range(10, 20))
    rows = [row for row in data(drawn(*HAPPY, *empty, *later), 1) if row["high"] > 0]
    assert not any(row["start"] < 1.5 < row["end"] for row in rows)


def test_the_nearest_picture_comes_with_each_moment() -> None:
    pictures = [(0.0, b"first"), (0.9, b"last")]
    spec = drawn(*HAPPY, pictures=pictures)
    rows = [row for row in data(spec, 1) if row["high"] > 0]
    assert {row["picture"] for row in rows if row["start"] < 0.4} == {0}
    assert {row["picture"] for row in rows if row["start"] > 0.5} == {1}
    lookup = spec["vconcat"][1]["transform"][0]["from"]["data"]["name"]
    assert [row["image"] for row in spec["datasets"][lookup]] == [
        "data:image/jpeg;base64,Zmlyc3Q=",
        "data:image/jpeg;base64,bGFzdA==",
    ]


def test_a_long_video_is_thinned_and_a_crowd_bounded() -> None:
    long = tuple(frame(prediction(track=1), index=i, time_s=i / 30) for i in range(3000))
    assert len(data(drawn(*long), 1)) <= 7 * 2 * 240
    crowd = tuple(
        frame(*(prediction(track=t) for t in range(1, 40)), index=i, time_s=i / 10)
        for i in range(5)
    )
    assert len({bar["face"] for bar in data(drawn(*crowd), 0)}) == timeline.MOST_FACES


@pytest.mark.parametrize("frames", [HAPPY[:1], HAPPY[:2]])
def test_a_face_seen_for_a_moment_can_be_drawn(frames: tuple[FrameResult, ...]) -> None:
    assert len(data(drawn(*frames), 1)) > 0
