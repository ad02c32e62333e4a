"""Model card: rendered and to download."""

from collections.abc import Sequence

import streamlit as st

from fer import artifacts
from fer.account import Account


def show(account: Account, _: Sequence[Account]) -> None:
    """The card that lies with the run."""
    folder = artifacts.run_folder(account.run.name)
    card = (folder / artifacts.CARD).read_text(encoding="utf-8")
    st.download_button(
        "Download the card",
        card,
        f"{account.run.name}-model-card.md",
        "text/markdown",
        icon=":material/download:",
        on_click="ignore",
    )
    with st.container(border=True, width=860):
        # The page's own title stays the only one of its rank.
        st.markdown(card.replace("\n## ", "\n### ").replace("# Model card", "## Model card", 1))
