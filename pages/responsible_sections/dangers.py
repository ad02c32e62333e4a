"""The six dangers: what each is, what the app does about it, and what that does not cover.

``tests/safety/test_dangers.py`` holds the app to what is said here.
"""

from collections.abc import Iterable
from typing import NamedTuple

import streamlit as st


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
        "Technical inaccuracy and bias",
        "A face is not a feeling: people smile when they are sad and frown when they think "
        "(Barrett and others, 2019). And the model errs on about a third of its own test faces.",
        "Results say *looks happy (62%)*, never *is happy*; below a confidence that you choose "
        "they say *unsure*. All seven probabilities are shown, and small, blurred and turned "
        "faces are marked. The Model page tells the accuracy with its interval, expression by "
        "expression.",
        "Whether it errs more on some groups of people is **not measured** (see below). Expect it.",
    ),
    Danger(
        "handshake",
        "Missing consent",
        "A camera can read a face without its owner knowing.",
        "Before the first camera or file of a session the app says what happens and asks whether "
        "everyone in the picture agrees. The foot of every page takes the consent back, and "
        "deletes what came of it. The browser asks for the camera once more.",
        "The app cannot know whether the other people in your picture did agree. Ask them.",
    ),
    Danger(
        "fingerprint",
        "Identity fraud",
        "Face data can be misused to recognise somebody, or to pose as them.",
        "No identity is computed: no face is compared with another, no name is guessed, no "
        "template of a face is made. *Face 1* is a place in one picture or video and means "
        "nothing outside it. Photos and videos can be handed out with all faces blurred but those "
        "that you choose, and never carry the place or camera that was stored in the file.",
        "A face that the detector misses is not blurred: look before you share. And whoever has a "
        "picture can do with it what they like.",
    ),
    Danger(
        "gavel",
        "Unclear law",
        "In the European Union, Article 5(1)(f) of the AI Act (Regulation 2024/1689) prohibits "
        "inferring people's emotions at work and in education, except for medical or safety "
        "reasons. Other emotion recognition counts as high-risk (Annex III), and the people "
        "exposed to it must be told (Article 50). Pictures of people are personal data, too.",
        "It names these rules here and tells everyone who is asked for consent what it does. "
        "Whoever runs it can add a notice of their own and switch features off.",
        "Naming the law is not keeping it: whoever runs or uses this app answers for that. This "
        "is no legal advice.",
    ),
    Danger(
        "block",
        "Unethical use",
        "Scores of faces invite decisions about people that they cannot support.",
        "It says what it is not for, here and in the reports and pictures that it hands out. It "
        "keeps no list of persons and offers no alarm, ranking or rating of anyone.",
        "Nothing technical stops someone from using it so all the same.",
    ),
    Danger(
        "lock",
        "Data theft",
        "What is stored can be stolen.",
        "Pictures and results live in the memory of the server that runs this app, for your "
        "session alone; none are sent elsewhere, logged or trained on. While a large file arrives, "
        "it may lie on the server's disk without a name. *Delete everything now*, at the foot of "
        "every page, ends all that at once. Uploads are decoded in a process that can reach "
        "neither files nor the network.",
        "Whoever runs the server could change that. On their way to it, uploads are protected "
        "only if the app is served over HTTPS; the live camera is always encrypted, but its "
        "pictures are decoded within the app itself.",
    ),
)


def show_dangers(weaknesses: Iterable[str]) -> None:
    """A card for each, two beside each other.

    Args:
        weaknesses: what makes uploads less confined on this server than the last card says.
    """
    for start in range(0, len(DANGERS), 2):
        row = DANGERS[start : start + 2]
        for column, danger in zip(st.columns(2, gap="medium"), row, strict=True):
            with column.container(border=True, height="stretch"):
                st.subheader(f":material/{danger.icon}: {danger.name}")
                st.markdown(danger.what)
                st.markdown(f":material/check: **What the app does.** {danger.does}")
                st.markdown(f":material/close: **What that does not cover.** {danger.does_not}")
                for weakness in weaknesses if danger is DANGERS[-1] else ():
                    st.markdown(f":material/warning: **On this server.** {weakness}")
