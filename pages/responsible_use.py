"""Responsible use: what can go wrong, what the app does about it, and what it does not."""

import streamlit as st

from fer.app.common import ensure_navigation
from fer.sandbox import restricted
from pages.responsible_sections.dangers import show_dangers

ensure_navigation()

st.title("Responsible use")
st.markdown(
    "This app estimates which of seven expressions a face **shows**. It cannot know what a person "
    "**feels**, and it is often wrong. Six things can go badly with such a tool: here is each, "
    "what the app does about it, and what that does not cover."
)
show_dangers(restricted.weaknesses())

uses, groups = st.columns(2, gap="medium")
with uses:
    st.header("What it is not for")
    st.markdown(
        """
- hiring, and rating or watching people at work
- schools and examinations
- policing, border control, courts, lie detection
- finding out what a person feels, thinks or intends, or whether they are ill
- any other decision about a person, and pictures of people who did not agree

Whoever shows it to others must tell them. It is made for learning how such models work and fail,
and for trying one on yourself.
"""
    )
with groups:
    st.header("How well for whom?")
    st.markdown(
        """
FER2013, from which the model learned, records neither age, gender nor skin colour of its faces. So
nobody can say from it how the error differs between groups of people, and this project has not
measured it elsewhere. What is known:

- Its pictures were gathered by web search in 2013; its people are not the world.
- Of other systems it has been found that they read the faces of Black men as angrier than those of
  white men with the same smile (Rhue, 2018). Nothing here was done that would prevent it.
- Between expressions the differences are large, and measured: the Model page has them.
"""
    )
    st.page_link(
        "pages/model.py", label="Accuracy expression by expression", icon=":material/monitoring:"
    )
