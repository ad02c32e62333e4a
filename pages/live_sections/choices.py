"""What can be chosen about the live picture."""

import streamlit as st

from fer.annotate import Frame
from fer.app.common import choose_least_confidence
from fer.live.settings import LiveSettings
from fer.types import Run
from pages.live_sections.resolution import choose_size

_FRAMES: dict[str, Frame] = {"Box": "box", "Corners": "corners", "Label only": "none"}


def choose_settings(run: Run) -> tuple[LiveSettings, tuple[int, int]]:
    """Show the choices; they hold from the next frame on.

    Args:
        run: the run that answers; its limit of "unsure" is the one to start from.

    Returns:
        The settings, and what the camera is asked for: width and height in pixels.
    """
    standard = LiveSettings()
    least_confidence = choose_least_confidence(run)
    picture, reading = st.columns(2, gap="medium")
    with picture:
        mirror = st.toggle("Mirror", value=standard.mirror)
        percent = st.toggle("Probability in the label", value=standard.percent)
        bars = st.toggle("Seven bars beside each face", value=standard.bars)
        blur_others = st.toggle(
            "Blur others",
            value=standard.blur_others,
            help="Everyone but the person nearest to the camera. A face that is not found "
            "cannot be blurred.",
        )
        frame = st.segmented_control(
            "Faces are framed by", list(_FRAMES), default="Box", required=True
        )
    with reading:
        smoothing_s = st.slider(
            "Smooth over (s)",
            *(0.0, 2.0, standard.smoothing_s, 0.1),
            help="Time constant of the smoothing of each face's probabilities; 0 for none.",
        )
        dwell_s = st.slider(
            "Minimum dwell (s)",
            *(0.0, 2.0, standard.dwell_s, 0.1),
            help="A label changes only when another reading has lasted so long.",
        )
        size = choose_size()
    settings = LiveSettings(
        least_confidence=least_confidence,
        smoothing_s=smoothing_s,
        dwell_s=dwell_s,
        mirror=mirror,
        frame=_FRAMES[frame],
        bars=bars,
        percent=percent,
        blur_others=blur_others,
    )
    return settings, size
