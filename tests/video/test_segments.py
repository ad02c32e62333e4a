from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from fer.types import EMOTIONS, VideoReport
from fer.video.segments import BRIEF, UNDECIDED, Segment, find_readings, find_segments, frame_ends
from tests.fakes import frame, prediction


def of(labels: str, *, step: float = 0.1, dwell: float = 0.3) -> VideoReport:
    """One face, one letter per frame: h(appy), s(ad), t(urned), or a dot for no face."""
    faces = {
        "h": prediction(track=1, happy=0.8),
        "s": prediction(track=1, sad=0.6),
        "t": prediction(track=1, quality=("turned",), happy=0.9),
    }
    frames = [
        frame(*([faces[letter]] if letter in faces else []), index=index, time_s=index * step)
        for index, letter in enumerate(labels)
    ]
    return VideoReport("a", "m", "h", "d", tuple(frames), {"dwell_s": dwell})


def decided(labels: str, *, dwell: float = 0.3) -> str:
    """The decision of each frame with a face: first letter, or a dash for none."""
    found = find_readings(of(labels, dwell=dwell))
    decisions = found[1].decision if found else ()
    return "".join(
        "-" if decision == UNDECIDED else EMOTIONS[decision][0] for decision in decisions
    )


def segments(report: VideoReport) -> Sequence[Segment]:
    return find_segments(find_readings(report)[1], 1)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("hhhh", "hhhh"),
        ("hhhsshhh", "hhhhhhhh"),  # two frames of sadness do not last
        ("hhhssshhh", "hhhssshhh"),  # three do
        ("hshshs", "------"),  # nothing ever lasts
        ("shhh", "-hhh"),  # nothing is known before the first decision
        ("hhhtthh", "hhhhhhh"),  # turned away for a moment
        ("hhhtttt", "hhh----"),  # and for good
        ("hh", "--"),
        ("hh.h", "hhh"),  # out of sight for one frame is not the end
        ("", ""),
    ],
)
def test_a_decision_needs_its_dwell(labels: str, expected: str) -> None:
    assert decided(labels) == expected


def test_without_a_dwell_every_frame_decides() -> None:
    assert decided("hshst", dwell=0.0) == "hshs-"


def test_the_dwell_is_time_and_not_a_number_of_frames() -> None:
    readings = find_readings(of("hs", step=0.5))[1]
    assert [EMOTIONS[decision] for decision in readings.decision] == ["happy", "sad"]


def test_segments_tell_when_how_and_why_not() -> None:
    happy, unclear, sad = segments(of("hhhttttsss"))
    assert (happy.expression, happy.frames) == ("happy", 3)
    assert [happy.start_s, happy.end_s, happy.probability] == pytest.approx([0.0, 0.3, 0.8])
    assert (unclear.expression, unclear.probability, unclear.reason) == (None, None, "turned")
    assert [sad.start_s, sad.end_s] == pytest.approx([0.7, 1.0])
    assert segments(of("hh"))[0].reason == BRIEF


def test_the_mean_probability_counts_what_was_absorbed() -> None:
    (only,) = segments(of("hhhsh"))  # in the sad frame, happy has a sixth of 0.4
    assert only.probability == pytest.approx((4 * 0.8 + 0.4 / 6) / 5, abs=1e-6)


def test_a_frame_lasts_until_the_next_but_not_across_a_hole() -> None:
    def ends(*times: float) -> list[float]:
        return [float(end) for end in frame_ends(np.array(times))]

    assert ends(0.0, 0.1, 0.2, 0.3) == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert ends(0.0, 0.1, 0.2, 9.0, 9.1) == pytest.approx([0.1, 0.2, 0.5, 9.1, 9.2])
    assert ends(4.0) == [5.0]
    assert ends() == []
