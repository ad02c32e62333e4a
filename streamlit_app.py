"""Entry point: page settings and navigation, nothing else."""

from pathlib import Path

import streamlit as st

from fer.app import navigation

# A file of our own: the browser would fetch an emoji or a Material icon from elsewhere.
ICON = Path(__file__).parent / "fer" / "assets" / "icon.svg"

page = navigation()
st.set_page_config(
    page_title=f"{page.title}: facial expression reader", page_icon=ICON, layout="wide"
)
st.logo(ICON, size="large")
page.run()
