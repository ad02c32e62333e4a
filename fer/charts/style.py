"""What all charts share: colours, axes of names, legends below.

Charts set neither background nor ink, so that the page's theme can (light or dark). Every
expression keeps its colour from :data:`fer.types.COLORS`; every mark has a tooltip.
"""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

import altair as alt

from fer.types import COLORS, EMOTIONS

#: What every chart function returns.
Drawing: TypeAlias = (
    alt.Chart | alt.LayerChart | alt.FacetChart | alt.HConcatChart | alt.VConcatChart
)

#: Blue, orange and green of a colour-blind-safe palette (Okabe and Ito's).
BLUE: Final = "#0072B2"
ORANGE: Final = "#E69F00"
GREEN: Final = "#009E73"

#: Of middle lightness: legible on white and on near-black alike.
GREY: Final = "#808a96"

#: Colours and dashes of things that are compared, told apart without any colour too.
SERIES_COLORS: Final = (BLUE, ORANGE, GREEN, "#CC79A7", "#56B4E9", "#D55E00")
SERIES_DASHES: Final = ([1, 0], [6, 3], [2, 2], [8, 2, 2, 2], [4, 1], [1, 3])

_EXPRESSION_SCALE: Final = alt.Scale(domain=list(EMOTIONS), range=[COLORS[e] for e in EMOTIONS])


def expression_color(*, legend: alt.Legend | None = None) -> alt.Color:
    """Each expression in its own colour."""
    return alt.Color("expression:N", scale=_EXPRESSION_SCALE, legend=legend)


def series(field: str, names: list[str]) -> dict[str, Any]:
    """Encodings that give each name of a field a colour and a dash of its own."""
    colors = [SERIES_COLORS[i % len(SERIES_COLORS)] for i in range(len(names))]
    dashes = [SERIES_DASHES[i % len(SERIES_DASHES)] for i in range(len(names))]
    return {
        "color": alt.Color(
            f"{field}:N", scale=alt.Scale(domain=names, range=colors), legend=legend()
        ),
        "strokeDash": alt.StrokeDash(
            f"{field}:N", scale=alt.Scale(domain=names, range=dashes), legend=legend()
        ),
    }


def plain_axis(
    *, orient: Literal["left", "top", "bottom"] = "left", label_angle: float = 0, limit: int = 180
) -> alt.Axis:
    """An axis of names: no line, no ticks, no grid, every label shown."""
    return alt.Axis(
        domain=False,
        ticks=False,
        grid=False,
        labelPadding=6,
        labelOverlap=False,
        labelLimit=limit,
        orient=orient,
        labelAngle=label_angle,
    )


def legend(columns: int = 4) -> alt.Legend:
    """A legend of lines, below the chart: beside it, it would take a phone's whole width."""
    return alt.Legend(
        title=None,
        orient="bottom",
        columns=columns,
        symbolType="stroke",
        symbolStrokeWidth=4,
        labelLimit=240,
    )


def area_legend(columns: int = 3) -> alt.Legend:
    """A legend of filled marks, below the chart."""
    return alt.Legend(
        title=None, orient="bottom", columns=columns, symbolStrokeWidth=0, labelLimit=240
    )


def percent_axis(title: str | None, *, grid: bool = True) -> dict[str, Any]:
    """Title and axis of a share."""
    return {"title": title, "axis": alt.Axis(format="%", tickCount=5, grid=grid)}


def epoch_axis() -> alt.X:
    """Epochs along a training run, whole numbers only."""
    return alt.X(
        "epoch:Q",
        title="epoch",
        scale=alt.Scale(zero=False, nice=False),
        axis=alt.Axis(grid=False, format="d", tickMinStep=1, tickCount=8),
    )
