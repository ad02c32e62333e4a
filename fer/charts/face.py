"""The chart of what one face shows: altair, no Streamlit."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from fer.charts.style import GREY, Drawing, expression_color, plain_axis
from fer.types import EMOTIONS, Probabilities


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
