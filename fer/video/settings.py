"""What a person can choose about the analysis of a video."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fer.errors import MediaError
from fer.quality import UNCERTAIN
from fer.video.segments import DWELL_S

#: Seconds between two frames that are searched for faces: shorter than what counts as a
#: decision. ``docs/video.md`` tells what it costs and what it saves.
SEARCH_S: Final = 0.4


@dataclass(frozen=True)
class VideoSettings:
    """Settings of one analysis. The same video and settings give the same numbers.

    Attributes:
        smoothing_s: time constant in seconds of the smoothing per track; 0 for none.
        dwell_s: seconds that a reading must last to count.
        least_confidence: probability, 0 to 1, under which a face is flagged uncertain.
        search_s: seconds between two frames that are searched for faces, at most; in between
            faces are where they must have been. 0 searches every frame.
        max_gap_s: seconds that a face may be out of sight and stay the same track.
        fps: frames to analyse per second; None for every frame.
        start_s: where to begin, in seconds of the video.
        end_s: where to end; None for the end of the video.
        drawn: whether boxes and labels are drawn into the annotated video.
        blurred: whether faces are made unrecognisable in it, and in all pictures.
        keep: numbers of the tracks that are not blurred all the same.

    Raises:
        MediaError: if they contradict themselves.
    """

    smoothing_s: float = 0.3
    dwell_s: float = DWELL_S
    least_confidence: float = UNCERTAIN
    search_s: float = SEARCH_S
    max_gap_s: float = 1.0
    fps: float | None = None
    start_s: float = 0.0
    end_s: float | None = None
    drawn: bool = True
    blurred: bool = False
    keep: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        seconds = (self.smoothing_s, self.dwell_s, self.search_s, self.max_gap_s, self.start_s)
        if min(seconds) < 0:
            raise MediaError("Seconds must be at least 0.")
        if not 0 <= self.least_confidence <= 1:
            raise MediaError("The least confidence must be from 0 to 1.")
        if self.fps is not None and self.fps <= 0:
            raise MediaError("The number of frames per second must be more than 0.")
        if self.end_s is not None and self.end_s <= self.start_s:
            raise MediaError(
                f"The part to analyse ends ({self.end_s:g} s) before it begins "
                f"({self.start_s:g} s): choose a later end."
            )
