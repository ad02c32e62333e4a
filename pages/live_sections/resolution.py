"""The camera's resolution, and starting the camera again when it changes."""

import time
from typing import Final

import streamlit as st

from pages.live_sections.shared import is_on

#: What may be asked of the camera: width and height in pixels.
_SIZES: Final = {
    "Small (320 × 240)": (320, 240),
    "Standard (640 × 480)": (640, 480),
    "Large (1280 × 720)": (1280, 720),
}

#: Seconds that a camera may take to start again with another resolution.
_RESTART_S: Final = 5.0

#: Where the session keeps how far such a new start is: ``("stop" or "start", since when)``.
_RESTART: Final = "live restart"


def choose_size() -> tuple[int, int]:
    """Let the visitor choose what the camera is asked for: width and height in pixels."""
    chosen = st.selectbox(
        "Resolution",
        list(_SIZES),
        index=1,
        on_change=_restart,
        width=280,
        help="What the camera is asked for. A change starts it again, and its summary too. Large "
        "makes small faces easier to find, and the answer slower.",
    )
    return _SIZES[chosen]


def is_restarting() -> bool:
    """Whether the camera is about to start again by itself."""
    return _RESTART in st.session_state


def _restart() -> None:
    if is_on():
        st.session_state[_RESTART] = ("stop", time.monotonic())


def desired_state() -> bool | None:
    """What the player is told to do: to stop, then to start; None leaves it to its buttons."""
    step, since_s = st.session_state.get(_RESTART, (None, 0.0))
    if step is None:
        return None
    if time.monotonic() - since_s <= _RESTART_S:
        if step == "stop" and is_on():
            return False
        if not is_on():
            st.session_state[_RESTART] = ("start", since_s)
            return True
    del st.session_state[_RESTART]
    return None


def start_again_if_stopped() -> None:
    """See to the next run once the player has stopped for a new start.

    It tells so only after it was told what to do: nothing else would bring the run in which it
    is to start.
    """
    if st.session_state.get(_RESTART, ("", 0.0))[0] == "stop" and not is_on():
        st.rerun()
