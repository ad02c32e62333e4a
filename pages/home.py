"""Home: what this is, one portrait analysed on the spot, and where to go next."""

import streamlit as st

from fer import annotate
from fer.app.common import (
    accuracy_words,
    ensure_navigation,
    load_model,
    looks,
    new_analyzer,
    show_errors,
    show_status,
)
from fer.charts.face import expression_bars
from fer.media import sample
from fer.operator import load_operator

#: (page, icon, title, what it offers)
DOORS = (
    ("live", ":material/videocam:", "Live", "Your camera, with boxes and labels as you move."),
    ("video", ":material/movie:", "Video", "A clip frame by frame, with charts and downloads."),
    ("photo", ":material/photo_camera:", "Photo", "Pictures or a snapshot, face by face."),
    ("model", ":material/monitoring:", "Model", "How good the model is, and where it fails."),
    (
        "responsible_use",
        ":material/shield_person:",
        "Responsible use",
        "What can go wrong, and what it is not for.",
    ),
)


def show_portrait() -> None:
    """Run the real detector and model on the portrait and show what they say."""
    image = sample.portrait()
    result = new_analyzer().analyze(image)
    picture, says = st.columns([2, 3], gap="large", vertical_alignment="center")
    picture.image(
        annotate.draw(image, result),
        width="stretch",
        caption="Astronaut Eileen Collins. Photo: NASA, public domain.",
        alt="portrait of a smiling astronaut, with a labelled box around her face",
    )
    with says:
        for prediction in result.predictions[:1]:
            st.markdown(f"#### This face {looks(prediction)}")
            st.altair_chart(
                expression_bars(prediction.probabilities),
                alt="probabilities of the seven expressions for the portrait",
            )
            st.caption("Analysed just now, by the same model and code as your own pictures.")


def show_accuracy() -> None:
    """How often the served model is right, said as honestly as it is known."""
    run = load_model().run
    st.subheader("How far to trust it")
    st.markdown(
        f"- On the 7,178 test faces of FER2013 the model is right on **{accuracy_words(run)}**.\n"
        f"- Without the 572 of them that have an identical twin among the training faces: "
        f"**{accuracy_words(run, 'without_twins')}**.\n"
        "- Always answering *happy* would be right on 24.7%. FER2013's labels are noisy, and its "
        "people are not the world: on your pictures it may do better or worse."
    )


def show_doors() -> None:
    """A card for each of the other pages."""
    st.subheader("Where to go next")
    # Without it a card's link stands a little to the right of the text below it.
    st.html("<style>.stColumn [data-testid='stPageLink-NavLink'] {padding-inline: 0}</style>")
    operator = load_operator()
    doors = [door for door in DOORS if operator.offers(door[0])]
    for column, (page, icon, title, text) in zip(st.columns(len(doors)), doors, strict=True):
        with column.container(border=True, height="stretch"):
            st.page_link(f"pages/{page}.py", label=f"**{title}**", icon=icon)
            st.caption(text)


ensure_navigation()

st.title("Facial expression reader")
st.markdown(
    "It finds the faces in a camera picture, a video or a photo, and estimates for each which of "
    "seven expressions it **shows**: angry, disgust, fear, happy, sad, surprise or neutral. What "
    "a person *feels* it cannot know."
)
with show_errors():
    show_portrait()
    show_accuracy()
    show_status()
show_doors()
