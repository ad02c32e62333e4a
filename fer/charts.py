"""Charts of what faces show, alone and along time: altair, no Streamlit."""

from __future__ import annotations

from typing import Final

import altair as alt
import numpy as np
import pandas as pd

from fer.chart_style import GREY, Drawing, expression_color, legend, plain_axis
from fer.types import EMOTIONS, Probabilities

#: Faces that a ribbon shows unless told otherwise: a long video follows hundreds for a moment.
MOST_FACES: Final = 12

#: Points per line that a timeline keeps: more than a screen is wide would only slow the browser.
_MAX_POINTS: Final = 500


def expression_bars(probabilities: Probabilities, *, height: int = 230) -> Drawing:
    """Seven bars, always in the order of ``EMOTIONS``, each with its percentage.

    Args:
        probabilities: (7,) summing to 1.
        height: of the chart, in pixels.
    """
    table = pd.DataFrame({"expression": list(EMOTIONS), "probability": np.asarray(probabilities)})
    base = alt.Chart(table.assign(whole=1.0)).encode(
        y=alt.Y("expression:N", sort=list(EMOTIONS), title=None, axis=plain_axis()),
        tooltip=[alt.Tooltip("expression:N"), alt.Tooltip("probability:Q", format=".1%")],
    )
    # Room to the right of 100% for the figures.
    room = alt.Scale(domain=[0, 1.2])
    whole = alt.X("whole:Q", scale=room, axis=None)
    # A faint ground as long as 100%, so that a length means something at a glance.
    ground = base.mark_bar(color=GREY, opacity=0.14, cornerRadiusEnd=3).encode(x=whole)
    bars = base.mark_bar(cornerRadiusEnd=3).encode(
        x=alt.X("probability:Q", scale=room, axis=None), color=expression_color()
    )
    figures = base.mark_text(align="left", dx=6, color=GREY, fontSize=12).encode(
        x=whole, text=alt.Text("probability:Q", format=".0%")
    )
    return alt.layer(ground, bars, figures).properties(height=height)


def expression_ribbon(frames: pd.DataFrame, *, most: int = MOST_FACES) -> Drawing:
    """One row per face, one stretch of colour per most probable expression, along time.

    It has no legend: it is shown above :func:`expression_lines`, which has one.

    Args:
        frames: the columns of ``frames.csv``; rows without a face are left out.
        most: only so many faces, those seen in most frames.
    """
    often = [f"face {track}" for track in frames["track"].value_counts().index[:most]]
    stretches = _stretches(frames)
    # The annotation gives back the type that altair's mark methods lose.
    ribbon: Drawing = (
        alt.Chart(stretches[stretches["face"].isin(often)])
        .mark_bar(height=16)
        .encode(
            x=_time_axis("start"),
            x2="end:Q",
            y=alt.Y("face:N", title=None, axis=plain_axis(), sort=None),
            color=expression_color(),
            tooltip=[
                alt.Tooltip("face:N"),
                alt.Tooltip("expression:N", title="looks"),
                alt.Tooltip("start:Q", format=".2f", title="from (s)"),
                alt.Tooltip("end:Q", format=".2f", title="to (s)"),
                alt.Tooltip("confidence:Q", format=".0%", title="mean probability"),
            ],
        )
        .properties(height=alt.Step(26))
    )
    return ribbon


def _stretches(frames: pd.DataFrame) -> pd.DataFrame:
    """Join neighbouring frames of a face that have the same label: face, expression, start, end."""
    seen = frames.dropna(subset=["label"]).astype({"track": int, "label": str})
    seen = seen.sort_values(["track", "time_s"])
    times = np.sort(frames["time_s"].unique())
    step = float(np.median(np.diff(times))) if len(times) > 1 else 1.0
    # A frame lasts until the next one of the video, at most a few usual steps.
    until = dict(zip(times[:-1], np.minimum(times[1:], times[:-1] + 3 * step), strict=True))
    ends = seen["time_s"].map(until).fillna(seen["time_s"] + step)
    breaks = (
        (seen["track"] != seen["track"].shift())
        | (seen["label"] != seen["label"].shift())
        | (seen["time_s"] - ends.shift() > 1e-6)
    )
    joined = (
        seen.assign(end=ends, stretch=breaks.cumsum())
        .groupby("stretch")
        .agg(
            track=("track", "first"),
            expression=("label", "first"),
            start=("time_s", "min"),
            end=("end", "max"),
            confidence=("confidence", "mean"),
        )
    )
    joined["face"] = "face " + joined["track"].astype(str)
    return joined.drop(columns="track").reset_index(drop=True)


def expression_lines(track: pd.DataFrame, *, height: int = 320) -> Drawing:
    """The seven probabilities of one face along time, with all seven in the tooltip.

    Args:
        track: rows of ``frames.csv`` of one face.
        height: of the chart, in pixels.
    """
    thinned = _thin(track)
    long = thinned.melt(
        id_vars=["time_s", "piece"],
        value_vars=list(EMOTIONS),
        var_name="expression",
        value_name="probability",
    )
    chosen = alt.selection_point(fields=["expression"], bind="legend")
    near = alt.selection_point(nearest=True, on="pointerover", fields=["time_s"], empty=False)
    lines = (
        alt.Chart(long)
        # A line needs two points; few are marked, so that a face seen once is seen here too.
        .mark_line(interpolate="monotone", strokeWidth=2, point=len(thinned) <= 30)
        .encode(
            x=_time_axis("time_s"),
            y=alt.Y(
                "probability:Q",
                scale=alt.Scale(domain=[0, 1]),
                axis=alt.Axis(format="%", tickCount=5),
                title=None,
            ),
            color=expression_color(legend=legend()),
            # One line per unbroken appearance: a gap without a face stays a gap.
            detail="piece:N",
            opacity=alt.when(chosen).then(alt.value(1.0)).otherwise(alt.value(0.12)),
        )
        .add_params(chosen)
    )
    rule = (
        alt.Chart(thinned)
        .mark_rule(color=GREY)
        .encode(
            x="time_s:Q",
            opacity=alt.when(near).then(alt.value(0.8)).otherwise(alt.value(0.0)),
            tooltip=[alt.Tooltip("time_s:Q", format=".2f", title="second")]
            + [alt.Tooltip(f"{expression}:Q", format=".0%") for expression in EMOTIONS],
        )
        .add_params(near)
    )
    return alt.layer(lines, rule).properties(height=height)


def _thin(track: pd.DataFrame) -> pd.DataFrame:
    """Average neighbouring frames down to at most ``_MAX_POINTS``; mark unbroken pieces."""
    rows = track.sort_values("time_s")
    gaps = rows["time_s"].diff()
    rows = rows.assign(piece=(gaps > 5 * gaps.median()).cumsum())
    bins = np.arange(len(rows)) * min(_MAX_POINTS, len(rows)) // max(len(rows), 1)
    columns = ["time_s", *EMOTIONS]
    return rows.groupby([rows["piece"], bins])[columns].mean().reset_index("piece")


def _time_axis(field: str) -> alt.X:
    return alt.X(f"{field}:Q", title="seconds", axis=alt.Axis(grid=False, tickCount=8))
