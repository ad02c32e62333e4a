"""Responsible use: what can go wrong, what the app does about it, and what it does not."""

import streamlit as st

from fer.app import ensure_navigation

#: (icon, danger, what it is, what the app does today, what it does not do)
DANGERS = (
    (
        ":material/balance:",
        "Inaccuracy and bias",
        "A face is not a feeling: people smile when they are sad and frown when they think. And "
        "the model errs on about a third of its own test faces. FER2013, from which it learned, "
        "was gathered by web search, holds many wrong labels, and its people are not the world.",
        "Results say *looks happy (62%)*, never *is happy*, and all seven probabilities are shown, "
        "not only the winner. Small faces are marked as such. Accuracy stands with its interval, "
        "also without the test faces that have a twin in training, and the confusion matrix shows "
        "which expressions are mistaken for which.",
        "FER2013 says nothing of age, gender or skin colour, so how error differs between groups "
        "of people was **not measured**. Expect it to differ.",
    ),
    (
        ":material/handshake:",
        "Consent",
        "A camera can read a face without its owner knowing.",
        "The camera starts only when you press Start and your browser asks you; a file is analysed "
        "only when you hand it over. Every page says what happens with the picture.",
        "The app cannot know whether the other people in your picture agreed. Ask them first.",
    ),
    (
        ":material/fingerprint:",
        "Identity fraud",
        "Face data can be misused to recognise, or to pose as, somebody.",
        "No identity is computed: no face is compared with another one's, no name is guessed and "
        "no template of a face is made. *Face 1* is only a place that was followed from frame to "
        "frame; the number means nothing outside one video.",
        "A downloaded video still shows faces. Who has the file can do with it what they like.",
    ),
    (
        ":material/gavel:",
        "The law",
        "In the European Union, Article 5(1)(f) of the AI Act (Regulation 2024/1689) prohibits "
        "systems that infer emotions of people at work and in education, except for medical or "
        "safety reasons. Elsewhere such systems count as high-risk, and people exposed to them "
        "must be told (Annex III and Article 50). Pictures of people are personal data.",
        "These rules are named here, and the results speak of what is visible only.",
        "Naming the law is not keeping it: whoever runs or uses this app answers for that. This "
        "is no legal advice.",
    ),
    (
        ":material/block:",
        "Unethical use",
        "Scores of faces invite decisions about people that they cannot support.",
        "The app says plainly what it is not for (below). It keeps no list of persons and offers "
        "no alarm, ranking or score of a person.",
        "Nothing technical stops someone from using it so anyway.",
    ),
    (
        ":material/lock:",
        "Data theft",
        "What is stored can be stolen.",
        "Pictures are analysed in the memory of the server that runs this app. The app writes none "
        "of them to disk, sends none to anyone else, and trains on none. The last result stays in "
        "memory until your session ends or you analyse something else.",
        "Whoever runs the server could change that. On the way to it, pictures are protected only "
        "if the app is served over HTTPS; the camera's own stream is always encrypted.",
    ),
)

ensure_navigation()

st.title("Responsible use")
st.markdown(
    "This app estimates which of seven expressions a face **shows**. It cannot know what a person "
    "**feels**, and it is often wrong. Six things can go badly with such a tool; here is each, "
    "what the app does about it today, and what it does not."
)

for start in range(0, len(DANGERS), 2):
    for column, (icon, danger, what, does, does_not) in zip(
        st.columns(2, gap="medium"), DANGERS[start : start + 2], strict=True
    ):
        with column.container(border=True, height="stretch"):
            st.subheader(f"{icon} {danger}")
            st.markdown(what)
            st.markdown(f":material/check_circle: **What the app does.** {does}")
            st.markdown(f":material/cancel: **What it does not.** {does_not}")

st.header("What it is not for")
st.markdown(
    """
- hiring, rating or watching people at work; schools and examinations;
- policing, border control, courts, lie detection;
- finding out what a person feels, thinks or intends, or whether they are ill;
- any decision about a person, and pictures of people who did not agree.

It is made for learning how such models work and fail, and for trying one on yourself.
"""
)
