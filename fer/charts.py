"""Charts from tidy tables: altair, no Streamlit.

They set neither background nor ink, so that the page's theme can (light or dark). Every
expression keeps its colour from :data:`fer.types.COLORS`; every mark has a tooltip.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fer.types import COLORS, EMOTIONS, Probabilities

#: What every function here returns.
Drawing: TypeAlias = alt.Chart | alt.LayerChart | alt.FacetChart

_EXPRESSION_SCALE: Final = alt.Scale(domain=list(EMOTIONS), range=[COLORS[e] for e in EMOTIONS])

#: Training against validation: blue and orange of the same colour-blind-safe palette.
_PART_SCALE: Final = alt.Scale(domain=["training", "validation"], range=["#0072B2", "#E69F00"])

_GREEN: Final = "#009E73"

#: Of middle lightness: legible on white and on near-black alike.
_GREY: Final = "#808a96"

#: From pale to deep blue, opaque: a cell looks the same on a light and on a dark page.
_CELL_SCALE: Final = alt.Scale(domain=[0, 1], range=["#eaf2f9", "#084a82"])

#: Share from which white figures stand out from the cell more than dark ones do.
_WHITE_INK_FROM: Final = 0.66

#: Faces that a ribbon shows unless told otherwise: a long video follows hundreds for a moment.
MOST_FACES: Final = 12

#: Points per line that a timeline keeps: more than a screen is wide would only slow the browser.
_MAX_POINTS: Final = 500


def _expression_color(*, legend: alt.Legend | None = None) -> alt.Color:
    return alt.Color("expression:N", scale=_EXPRESSION_SCALE, legend=legend)


def expression_bars(probabilities: Probabilities, *, height: int = 230) -> Drawing:
    """Seven bars, always in the order of ``EMOTIONS``, each with its percentage.

    Args:
        probabilities: (7,) summing to 1.
        height: of the chart, in pixels.
    """
    table = pd.DataFrame({"expression": list(EMOTIONS), "probability": np.asarray(probabilities)})
    base = alt.Chart(table.assign(whole=1.0)).encode(
        y=alt.Y("expression:N", sort=list(EMOTIONS), title=None, axis=_plain_axis()),
        tooltip=[alt.Tooltip("expression:N"), alt.Tooltip("probability:Q", format=".1%")],
    )
    # Room to the right of 100% for the figures.
    room = alt.Scale(domain=[0, 1.2])
    whole = alt.X("whole:Q", scale=room, axis=None)
    # A faint ground as long as 100%, so that a length means something at a glance.
    ground = base.mark_bar(color=_GREY, opacity=0.14, cornerRadiusEnd=3).encode(x=whole)
    bars = base.mark_bar(cornerRadiusEnd=3).encode(
        x=alt.X("probability:Q", scale=room, axis=None), color=_expression_color()
    )
    figures = base.mark_text(align="left", dx=6, color=_GREY, fontSize=12).encode(
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
            y=alt.Y("face:N", title=None, axis=_plain_axis(), sort=None),
            color=_expression_color(),
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
            color=_expression_color(legend=_legend()),
            # One line per unbroken appearance: a gap without a face stays a gap.
            detail="piece:N",
            opacity=alt.when(chosen).then(alt.value(1.0)).otherwise(alt.value(0.12)),
        )
        .add_params(chosen)
    )
    rule = (
        alt.Chart(thinned)
        .mark_rule(color=_GREY)
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


def training_curves(history: pd.DataFrame, figure: str, *, height: int = 260) -> Drawing:
    """Loss or accuracy after each epoch, for training and validation, the best epoch marked.

    Args:
        history: the columns of ``history.csv``.
        figure: ``"loss"`` or ``"accuracy"``.
        height: of the chart, in pixels.
    """
    percent = figure == "accuracy"
    long = history.rename(columns={figure: "training", f"val_{figure}": "validation"}).melt(
        id_vars="epoch", value_vars=["training", "validation"], var_name="part", value_name=figure
    )
    number_format = ".1%" if percent else ".3f"
    lines = (
        alt.Chart(long)
        .mark_line(point=alt.OverlayMarkDef(size=36), strokeWidth=2)
        .encode(
            x=_epoch_axis(),
            y=alt.Y(
                f"{figure}:Q",
                title=figure,
                scale=alt.Scale(zero=False),
                axis=alt.Axis(format="%" if percent else "", tickCount=5),
            ),
            color=alt.Color("part:N", scale=_PART_SCALE, legend=_legend()),
            # Dashes tell the two apart without any colour.
            strokeDash=alt.StrokeDash(
                "part:N", scale=alt.Scale(domain=_PART_SCALE.domain, range=[[1, 0], [6, 3]])
            ),
            tooltip=[
                alt.Tooltip("part:N", title="on"),
                alt.Tooltip("epoch:Q"),
                alt.Tooltip(f"{figure}:Q", format=number_format),
            ],
        )
    )
    best = history.loc[history["val_accuracy"].idxmax() : history["val_accuracy"].idxmax()]
    marked = (
        alt.Chart(best)
        .mark_rule(strokeDash=[2, 3], color=_GREY)
        .encode(
            x="epoch:Q",
            tooltip=[
                alt.Tooltip("epoch:Q", title="best epoch"),
                alt.Tooltip("val_accuracy:Q", format=".1%", title="validation accuracy"),
            ],
        )
    )
    return alt.layer(marked, lines).properties(height=height)


def learning_rate(history: pd.DataFrame, *, height: int = 260) -> Drawing:
    """Learning rate of each epoch, in steps, on a logarithmic scale."""
    steps: Drawing = (
        alt.Chart(history)
        .mark_line(interpolate="step", color=_GREEN, point=alt.OverlayMarkDef(color=_GREEN))
        .encode(
            x=_epoch_axis(),
            y=alt.Y(
                "learning_rate:Q",
                title="learning rate",
                scale=alt.Scale(type="log", nice=False, padding=12),
                axis=alt.Axis(values=sorted(set(history["learning_rate"])), format=".0e"),
            ),
            tooltip=[alt.Tooltip("epoch:Q"), alt.Tooltip("learning_rate:Q", format=".2e")],
        )
        .properties(height=height)
    )
    return steps


def confusion(matrix: NDArray[np.int64], *, cell: int = 54) -> Drawing:
    """Confusion matrix: in each cell the count and, below it, its share of the row.

    Args:
        matrix: (7, 7) counts, a row per true expression, a column per predicted one.
        cell: height of a row in pixels.
    """
    rows = matrix.sum(axis=1, keepdims=True)
    shares = matrix / np.maximum(rows, 1)
    table = pd.DataFrame(
        {
            "true": np.repeat(EMOTIONS, len(EMOTIONS)),
            "predicted": np.tile(EMOTIONS, len(EMOTIONS)),
            "count": matrix.ravel(),
            "share": shares.ravel(),
        }
    )
    base = alt.Chart(table).encode(
        x=alt.X(
            "predicted:N",
            sort=list(EMOTIONS),
            title="model says",
            axis=_plain_axis(orient="top", label_angle=-45),
        ),
        y=alt.Y("true:N", sort=list(EMOTIONS), title="labelled", axis=_plain_axis()),
        tooltip=[
            alt.Tooltip("true:N", title="labelled"),
            alt.Tooltip("predicted:N", title="model says"),
            alt.Tooltip("count:Q", format=",", title="images"),
            alt.Tooltip("share:Q", format=".1%", title="of this row"),
        ],
    )
    ink = (
        alt.when(alt.datum.share > _WHITE_INK_FROM)
        .then(alt.value("#ffffff"))
        .otherwise(alt.value("#06182a"))
    )
    cells = base.mark_rect(cornerRadius=3, stroke="white", strokeOpacity=0.0).encode(
        color=alt.Color("share:Q", scale=_CELL_SCALE, legend=None)
    )
    counts = base.mark_text(dy=-7, fontSize=12, fontWeight="bold").encode(
        text=alt.Text("count:Q", format=","), color=ink
    )
    percents = base.mark_text(dy=8, fontSize=11).encode(
        text=alt.Text("share:Q", format=".0%"), color=ink
    )
    return alt.layer(cells, counts, percents).properties(height=cell * len(EMOTIONS))


def _plain_axis(*, orient: Literal["left", "top"] = "left", label_angle: float = 0) -> alt.Axis:
    """An axis of names: no line, no ticks, no grid, every label shown."""
    return alt.Axis(
        domain=False,
        ticks=False,
        grid=False,
        labelPadding=6,
        labelOverlap=False,
        orient=orient,
        labelAngle=label_angle,
    )


def _legend() -> alt.Legend:
    # Below the chart and in columns: beside it, it would take a phone's whole width.
    return alt.Legend(
        title=None, orient="bottom", columns=4, symbolType="stroke", symbolStrokeWidth=4
    )


def _time_axis(field: str) -> alt.X:
    return alt.X(f"{field}:Q", title="seconds", axis=alt.Axis(grid=False, tickCount=8))


def _epoch_axis() -> alt.X:
    return alt.X(
        "epoch:Q",
        title="epoch",
        scale=alt.Scale(zero=False, nice=False),
        axis=alt.Axis(grid=False, format="d", tickMinStep=1, tickCount=8),
    )
