from __future__ import annotations

import numpy as np

from fer.fer2013 import ferplus
from fer.types import EMOTIONS

# neutral, happy, surprise, sad, angry, disgust, fear, contempt, unknown, not a face
VOTES = np.array(
    [
        [1, 9, 0, 0, 0, 0, 0, 0, 0, 0],
        [5, 0, 0, 5, 0, 0, 0, 0, 0, 0],
        [2, 0, 0, 0, 0, 0, 0, 8, 0, 0],
        [2, 0, 0, 0, 2, 0, 0, 0, 6, 0],
        [0, 0, 0, 0, 0, 0, 1, 0, 0, 9],
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        [3, 0, 0, 0, 4, 3, 0, 0, 0, 0],
    ]
)


def test_the_majority_and_why_there_may_be_none() -> None:
    assert ferplus.majority(VOTES).tolist() == [
        *("happy", "tie", "contempt", "unknown", "not a face", "no votes", "angry")
    ]


def test_shares_of_votes_by_label_leave_out_votes_for_no_expression() -> None:
    labels = np.array([3, 3, 6, 0, 2, 1, 0])
    shares = ferplus.vote_shares(VOTES, labels)
    assert shares.shape == (7, 7)
    happy = dict(zip(EMOTIONS, shares[3], strict=True))
    assert happy == {**dict.fromkeys(EMOTIONS, 0.0), "neutral": 0.3, "happy": 0.45, "sad": 0.25}
    assert shares[EMOTIONS.index("fear"), EMOTIONS.index("fear")] == 1
    assert not shares[EMOTIONS.index("disgust")].any()


def test_votes_in_words() -> None:
    assert ferplus.words(VOTES[0]) == "9 happy, 1 neutral"
    assert ferplus.words(VOTES[5]) == "no votes"
