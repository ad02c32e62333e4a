"""Beside the picture: a card per person, how the stream runs, and the last minute."""

from typing import Final

import streamlit as st

from fer.live import html as live_html
from fer.live.meter import Speed
from fer.live.processor import LiveState
from fer.live.recording import LOOK_BACK_S
from fer.live.session import LiveSession
from pages.live_sections.player import Stream

#: Seconds between two looks at what a stream has come to.
REFRESH_S: Final = 0.4


def show_beside(stream: Stream, session: LiveSession) -> None:
    """Follow a stream; this part runs again by itself while the camera is on."""

    @st.fragment(run_every=REFRESH_S)
    def follow() -> None:
        if (processor := stream.video_processor) is not None:
            show_state(processor.latest())
        show_last_minute(session)

    follow()


def show_state(state: LiveState) -> None:
    """Show what a stream has come to."""
    if state.error is not None:
        st.warning(state.error, icon=":material/warning:")
        return
    if state.result is None:
        st.caption("The first picture is on its way…")
        return
    if state.speed.frames_per_s == 0 and state.result.index > 0:
        st.caption("The camera sends no pictures any more.")
        return
    if state.result.predictions:
        st.html(live_html.cards(state.result.predictions, state.labels))
    else:
        st.caption("Nobody is in the picture: come closer, or turn on a light.")
    _show_speed(state.speed)


def show_last_minute(session: LiveSession) -> None:
    """Who was labelled how during the last minute."""
    now_s, stretches = session.recording.last_minute() if session.recording else (0.0, ())
    if stretches:
        st.markdown("**The last minute**")
        st.html(live_html.timeline(now_s, stretches, LOOK_BACK_S))


def _show_speed(speed: Speed) -> None:
    with st.container(horizontal=True):
        st.metric("Frames per second", f"{speed.frames_per_s:.1f}")
        st.metric(
            "Age of the result",
            f"{speed.age_ms:.0f} ms",
            help="From the frame's arrival at the server until its boxes are drawn: half of the "
            f"results of the last seconds were younger, 95% younger than {speed.oldest_ms:.0f} ms.",
        )
        st.metric(
            "Dropped frames",
            f"{speed.dropped / max(speed.received, 1):.0%}",
            help="Frames that were passed over because a newer one had arrived: "
            f"{speed.dropped:,} of {speed.received:,}.",
        )
    stages = " · ".join(f"{stage} {ms:.0f}" for stage, ms in speed.stage_ms.items())
    st.caption(f"Milliseconds: {stages}")
