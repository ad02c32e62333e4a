"""Model: how good a run is, how it was made, and where it fails, from committed files alone."""

import streamlit as st

from fer import artifacts
from fer.app.common import ensure_navigation, show_errors
from pages.model_sections import (
    card,
    classes,
    confidence,
    data,
    mistakes,
    network,
    overview,
    robustness,
    scoreboard,
    training,
)
from pages.model_sections.shared import load_account

SECTIONS = {
    "Overview": overview.show,
    "Scoreboard": scoreboard.show,
    "Confusions": mistakes.show,
    "Expressions": classes.show,
    "Confidence": confidence.show,
    "Robustness": robustness.show,
    "Training": training.show,
    "Data": data.show,
    "Network": network.show,
    "Model card": card.show,
}

#: Sections that put several runs side by side.
COMPARING = ("Overview", "Scoreboard", "Training")

ensure_navigation()

st.title("Model")
st.markdown("How good it is, how it was made, and where it fails.")
runs = artifacts.list_runs()
if not runs:
    training.show_training_runs()
with show_errors():
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Run", runs, width=260) if runs else artifacts.default_run()
        others = [run for run in runs if run != name]
        compared = st.multiselect("Compare with", others, width=420) if others else []
    section = st.segmented_control(
        "Section",
        list(SECTIONS),
        default="Overview",
        required=True,
        label_visibility="collapsed",
        key="section",
        bind="query-params",
    )
    account = load_account(name)
    if compared and section not in COMPARING:
        st.caption(f"This section shows {name} alone.")
    SECTIONS[section](account, [load_account(other) for other in compared])
