"""Charts of single expressions: what is taken for what, how often, and how probable it was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fer.charts.style import (
    BLUE,
    GREY,
    ORANGE,
    Drawing,
    area_legend,
    expression_color,
    percent_axis,
    plain_axis,
)
from fer.types import EMOTIONS, Probabilities

#: Name of the selection that a click on a cell of ``confusion`` makes.
CELL: Final = "cell"

#: From pale to deep blue, opaque: a cell looks the same on a light and on a dark page.
_CELL_SCALE: Final = alt.Scale(domain=[0, 1], range=["#eaf2f9", "#084a82"])

#: Share from which white figures stand out from the cell more than dark ones do.
_WHITE_INK_FROM: Final = 0.66


def confusion(
    matrix: NDArray[np.int64],
    *,
    columns: Sequence[str] = EMOTIONS,
    rows: Sequence[str] = EMOTIONS,
    titles: tuple[str, str] = ("labelled", "model says"),
    cell: int = 54,
    selectable: bool = False,
) -> Drawing:
    """A matrix of counts: in each cell the count and, below it, its share of the row.

    Args:
        matrix: (rows, columns) counts; for a confusion matrix a row per true expression and
            a column per predicted one.
        columns: names of the columns.
        rows: names of the rows.
        titles: of the rows and of the columns.
        cell: height of a row in pixels.
        selectable: let a click select a cell, under the name ``CELL``, with the fields ``row``
            and ``column``.
    """
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    table = pd.DataFrame(
        {
            "row": np.repeat(rows, len(columns)),
            "column": np.tile(columns, len(rows)),
            "count": matrix.ravel(),
            "share": shares.ravel(),
        }
    )
    chosen = alt.selection_point(name=CELL, fields=["row", "column"], on="click", empty=False)
    base = alt.Chart(table).encode(
        x=alt.X(
            "column:N",
            sort=list(columns),
            title=titles[1],
            axis=plain_axis(orient="top", label_angle=-45),
        ),
        y=alt.Y("row:N", sort=list(rows), title=titles[0], axis=plain_axis()),
        tooltip=[
            alt.Tooltip("row:N", title=titles[0]),
            alt.Tooltip("column:N", title=titles[1]),
            alt.Tooltip("count:Q", format=",", title="images"),
            alt.Tooltip("share:Q", format=".1%", title="of this row"),
        ],
    )
    ink = (
        alt.when(alt.datum.share > _WHITE_INK_FROM)
        .then(alt.value("#ffffff"))
        .otherwise(alt.value("#06182a"))
    )
    cells = base.mark_rect(
        cornerRadius=3, stroke=ORANGE, strokeWidth=0, cursor="pointer" if selectable else "default"
    ).encode(color=alt.Color("share:Q", scale=_CELL_SCALE, legend=None))
    if selectable:
        cells = cells.encode(
            strokeWidth=alt.when(chosen).then(alt.value(4)).otherwise(alt.value(0))
        ).add_params(chosen)
    counts = base.mark_text(dy=-7, fontSize=12, fontWeight="bold").encode(
        text=alt.Text("count:Q", format=","), color=ink
    )
    percents = base.mark_text(dy=8, fontSize=11).encode(
        text=alt.Text("share:Q", format=".0%"), color=ink
    )
    return alt.layer(cells, counts, percents).properties(height=cell * len(rows))


def probability_bins(
    labels: NDArray[np.int64], probabilities: Probabilities, expression: str
) -> pd.DataFrame:
    """Count how probable the model finds an expression, in twenty bins.

    Args:
        labels: (N,) positions in ``EMOTIONS``.
        probabilities: (N, 7).
        expression: which.

    Returns:
        A row per bin and kind of ``faces`` (labelled so, or others): bounds ``low`` and ``high``,
        ``count``, and its ``share`` of those faces.
    """
    position = EMOTIONS.index(expression)
    edges = np.linspace(0, 1, 21)
    groups = {f"labelled {expression}": labels == position, "others": labels != position}
    return pd.concat(
        pd.DataFrame(
            {
                "faces": name,
                "low": edges[:-1],
                "high": edges[1:],
                "count": (counts := np.histogram(probabilities[mask, position], edges)[0]),
                "share": counts / max(int(mask.sum()), 1),
            }
        )
        for name, mask in groups.items()
    )


def probability_histogram(table: pd.DataFrame, expression: str, *, height: int = 190) -> Drawing:
    """Draw the bins of an expression, for faces labelled with it and for all others.

    Args:
        table: what ``probability_bins`` found.
        expression: which.
        height: of the chart, in pixels.
    """
    groups = [f"labelled {expression}", "others"]
    bars: Drawing = (
        alt.Chart(table)
        .mark_bar(fillOpacity=0.65, strokeWidth=1, binSpacing=0)
        .encode(
            x=alt.X(
                "low:Q",
                scale=alt.Scale(domain=[0, 1]),
                **percent_axis(f"probability of {expression}", grid=False),
            ),
            x2="high:Q",
            y=alt.Y(
                "share:Q",
                stack=None,
                title=None,
                axis=alt.Axis(format="%", tickCount=3),
            ),
            y2=alt.Y2Datum(0),
            color=alt.Color(
                "faces:N",
                scale=alt.Scale(domain=groups, range=[BLUE, ORANGE]),
                legend=None,
            ),
            tooltip=[
                alt.Tooltip("faces:N"),
                alt.Tooltip("low:Q", format=".0%", title="probability from"),
                alt.Tooltip("high:Q", format=".0%", title="to"),
                alt.Tooltip("count:Q", format=",", title="number"),
                alt.Tooltip("share:Q", format=".1%"),
            ],
        )
        .properties(height=height)
    )
    return bars


def shared_confusions(table: pd.DataFrame, *, step: int = 28) -> Drawing:
    """The model's most frequent confusions beside the crowd's, as two dots on a line.

    Args:
        table: the columns of ``account.shared_confusions``, first row on top.
        step: height of a row in pixels.
    """
    pairs = table.assign(pair=table["label"] + " seen as " + table["seen_as"])
    long = pairs.melt(
        id_vars="pair", value_vars=["model", "crowd"], var_name="who", value_name="share"
    )
    long["who"] = long["who"].map({"model": "the model's answers", "crowd": "FER+ votes"})
    who = ["the model's answers", "FER+ votes"]
    names = alt.Y("pair:N", sort=None, title=None, axis=plain_axis(limit=230))
    lines = (
        alt.Chart(pairs)
        .mark_rule(color=GREY, opacity=0.6, strokeWidth=2)
        .encode(y=names, x="model:Q", x2="crowd:Q")
    )
    dots = (
        alt.Chart(long)
        .mark_point(filled=True, size=90, opacity=1)
        .encode(
            y=names,
            x=alt.X("share:Q", **percent_axis("share of the faces with that label")),
            color=alt.Color(
                "who:N",
                scale=alt.Scale(domain=who, range=[BLUE, ORANGE]),
                legend=area_legend(),
            ),
            shape=alt.Shape("who:N", scale=alt.Scale(domain=who), legend=None),
            tooltip=[
                alt.Tooltip("pair:N", title="faces labelled"),
                alt.Tooltip("who:N", title="according to"),
                alt.Tooltip("share:Q", format=".1%"),
            ],
        )
    )
    return alt.layer(lines, dots).properties(height=alt.Step(step))


def class_figures(table: pd.DataFrame, figure: str, *, height: int = 220) -> Drawing:
    """Precision, recall or F1 of each expression, in its colour.

    Args:
        table: the columns of ``metrics.per_class``.
        figure: ``"precision"``, ``"recall"`` or ``"f1"``.
        height: of the chart, in pixels.
    """
    base = alt.Chart(table).encode(
        y=alt.Y("expression:N", sort=list(EMOTIONS), title=None, axis=plain_axis()),
        tooltip=[
            alt.Tooltip("expression:N"),
            alt.Tooltip(f"{figure}:Q", format=".1%"),
            alt.Tooltip("support:Q", format=",", title="faces"),
        ],
    )
    room = alt.Scale(domain=[0, 1.15])
    bars = base.mark_bar(cornerRadiusEnd=3).encode(
        x=alt.X(f"{figure}:Q", scale=room, axis=None), color=expression_color()
    )
    figures = base.mark_text(align="left", dx=5, color=GREY, fontSize=12).encode(
        x=alt.X(f"{figure}:Q", scale=room, axis=None), text=alt.Text(f"{figure}:Q", format=".0%")
    )
    return alt.layer(bars, figures).properties(height=height)
