"""Instead of a picture: what happens with it, patience while connecting, or that it is full."""

import time
from typing import Final

import streamlit as st

from fer.live import check as live_check
from pages.live_sections.player import Stream

#: Where the session keeps since when its connection is being made.
_CONNECTING: Final = "live connecting"


def show_full() -> None:
    """Say that there is no place left."""
    with st.container(border=True):
        st.subheader("All places are taken")
        st.markdown(live_check.BUSY)
        st.button("Look again", icon=":material/refresh:")


def show_connection(stream: Stream) -> None:
    """Show how far the connection of a stream is that does not play yet, or any more."""
    if stream.state.signalling:
        st.session_state.setdefault(_CONNECTING, time.monotonic())
        _follow()
        return
    if _is_late(st.session_state.pop(_CONNECTING, None)):
        st.warning(live_check.NO_ROUTE, icon=":material/wifi_off:")
    st.info(
        "**What happens with your picture:** while the camera runs, your browser sends it "
        "encrypted to the server of this app. There each frame is analysed in memory, sent back "
        "to you with the boxes drawn, and forgotten. Nothing is recorded, stored or passed on, "
        "and no sound is captured. **Stop** ends it at once, and leaves a summary in numbers.",
        icon=":material/shield_person:",
    )
    st.caption("Press **Start** and allow the camera: the result appears here.")


def connected() -> None:
    """Remember that the connection came about."""
    st.session_state.pop(_CONNECTING, None)


@st.fragment(run_every=2.0)
def _follow() -> None:
    if _is_late(st.session_state.get(_CONNECTING)):
        st.warning(live_check.NO_ROUTE, icon=":material/wifi_off:")
    else:
        st.caption("Connecting…")


def _is_late(since_s: float | None) -> bool:
    return since_s is not None and time.monotonic() - since_s >= live_check.PATIENCE_S
