"""The timeline of a video as a chart: who looks how, and when; drag over it to look closer."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Final

import altair as alt
import numpy as np
import pandas as pd

from fer.charts.style import GREY, Drawing, expression_color, plain_axis
from fer.types import EMOTIONS

#: At most so many faces in the strip: those that are seen longest.
MOST_FACES: Final = 12

#: More columns than a screen shows would only slow the browser.
_MOST_COLUMNS: Final = 240

#: A frame lasts until the next one of its face, at most so many usual steps.
_LONGEST_STEP: Final = 3.0


def draw_timeline(
    frames: pd.DataFrame,
    segments: pd.DataFrame,
    track: int,
    pictures: Sequence[tuple[float, bytes]] = (),
) -> Drawing:
    """Draw a strip of segments per face, and below it one face's probabilities, stacked.

    Dragging over the strip chooses what is shown below. What is under the pointer tells
    its time, its probabilities, and shows the frame.

    Args:
        frames: the columns of ``frames.csv``.
        segments: the columns of ``segments.csv``.
        track: the face whose probabilities are shown.
        pictures: time in seconds and JPEG, in order of time.
    """
    brush = alt.selection_interval(encodings=["x"], name="part")
    last = max(float(frames["time_s"].max()), float(segments["end_s"].max()))
    whole = [float(frames["time_s"].min()), last]
    both: alt.VConcatChart = (
        alt.vconcat(_strip(segments, whole, brush), _stack(frames, track, pictures, whole, brush))
        .resolve_scale(color="independent")
        .properties(spacing=10)
    )
    return both


def _strip(segments: pd.DataFrame, whole: list[float], brush: alt.Parameter) -> alt.Chart:
    longest = segments.groupby("track")["frames"].sum().nlargest(MOST_FACES).index
    shown = segments[segments["track"].isin(longest)].sort_values(["track", "start_s"])
    shown = shown.assign(
        face="face " + shown["track"].astype(str),
        expression=shown["expression"].astype(object).fillna("unclear"),
        reason=shown["reason"].astype(object).fillna(""),
    )
    chart: alt.Chart = (
        alt.Chart(shown.drop(columns="track"))
        .mark_bar(height=14, cornerRadius=2)
        .encode(
            x=alt.X("start_s:Q", scale=alt.Scale(domain=whole, nice=False), title=None, axis=None),
            x2="end_s:Q",
            y=alt.Y("face:N", title=None, axis=plain_axis(), sort=None),
            # Where nothing is clear there is a faint bar without the colour of any expression.
            color=alt.condition(
                alt.datum.expression == "unclear", alt.value(GREY), expression_color()
            ),
            opacity=alt.condition(
                alt.datum.expression == "unclear", alt.value(0.22), alt.value(1.0)
            ),
            tooltip=[
                alt.Tooltip("face:N"),
                alt.Tooltip("expression:N", title="looks"),
                alt.Tooltip("reason:N", title="because"),
                alt.Tooltip("start_s:Q", format=".2f", title="from (s)"),
                alt.Tooltip("end_s:Q", format=".2f", title="to (s)"),
                alt.Tooltip("probability:Q", format=".0%", title="mean probability"),
            ],
        )
        .add_params(brush)
        .properties(height=alt.Step(22))
    )
    return chart


def _stack(
    frames: pd.DataFrame,
    track: int,
    pictures: Sequence[tuple[float, bytes]],
    whole: list[float],
    brush: alt.Parameter,
) -> alt.Chart:
    columns = _columns(frames, track)
    columns["picture"] = _nearest(columns["start"], [time for time, _ in pictures])
    long = columns.melt(
        id_vars=["start", "end", "picture"],
        value_vars=list(EMOTIONS),
        var_name="expression",
        value_name="probability",
    )
    by_column = long.groupby("start")["probability"]
    long["high"] = by_column.cumsum()
    long["low"] = long["high"] - long["probability"]
    # Without a chosen part the axis spans the data: nothing, at both ends of the video, makes it
    # the axis of the strip.
    ends = {"start": whole, "end": whole, "picture": -1, "expression": EMOTIONS[0], "high": 0.0}
    long = pd.concat([long, pd.DataFrame(ends).assign(low=0.0, probability=0.0)])
    images = pd.DataFrame(
        {
            "picture": range(len(pictures)),
            "image": [
                "data:image/jpeg;base64," + base64.b64encode(jpeg).decode() for _, jpeg in pictures
            ],
        }
    )
    chart: alt.Chart = (
        alt.Chart(long)
        .transform_lookup("picture", alt.LookupData(images, "picture", ["image"]))
        .mark_rect(clip=True)
        .encode(
            x=alt.X(
                "start:Q",
                scale=alt.Scale(domain=brush, nice=False),
                title="seconds",
                axis=alt.Axis(grid=False, tickCount=8),
            ),
            x2="end:Q",
            y=alt.Y(
                "low:Q",
                scale=alt.Scale(domain=[0, 1]),
                axis=alt.Axis(format="%", tickCount=5, grid=False),
                title=None,
            ),
            y2="high:Q",
            color=expression_color(
                legend=alt.Legend(title=None, orient="bottom", columns=4, symbolType="square")
            ),
            tooltip=[
                alt.Tooltip("image:N"),
                alt.Tooltip("expression:N", title="looks"),
                alt.Tooltip("probability:Q", format=".0%"),
                alt.Tooltip("start:Q", format=".2f", title="second"),
            ],
        )
        .properties(height=190)
    )
    return chart


def _columns(frames: pd.DataFrame, track: int) -> pd.DataFrame:
    """Average one face's neighbouring frames: start, end, and the seven probabilities."""
    rows = frames[frames["track"] == track].sort_values("time_s")
    times = np.sort(frames["time_s"].unique())
    step = float(np.median(np.diff(times))) if len(times) > 1 else 1.0
    until = rows["time_s"].shift(-1).fillna(rows["time_s"] + step)
    ends = until.clip(upper=rows["time_s"] + _LONGEST_STEP * step)
    width = max(len(rows) // _MOST_COLUMNS, 1)
    hole = (rows["time_s"] - ends.shift() > step / 2).cumsum()
    groups = [hole, np.arange(len(rows)) // width]
    table = rows.assign(start=rows["time_s"], end=ends).astype(dict.fromkeys(EMOTIONS, float))
    columns = (
        table.groupby(groups)
        .agg({"start": "min", "end": "max", **dict.fromkeys(EMOTIONS, "mean")})
        .reset_index(drop=True)
    )
    # Neighbours overlap by a little, or a browser leaves hairlines between them.
    touching = columns["start"].shift(-1) - columns["end"] < step / 2
    columns["end"] += 0.15 * step * touching
    return columns


def _nearest(times: pd.Series, known: list[float]) -> pd.Series:
    """Position of the nearest of some times, or -1 if there is none."""
    if not known:
        return pd.Series(-1, index=times.index)
    distances = np.abs(times.to_numpy()[:, None] - np.array(known)[None])
    return pd.Series(distances.argmin(axis=1), index=times.index)
