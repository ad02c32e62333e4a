"""Model card: rendered and to download."""

from collections.abc import Sequence

import streamlit as st

from fer import artifacts
from fer.app.common import offer_download
from fer.evaluation.account import Account


def show(account: Account, _: Sequence[Account]) -> None:
    """The card that lies with the run."""
    folder = artifacts.run_folder(account.run.name)
    card = (folder / artifacts.CARD).read_text(encoding="utf-8")
    name = f"{account.run.name}-model-card.md"
    offer_download("Download the card", card, name, "text/markdown")
    with st.container(border=True, width=860):
        # The page's own title stays the only one of its rank.
        st.markdown(card.replace("\n## ", "\n### ").replace("# Model card", "## Model card", 1))
