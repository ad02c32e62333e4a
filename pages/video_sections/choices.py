"""What can be chosen about the analysis of a video."""

import math

import streamlit as st

from fer.app.common import choose_least_confidence
from fer.operator import load_operator
from fer.types import Run
from fer.video.settings import VideoSettings


def choose_settings(run: Run) -> VideoSettings:
    """Show the choices, folded away.

    Args:
        run: the run that will answer; its limit of "unsure" is the one to start from.

    Raises:
        MediaError: if they contradict each other; call it inside ``show_errors``.
    """
    standard = VideoSettings()
    with st.expander("Settings", icon=":material/tune:"):
        time, picture = st.columns(2, gap="large")
        with time:
            fps = st.selectbox(
                "Frames to analyse",
                [None, 10.0, 5.0, 2.0, 1.0],
                format_func=lambda rate: "every frame" if rate is None else f"{rate:g} per second",
            )
            every = st.toggle(
                "Search every frame for faces",
                help="Usually a few frames per second are searched, and faces followed in "
                "between: much quicker, and nearly the same. See the documentation of videos.",
            )
            begin, end = st.columns(2)
            start_s = begin.number_input("From second", min_value=0.0, value=0.0, step=1.0)
            end_s = end.number_input(
                "To second", min_value=0.0, value=None, step=1.0, placeholder="end"
            )
            smoothing_s = st.slider(
                "Smooth over (s)",
                *(0.0, 2.0, standard.smoothing_s, 0.1),
                help="Time constant of the smoothing of each face's probabilities; 0 for none.",
            )
            dwell_s = st.slider(
                "Minimum dwell (s)",
                *(0.0, 2.0, standard.dwell_s, 0.1),
                help="An expression that is seen for less time than this does not count.",
            )
        with picture:
            drawn = st.toggle("Draw boxes and labels", value=True)
            blurred = st.toggle(
                "Blur faces",
                help="In the annotated video and in all pictures. A face that the detector "
                "misses from its first frame on cannot be blurred: look before you publish.",
            )
            keep = st.multiselect(
                "Faces that stay visible",
                range(1, 100),
                format_func=lambda track: f"face {track}",
                disabled=not blurred,
                placeholder="none",
                help="Analyse once to learn the numbers; they stay the same.",
            )
        least_confidence = choose_least_confidence(run)
    longest_s = 60.0 * load_operator().limits.video_minutes
    return VideoSettings(
        smoothing_s=smoothing_s,
        dwell_s=dwell_s,
        least_confidence=least_confidence,
        search_s=0.0 if every else standard.search_s,
        fps=fps,
        start_s=start_s,
        end_s=min(end_s or math.inf, start_s + longest_s),
        drawn=drawn,
        blurred=blurred,
        keep=tuple(keep) if blurred else (),
    )
