"""Charts of a run: how it was trained, how right it is, and how far its confidence holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import altair as alt
import pandas as pd

from fer.charts.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    Drawing,
    area_legend,
    epoch_axis,
    percent_axis,
    plain_axis,
    series,
)

#: Faces in a bin from which a line leads to it.
_LEAST_FACES: Final = 10

_PARTS: Final = ("training", "validation")


def training_curves(
    histories: Mapping[str, pd.DataFrame],
    figure: str,
    *,
    kept_epoch: int | None = None,
    height: int = 330,
) -> Drawing:
    """Loss or accuracy after each epoch; training dashed if several runs are compared.

    Args:
        histories: the columns of ``history.csv``, by name of the run, at least one.
        figure: ``"loss"`` or ``"accuracy"``.
        kept_epoch: marked in the curves of a single run.
        height: of the chart, in pixels.
    """
    percent = figure == "accuracy"
    long = pd.concat(_melt(history, figure).assign(run=run) for run, history in histories.items())
    several = len(histories) > 1
    if several:
        encoding = series("run", list(histories))
        encoding["strokeDash"] = alt.StrokeDash(
            "part:N",
            scale=alt.Scale(domain=_PARTS, range=[[4, 4], [1, 0]]),
            legend=None,
        )
    else:
        encoding = series("part", list(_PARTS))
    lines = (
        alt.Chart(long)
        .mark_line(point=alt.OverlayMarkDef(size=30), strokeWidth=2)
        .encode(
            x=epoch_axis(),
            y=alt.Y(
                f"{figure}:Q",
                title=figure,
                scale=alt.Scale(zero=False),
                axis=alt.Axis(format="%" if percent else "", tickCount=5),
            ),
            tooltip=[
                alt.Tooltip("run:N"),
                alt.Tooltip("part:N", title="on"),
                alt.Tooltip("epoch:Q"),
                alt.Tooltip(f"{figure}:Q", format=".1%" if percent else ".3f"),
            ],
            **encoding,
        )
    )
    if several or kept_epoch is None:
        return alt.layer(lines).properties(height=height)
    (history,) = histories.values()
    return alt.layer(_mark(history[history["epoch"] == kept_epoch]), lines).properties(
        height=height
    )


def _melt(history: pd.DataFrame, figure: str) -> pd.DataFrame:
    parts = history.rename(columns={figure: "training", f"val_{figure}": "validation"})
    return parts.melt(id_vars="epoch", value_vars=list(_PARTS), var_name="part", value_name=figure)


def _mark(epoch: pd.DataFrame) -> alt.Chart:
    rule: alt.Chart = (
        alt.Chart(epoch)
        .mark_rule(strokeDash=[2, 3], color=GREY)
        .encode(
            x="epoch:Q",
            tooltip=[
                alt.Tooltip("epoch:Q", title="epoch kept"),
                alt.Tooltip("val_accuracy:Q", format=".1%", title="validation accuracy"),
            ],
        )
    )
    return rule


def learning_rate(history: pd.DataFrame, *, height: int = 260) -> Drawing:
    """Learning rate of each epoch, in steps, on a logarithmic scale."""
    rates = sorted(set(history["learning_rate"]))
    # A schedule with a few values names them; one that changes all the time has usual ticks.
    axis = alt.Axis(values=rates, format="~g") if len(rates) <= 3 else alt.Axis(format="~g")
    steps: Drawing = (
        alt.Chart(history)
        .mark_line(interpolate="step", color=GREEN, point=alt.OverlayMarkDef(color=GREEN))
        .encode(
            x=epoch_axis(),
            y=alt.Y(
                "learning_rate:Q",
                title="learning rate",
                scale=alt.Scale(type="log", nice=False, padding=12),
                axis=axis,
            ),
            tooltip=[alt.Tooltip("epoch:Q"), alt.Tooltip("learning_rate:Q", format=".2e")],
        )
        .properties(height=height)
    )
    return steps


def epoch_minutes(history: pd.DataFrame, *, height: int = 260) -> Drawing:
    """How long each epoch took, in minutes."""
    bars: Drawing = (
        alt.Chart(history.assign(minutes=history["seconds"] / 60))
        .mark_bar(color=BLUE, opacity=0.75, cornerRadiusEnd=2)
        .encode(
            x=alt.X("epoch:O", title="epoch", axis=alt.Axis(labelAngle=0, labelOverlap=True)),
            y=alt.Y("minutes:Q", title="minutes", axis=alt.Axis(tickCount=5)),
            tooltip=[alt.Tooltip("epoch:O"), alt.Tooltip("minutes:Q", format=".1f")],
        )
        .properties(height=height)
    )
    return bars


def accuracies(table: pd.DataFrame, kinds: Sequence[str], *, step: int = 30) -> Drawing:
    """A row per model: a dot for its accuracy, a line for the 95% interval where it is known.

    Args:
        table: ``name``, ``kind`` (what a colour and a shape tell apart), ``accuracy``, and
            ``low`` and ``high``, which may be missing; 0 to 1; first row on top.
        kinds: up to three, in the order of the legend.
        step: height of a row in pixels.
    """
    # Named one by one: layers that leave rows out would bring their own order.
    names = list(table["name"])
    scale_of_kinds = alt.Scale(domain=list(kinds), range=[BLUE, ORANGE, GREY][: len(kinds)])
    base = alt.Chart(table).encode(
        y=alt.Y("name:N", sort=names, title=None, axis=plain_axis(limit=230)),
        color=alt.Color("kind:N", scale=scale_of_kinds, legend=area_legend(1)),
        tooltip=[
            alt.Tooltip("name:N"),
            alt.Tooltip("kind:N"),
            alt.Tooltip("accuracy:Q", format=".2%"),
            alt.Tooltip("low:Q", format=".2%", title="95% interval from"),
            alt.Tooltip("high:Q", format=".2%", title="to"),
        ],
    )
    known = float(table[["low", "accuracy"]].min().min())
    scale = alt.Scale(domain=[max(known - 0.03, 0), float(table[["high", "accuracy"]].max().max())])
    x = alt.X("accuracy:Q", scale=scale, title="accuracy", axis=alt.Axis(format="%", tickCount=6))
    intervals = base.mark_rule(strokeWidth=3, opacity=0.55).encode(
        x=alt.X("low:Q", scale=scale), x2="high:Q"
    )
    dots = base.mark_point(filled=True, size=110, opacity=1).encode(
        x=x, shape=alt.Shape("kind:N", scale=alt.Scale(domain=list(kinds)), legend=None)
    )
    figures = base.mark_text(dy=-12, fontSize=11).encode(
        x=alt.X("accuracy:Q", scale=scale),
        text=alt.Text("accuracy:Q", format=".1%"),
        color=alt.value(GREY),
    )
    return alt.layer(intervals, dots, figures).properties(height=alt.Step(step))


def reliability(tables: Mapping[str, pd.DataFrame], *, height: int = 440) -> Drawing:
    """Accuracy by confidence; an honest model lies on the dashed diagonal.

    Args:
        tables: the columns of ``calibration.reliability``, by name of the probabilities.
        height: of the chart, in pixels.
    """
    long = pd.concat(table.assign(probabilities=name) for name, table in tables.items())
    diagonal = (
        alt.Chart(pd.DataFrame({"confidence": [0.0, 1.0], "accuracy": [0.0, 1.0]}))
        .mark_line(color=GREY, strokeDash=[5, 4])
        .encode(x="confidence:Q", y="accuracy:Q")
    )
    whole = alt.Scale(domain=[0, 1])
    lines = (
        alt.Chart(long)
        .mark_line(strokeWidth=2)
        .encode(
            x=alt.X("confidence:Q", scale=whole, **percent_axis("how sure it is")),
            y=alt.Y("accuracy:Q", scale=whole, **percent_axis("how often it is right")),
            tooltip=[
                alt.Tooltip("probabilities:N"),
                alt.Tooltip("images:Q", format=",", title="faces"),
                alt.Tooltip("confidence:Q", format=".1%", title="mean confidence"),
                alt.Tooltip("accuracy:Q", format=".1%", title="right"),
            ],
            **series("probabilities", list(tables)),
        )
    )
    # Few faces say little: the dots are as large as their bins, and no line leads to the smallest.
    dots = lines.mark_point(filled=True, opacity=1).encode(
        size=alt.Size("images:Q", scale=alt.Scale(range=[8, 320]), legend=None),
        strokeDash=alt.Undefined,
    )
    trusted = lines.transform_filter(alt.datum.images >= _LEAST_FACES)
    return alt.layer(diagonal, trusted, dots).properties(height=height)


def coverage(curve: pd.DataFrame, threshold: float, *, height: int = 380) -> Drawing:
    """How right the remaining answers are against how many remain, the chosen point marked.

    Args:
        curve: the columns of ``calibration.coverage_curve``.
        threshold: least confidence that is chosen.
        height: of the chart, in pixels.
    """
    given = curve.dropna(subset=["accuracy"])
    x = alt.X(
        "coverage:Q", scale=alt.Scale(domain=[0, 1]), **percent_axis("faces that get an answer")
    )
    y = alt.Y("accuracy:Q", scale=alt.Scale(zero=False), **percent_axis("right among those"))
    tooltip = [
        alt.Tooltip("threshold:Q", format=".0%", title="least confidence"),
        alt.Tooltip("faces:Q", format=","),
        alt.Tooltip("coverage:Q", format=".1%", title="of all"),
        alt.Tooltip("accuracy:Q", format=".1%", title="right"),
    ]
    line = (
        alt.Chart(given)
        .mark_line(color=BLUE, strokeWidth=2, point=alt.OverlayMarkDef(color=BLUE, size=14))
        .encode(x=x, y=y, order="threshold:Q", tooltip=tooltip)
    )
    nearest = (given["threshold"] - threshold).abs().idxmin()
    chosen = alt.Chart(given.loc[nearest:nearest])
    dot = chosen.mark_point(color=ORANGE, filled=True, size=240, opacity=1).encode(
        x=x, y=y, tooltip=tooltip
    )
    return alt.layer(line, dot).properties(height=height)
