"""Charts of the data set, and the drawing of a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import altair as alt
import pandas as pd

from fer.charts.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    SERIES_COLORS,
    Drawing,
    area_legend,
    plain_axis,
)
from fer.evaluation.architecture import Layer, Shape
from fer.types import EMOTIONS

#: What each kind of layer is drawn as; the others change no shape and are left out.
_DRAWN: Final = {
    "InputLayer": "input",
    "Conv2D": "convolution",
    "MaxPooling2D": "pooling",
    "AveragePooling2D": "pooling",
    "GlobalAveragePooling2D": "pooling",
    "Add": "sum with a shortcut",
    "Dense": "dense",
}
_DRAWN_COLORS: Final = {
    "input": GREY,
    "convolution": BLUE,
    "pooling": ORANGE,
    "sum with a shortcut": "#CC79A7",
    "dense": GREEN,
}


def class_balance(counts: pd.DataFrame, *, height: int = 360) -> Drawing:
    """Share of each expression in each split.

    Args:
        counts: ``split``, ``expression``, ``images``.
        height: of the chart, in pixels.
    """
    totals = counts.groupby("split")["images"].transform("sum")
    splits = list(counts["split"].unique())
    bars: Drawing = (
        alt.Chart(counts.assign(share=counts["images"] / totals))
        .mark_bar(cornerRadiusEnd=3)
        .encode(
            x=alt.X("expression:N", sort=list(EMOTIONS), title=None, axis=_names()),
            xOffset=alt.XOffset("split:N", sort=splits),
            y=alt.Y("share:Q", title="share of the split", axis=alt.Axis(format="%", tickCount=5)),
            color=alt.Color(
                "split:N",
                scale=alt.Scale(domain=splits, range=list(SERIES_COLORS[: len(splits)])),
                legend=area_legend(),
            ),
            tooltip=[
                alt.Tooltip("split:N"),
                alt.Tooltip("expression:N"),
                alt.Tooltip("images:Q", format=","),
                alt.Tooltip("share:Q", format=".1%"),
            ],
        )
        .properties(height=height)
    )
    return bars


def _names() -> alt.Axis:
    return plain_axis(orient="bottom", label_angle=-45)


def network_drawing(layers: Sequence[Layer], *, height: int = 380) -> Drawing:
    """Draw a network from input to output: height is the picture's side, width the channels.

    Args:
        layers: of the network.
        height: of the drawing, in pixels.
    """
    table = pd.DataFrame(_blocks(layers))
    base = alt.Chart(table).encode(
        tooltip=[
            alt.Tooltip("kind:N"),
            alt.Tooltip("name:N"),
            alt.Tooltip("shape:N", title="puts out"),
            alt.Tooltip("parameters:Q", format=","),
            alt.Tooltip("multiply_adds:Q", format=",", title="multiply-adds"),
        ]
    )
    side = alt.Scale(domain=[-34, 34])
    kinds = [kind for kind in _DRAWN_COLORS if kind in set(table["kind"])]
    blocks = base.mark_rect(cornerRadius=2, stroke=GREY, strokeWidth=0.5).encode(
        x=alt.X("left:Q", axis=None),
        x2="right:Q",
        y=alt.Y("bottom:Q", axis=None, scale=side),
        y2="top:Q",
        color=alt.Color(
            "kind:N",
            scale=alt.Scale(domain=kinds, range=[_DRAWN_COLORS[kind] for kind in kinds]),
            legend=area_legend(),
        ),
    )
    # Only where the size changes, so that names do not run into each other.
    changed = alt.Chart(table[table["is_new_size"]])
    names = changed.mark_text(color=GREY, fontSize=11, angle=270, align="right", dx=-4).encode(
        x="middle:Q", y="bottom:Q", text="shape:N"
    )
    shortcuts = alt.Chart(pd.DataFrame(_shortcuts(layers, table)))
    arcs = shortcuts.mark_rule(color="#CC79A7", strokeWidth=2).encode(
        x="from:Q", x2="to:Q", y="height:Q", tooltip=alt.Tooltip("name:N", title="shortcut to")
    )
    parts = [blocks, names] + ([arcs] if "Add" in {layer.kind for layer in layers} else [])
    return alt.layer(*parts).properties(height=height)


def _blocks(layers: Sequence[Layer]) -> list[dict[str, object]]:
    """Place the drawn layers from left to right."""
    rows: list[dict[str, object]] = []
    at = 0.0
    size: Shape = ()
    for layer in layers:
        if layer.kind not in _DRAWN:
            continue
        # Dense layers are tall and thin: they have units, no picture.
        flat = len(layer.output) == 1
        side = 12.0 if flat else layer.output[0] / 2
        width = 1.0 if flat else 0.6 + layer.output[2] / 90
        rows.append(
            {
                "name": layer.name,
                "kind": _DRAWN[layer.kind],
                "shape": "×".join(str(size) for size in layer.output),
                "is_new_size": layer.output[:2] != size,
                "parameters": layer.parameters,
                "multiply_adds": layer.multiply_adds,
                "left": at,
                "right": at + width,
                "middle": at + width / 2,
                "bottom": -side,
                "top": side,
            }
        )
        size = layer.output[:2]
        at += width + 0.5
    return rows


def _shortcuts(layers: Sequence[Layer], table: pd.DataFrame) -> list[dict[str, object]]:
    """Lines above the blocks, from where a shortcut leaves to where it is added again."""
    known = {layer.name: layer for layer in layers}
    places = table.set_index("name")[["left", "right", "top"]].astype(float).to_dict("index")
    rows: list[dict[str, object]] = []
    for layer in layers:
        if layer.kind != "Add":
            continue
        sources = [_nearest_drawn(known, name) for name in layer.inputs]
        start = min(places[source]["right"] for source in sources)
        top = max(places[source]["top"] for source in sources)
        rows.append(
            {
                "name": layer.name,
                "from": start,
                "to": places[layer.name]["left"],
                "height": top + 3,
            }
        )
    return rows


def _nearest_drawn(known: dict[str, Layer], name: str) -> str:
    """Walk back from a layer to the nearest that is drawn."""
    while known[name].kind not in _DRAWN:
        name = known[name].inputs[0]
    return name
