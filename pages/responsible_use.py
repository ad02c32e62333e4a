"""Responsible use: what can go wrong, what the app does about it, and what it does not."""

from typing import NamedTuple

import streamlit as st

from fer.app import ensure_navigation


class Danger(NamedTuple):
    """One thing that can go badly, and how far the app stands against it today."""

    icon: str
    name: str
    what: str
    does: str
    does_not: str


DANGERS = (
    Danger(
        "balance",
        "Inaccuracy and bias",
        "A face is not a feeling: people smile when they are sad and frown when they think. And "
        "the model errs on about a third of its own test faces. FER2013, from which it learned, "
        "was gathered by web search, holds many wrong labels, and its people are not the world.",
        "Results say *looks happy (62%)*, never *is happy*. All seven probabilities are shown, "
        "not only the winner, and small faces are marked. The Model page gives the accuracy with "
        "its interval, also without the test faces that have a twin in training, and shows which "
        "expressions are mistaken for which.",
        "FER2013 does not record age, gender or skin colour, so how the error differs between "
        "groups of people is **not measured**. Expect it to differ.",
    ),
    Danger(
        "handshake",
        "Missing consent",
        "A camera can read a face without its owner knowing.",
        "The camera starts only when you press Start and your browser has asked you; a file is "
        "analysed only when you hand it over.",
        "The app cannot know whether the other people in your picture agreed. Ask them first.",
    ),
    Danger(
        "fingerprint",
        "Identity fraud",
        "Face data can be misused to recognise somebody, or to pose as them.",
        "No identity is computed: no face is compared with another, no name is guessed, no "
        "template of a face is made. *Face 1* is only a place followed from frame to frame; the "
        "number means nothing outside one video.",
        "A downloaded video or photo still shows faces. Whoever has the file can do with it what "
        "they like.",
    ),
    Danger(
        "gavel",
        "Unclear law",
        "In the European Union, Article 5(1)(f) of the AI Act (Regulation 2024/1689) prohibits "
        "inferring people's emotions at work and in education, except for medical or safety "
        "reasons. Other emotion recognition counts as high-risk (Annex III), and the people "
        "exposed to it must be told (Article 50). Pictures of people are personal data, too.",
        "It names these rules here, and speaks of what is visible only.",
        "Naming the law is not keeping it: whoever runs or uses this app answers for that. This "
        "is no legal advice.",
    ),
    Danger(
        "block",
        "Unethical use",
        "Scores of faces invite decisions about people that they cannot support.",
        "It says plainly what it is not for (below). It keeps no list of persons and offers no "
        "alarm, ranking or rating of anyone.",
        "Nothing technical stops someone from using it so all the same.",
    ),
    Danger(
        "lock",
        "Data theft",
        "What is stored can be stolen.",
        "Pictures are analysed in the memory of the server that runs this app. None are written "
        "to disk, sent elsewhere or trained on. The last result stays in memory until you analyse "
        "something else or your session ends.",
        "Whoever runs the server could change that. On their way to it, uploads are protected "
        "only if the app is served over HTTPS; the live camera is always encrypted.",
    ),
)

ensure_navigation()

st.title("Responsible use")
st.markdown(
    "This app estimates which of seven expressions a face **shows**. It cannot know what a person "
    "**feels**, and it is often wrong. Six things can go badly with such a tool: here is each, "
    "what the app does about it today, and what it does not."
)

for start in range(0, len(DANGERS), 2):
    for column, danger in zip(st.columns(2, gap="medium"), DANGERS[start : start + 2], strict=True):
        with column.container(border=True, height="stretch"):
            st.subheader(f":material/{danger.icon}: {danger.name}")
            st.markdown(danger.what)
            st.markdown(f":material/check: **What the app does.** {danger.does}")
            st.markdown(f":material/close: **What it does not.** {danger.does_not}")

st.header("What it is not for")
st.markdown(
    """
- hiring, rating or watching people at work; schools and examinations
- policing, border control, courts, lie detection
- finding out what a person feels, thinks or intends, or whether they are ill
- any other decision about a person, and pictures of people who did not agree

It is made for learning how such models work and fail, and for trying one on yourself.
"""
)
