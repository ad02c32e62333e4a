"""What a person can choose about the live picture."""

from __future__ import annotations

from dataclasses import dataclass

from fer.annotate import Frame
from fer.quality import UNCERTAIN
from fer.video.segments import DWELL_S


@dataclass(frozen=True)
class LiveSettings:
    """Settings of a live session; they may change from frame to frame.

    Attributes:
        least_confidence: probability, 0 to 1, under which a face is called unsure.
        smoothing_s: time constant in seconds of the smoothing of each face's probabilities: long
            enough to calm them, short enough to follow a smile.
        dwell_s: seconds that another reading must last before the label changes.
        mirror: whether the picture is shown as in a mirror. The model sees it as it came.
        frame: how a face is framed.
        bars: whether seven bars are drawn beside each face.
        percent: whether a label tells its probability.
        blur_others: whether everyone but the person nearest to the camera is made unrecognisable.
    """

    least_confidence: float = UNCERTAIN
    smoothing_s: float = 0.3
    dwell_s: float = DWELL_S
    mirror: bool = True
    frame: Frame = "box"
    bars: bool = False
    percent: bool = True
    blur_others: bool = False
