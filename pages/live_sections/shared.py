"""What a visitor's session has of its own: its camera, settings and numbers, and its model."""

from typing import Any, Final

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit_webrtc import WebRtcStreamerContext
from streamlit_webrtc.component import generate_frontend_component_key

from fer.app import common
from fer.app.session import widget_key
from fer.classifier import FacialExpressionModel
from fer.errors import ModelError
from fer.live.session import LiveSession

#: A count of runs before any.
_LONG_AGO: Final = -2


def live_session() -> LiveSession:
    """The visitor's own; forgotten soon after the tab is closed."""
    session: LiveSession = st.session_state.setdefault("live session", LiveSession())
    context = get_script_run_ctx()
    if runtime.exists() and context is not None:
        server, number = runtime.get_instance(), context.session_id
        session.forget_when_alone(lambda: server.is_active_session(number))
    return session


def served_model() -> FacialExpressionModel:
    """The model that is served, or that was when the session began.

    A camera that runs does not stop because the model's files are being replaced.

    Raises:
        ModelError: if there is none, and the session has none yet.
    """
    known: FacialExpressionModel | None = st.session_state.get("live model")
    try:
        known = common.load_model()
    except ModelError:
        if known is None:
            raise
    st.session_state["live model"] = known
    return known


def is_on() -> bool:
    """Whether the visitor's camera runs, or is about to."""
    stream = _stream()
    return stream is not None and (stream.state.playing or stream.state.signalling)


def player_key() -> str:
    """The player's; another one after all was deleted, which ends what was running."""
    return widget_key("live")


def player_stayed() -> bool:
    """Whether the browser has kept the player since it was shown last; tells the library too.

    The library compares counts of runs. Streamlit counts them on another thread, so on a busy
    machine they lag behind, and a stream that runs well would be ended. Streamlit itself knows
    for sure: it forgets a widget's value when the browser has dropped the widget.
    """
    stayed = generate_frontend_component_key(player_key()) in st.session_state
    if (stream := _stream()) is not None:
        stream._last_rendered_run_count = None if stayed else _LONG_AGO  # noqa: SLF001 no other way
    return stayed


def _stream() -> WebRtcStreamerContext[Any, Any] | None:
    stream: WebRtcStreamerContext[Any, Any] | None = st.session_state.get(player_key())
    return stream
