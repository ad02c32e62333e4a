"""Entry point: page settings and navigation, nothing else."""

import streamlit as st

from fer.app import navigation

st.set_page_config(
    page_title="Facial expression reader",
    page_icon=":material/sentiment_satisfied:",
    layout="wide",
)
navigation().run()
