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

#: Seconds between the player's word that it stopped and its new start. The word comes half a
#: second before it has cleared up, and told to start meanwhile it would start twice: with two
#: offers, of which only one is answered.
_SETTLE_S: Final = 0.8

#: Seconds after which a camera that does not start again is left to its buttons. It mostly takes
#: two; the rest is for a machine that is very busy.
_PATIENCE_S: Final = 20.0

#: Where the session keeps how far a new start is, and since when:
#: ``("stop" or "settle" or "start", seconds)``.
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
    if is_on() or is_restarting():
        st.session_state[_RESTART] = ("stop", time.monotonic())


def forget_restart() -> None:
    """Leave the camera off: nobody expects it to start after the page was left."""
    st.session_state.pop(_RESTART, None)


def desired_state() -> bool | None:
    """What the player is told to do: to stop, then to start; None leaves it to its buttons.

    It is told the same in every run until it has done so: a run may be cut short before the
    browser hears of it.
    """
    step, since_s = _step()
    if step is None:
        return None
    if _is_late(since_s) or (step == "start" and is_on()):
        forget_restart()
        return None
    return step == "start"


def go_on_with_restart() -> None:
    """Take the next step to a new start, when it is time; call it after the player."""
    step, since_s = _step()
    if step == "stop" and not is_on():
        st.session_state[_RESTART] = ("settle", since_s)
    elif step not in ("settle", "start"):
        return
    in_full_run = True

    # The time is told by the browser, whose clock both the player's clearing up and this wait
    # for: however busy the machine is, the one that began earlier ends earlier.
    @st.fragment(run_every=_SETTLE_S)
    def wait() -> None:
        st.caption("Starting the camera again…")
        if in_full_run:
            return
        step, since_s = _step()
        if step == "settle" and not is_on():
            st.session_state[_RESTART] = ("start", since_s)
            st.rerun()
        if step is not None and _is_late(since_s):
            st.rerun()

    wait()
    in_full_run = False


def _step() -> tuple[str | None, float]:
    step: tuple[str | None, float] = st.session_state.get(_RESTART, (None, 0.0))
    return step


def _is_late(since_s: float) -> bool:
    return time.monotonic() - since_s > _PATIENCE_S
