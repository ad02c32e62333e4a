"""The chart of how a run holds up on spoilt faces."""

from __future__ import annotations

import altair as alt
import pandas as pd

from fer.charts.style import Drawing, plain_axis

#: From pale orange to deep blue, opaque: legible on light and dark pages, and without red or green.
_SCALE = alt.Scale(
    domain=[0.2, 0.45, 0.7],
    range=["#f6d8a8", "#dfe8f0", "#5b93c4"],
    clamp=True,
    interpolate="rgb",
)


def robustness(table: pd.DataFrame) -> Drawing:
    """A row per condition, a column per strength, in each cell the accuracy.

    Args:
        table: as ``robustness.robustness_table`` makes it.
    """
    cells = table[table["strength"] > 0]
    base = alt.Chart(cells).encode(
        x=alt.X("strength:O", title="strength", axis=plain_axis(orient="top")),
        y=alt.Y("condition:N", sort=None, title=None, axis=plain_axis()),
        tooltip=[
            alt.Tooltip("condition:N"),
            alt.Tooltip("value:Q", title="setting"),
            alt.Tooltip("unit:N"),
            alt.Tooltip("accuracy:Q", format=".1%"),
            alt.Tooltip("low:Q", title="95% interval from", format=".1%"),
            alt.Tooltip("high:Q", title="to", format=".1%"),
            alt.Tooltip("images:Q", title="faces", format=","),
        ],
    )
    shares = base.mark_rect(cornerRadius=3).encode(
        color=alt.Color("accuracy:Q", scale=_SCALE, legend=None)
    )
    figures = base.mark_text(fontSize=12, fontWeight="bold", color="#06182a").encode(
        text=alt.Text("accuracy:Q", format=".0%")
    )
    return alt.layer(shares, figures).properties(height=38 * cells["condition"].nunique())
