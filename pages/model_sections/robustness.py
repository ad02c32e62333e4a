"""Robustness: the same test faces made dark, blurred, turned, shifted, small."""

from collections.abc import Sequence

import streamlit as st

from fer import artifacts
from fer.charts import robustness as robustness_chart
from fer.evaluation.account import Account
from pages.model_sections.shared import show_numbers


def show(account: Account, _: Sequence[Account]) -> None:
    """A cell per condition and strength."""
    table = artifacts.read_robustness(artifacts.run_folder(account.run.name))
    if table is None:
        st.info(
            "Not measured for this run yet. This does it: "
            f"`python -m fer robustness {account.run.name}`",
            icon=":material/pending:",
        )
        return
    base = table[table["strength"] == 0].iloc[0]
    st.markdown(
        f"FER2013's faces are cropped and lit better than life's. Here {base['images']:,} test "
        f"faces are spoilt in nine ways, each from mild (1) to severe (5). As they are, the model "
        f"is right on **{base['accuracy']:.1%}** of them; a cell says how many are left."
    )
    st.altair_chart(
        robustness_chart.robustness(table), alt="accuracy by kind and strength of the damage"
    )
    st.caption(
        "What a strength means stands in the table. The damage is made, not found: real pictures "
        "have several at once. Whose faces suffer most was not measured."
    )
    show_numbers(table, "robustness", shares=["accuracy", "low", "high"])
