"""What a visitor's session has of its own: its camera's settings and numbers, and its model."""

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from fer import app
from fer.classifier import FacialExpressionModel
from fer.errors import ModelError
from fer.live_session import LiveSession


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
        known = app.load_model()
    except ModelError:
        if known is None:
            raise
    st.session_state["live model"] = known
    return known
