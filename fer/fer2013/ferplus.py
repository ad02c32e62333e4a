"""The crowd's label of a face: what most FER+ voters saw (Barsoum et al. 2016).

FER+ asked ten people about each picture of FER2013. Besides the seven expressions
they could answer contempt, unknown or "not a face" (https://arxiv.org/abs/1608.01041).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from fer.fer2013.dataset import VOTE_COLUMNS
from fer.types import EMOTIONS

#: Our word for each column of votes.
_WORDS: Final = {
    "neutral": "neutral",
    "happiness": "happy",
    "surprise": "surprise",
    "sadness": "sad",
    "anger": "angry",
    "disgust": "disgust",
    "fear": "fear",
    "contempt": "contempt",
    "unknown": "unknown",
    "NF": "not a face",
}
ANSWERS: Final = tuple(_WORDS[column] for column in VOTE_COLUMNS)

#: What stands in place of an expression where the crowd gives none.
NO_LABEL: Final = ("tie", "contempt", "unknown", "not a face", "no votes")

#: How a label is made of the votes, for everybody who reads a figure against them.
CONVENTION: Final = (
    "A face's FER+ label is the answer that most of its ten voters gave. Faces whose most frequent "
    "answer is shared by two (a tie), or is contempt, unknown or not a face, and faces without "
    "votes have no such label and are left out of every figure against FER+."
)


def majority(votes: NDArray[np.int64]) -> NDArray[np.str_]:
    """Say what most voters saw.

    Args:
        votes: (N, 10) in the order of ``dataset.VOTE_COLUMNS``.

    Returns:
        (N,) an expression, or one of ``NO_LABEL``.
    """
    most = votes.max(axis=1, keepdims=True)
    labels: NDArray[np.str_] = np.array(ANSWERS)[votes.argmax(axis=1)].astype(np.dtype("<U10"))
    labels[(votes == most).sum(axis=1) > 1] = "tie"
    labels[most[:, 0] == 0] = "no votes"
    return labels


def vote_shares(votes: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of the crowd's votes for each expression, by FER2013 label.

    Args:
        votes: (N, 10).
        labels: (N,) positions in ``EMOTIONS``.

    Returns:
        (7, 7): rows FER2013 labels, columns expressions voted for, both in ``EMOTIONS``
        order. Votes for no expression are left out; a row sums to 1, or to 0 without votes.
    """
    seven = votes[:, [ANSWERS.index(name) for name in EMOTIONS]]
    sums = np.array([seven[labels == i].sum(axis=0) for i in range(len(EMOTIONS))])
    shares: NDArray[np.float64] = sums / np.maximum(sums.sum(axis=1, keepdims=True), 1)
    return shares


def words(votes: NDArray[np.int64]) -> str:
    """One face's votes (10,), most frequent first, such as ``"7 happy, 3 neutral"``."""
    order = np.argsort(-votes, kind="stable")
    return ", ".join(f"{votes[i]} {ANSWERS[i]}" for i in order if votes[i]) or "no votes"
