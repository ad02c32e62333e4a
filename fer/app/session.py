"""What the server holds of one visitor: consent, uploads and results; and how they go.

All of it lives in Streamlit's session and goes with it. This module lets it go earlier: at a
click, with the consent, or when nothing has been clicked for the time that the operator has set.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from fer.app.uploads import forget_uploads
from fer.operator import Operator, load_operator

#: Where the session keeps that its visitor agreed.
CONSENT: Final = "consent"

#: Counts the deletions: part of the key of every widget that holds pictures.
_GENERATION: Final = "generation"

#: The sentence to show after a deletion, and since when.
_FAREWELL: Final = "farewell"

#: Seconds that it is shown for at least: pages may run again at once, without a click.
_FAREWELL_S: Final = 6.0

#: When the visitor last clicked, in seconds of the process's own clock.
_LAST_CLICK: Final = "last click"

#: Seconds between two looks at how long nothing was clicked.
_LOOK_S: Final = 20.0

DELETED: Final = (
    "Everything is deleted: this server holds nothing more of your pictures and results."
)
WITHDRAWN: Final = f"Your consent is withdrawn. {DELETED}"
EXPIRED: Final = "Nothing was clicked for a while, so everything of this session was deleted."


def widget_key(name: str) -> str:
    """The key of a widget that holds pictures: an uploader, a camera.

    After a deletion it is another one, so that the browser forgets its side of the widget too.

    Args:
        name: tells the widgets apart.
    """
    return f"{name} {st.session_state.get(_GENERATION, 0)}"


def take_files(label: str, name: str, kinds: Sequence[str]) -> list[UploadedFile]:
    """Let the visitor hand over files, each as large as the operator allows.

    Args:
        label: above the widget.
        name: tells it apart from others.
        kinds: endings of the files.
    """
    limit = load_operator().limits.upload_mb
    files = st.file_uploader(
        label,
        type=kinds,
        accept_multiple_files=True,
        key=widget_key(name),
        max_upload_size=limit,
    )
    taken = [file for file in files if file.size <= limit * 2**20]
    if len(taken) < len(files):  # browsers heed the limit; who sends by other means need not
        st.error(f"Files of more than {limit} MB are not read here.", icon=":material/error:")
    return taken


def delete_everything() -> None:
    """Forget all that the server holds of this session but the consent, and say so."""
    _delete(DELETED, consent=CONSENT in st.session_state)


def withdraw_consent() -> None:
    """Forget everything and the consent, and say so."""
    _delete(WITHDRAWN, consent=False)


def show_controls(operator: Operator) -> None:
    """At the foot of every page: what the visitor agreed to, and how to take it back.

    Args:
        operator: says how long results are kept while nothing is clicked.
    """
    if _FAREWELL in st.session_state:
        farewell, since = st.session_state[_FAREWELL]
        st.success(farewell, icon=":material/delete_sweep:")
        if time.monotonic() - since >= _FAREWELL_S:
            del st.session_state[_FAREWELL]
    if CONSENT not in st.session_state:
        return
    st.session_state[_LAST_CLICK] = time.monotonic()
    with st.container(
        horizontal=True, vertical_alignment="center", key="session-controls", gap="medium"
    ):
        st.caption("You agreed to the analysis of pictures in this session.", width="content")
        delete = st.button("Delete everything now", type="tertiary", icon=":material/delete_sweep:")
        withdraw = st.button(
            "Withdraw consent",
            type="tertiary",
            icon=":material/undo:",
            help="Deletes everything, and asks again before the next picture.",
        )
    # Not in callbacks of the buttons: a browser may report other changes with the click, such as
    # that the camera runs now, and their callbacks need what the session holds.
    if delete or withdraw:
        (delete_everything if delete else withdraw_consent)()
        st.rerun()
    if operator.retention_minutes:
        _expire(60.0 * operator.retention_minutes)


@st.fragment(run_every=_LOOK_S)
def _expire(limit_s: float) -> None:
    """Delete everything if nothing was clicked for longer than the limit."""
    if time.monotonic() - st.session_state.get(_LAST_CLICK, time.monotonic()) > limit_s:
        _delete(EXPIRED, consent=False)
        st.rerun()


def _delete(farewell: str, *, consent: bool) -> None:
    generation = st.session_state.get(_GENERATION, 0) + 1
    st.session_state.clear()
    st.session_state.update({_GENERATION: generation, _FAREWELL: (farewell, time.monotonic())})
    if consent:
        st.session_state[CONSENT] = True
    # Streamlit itself drops uploads only when the session ends.
    if context := get_script_run_ctx():
        forget_uploads(context.session_id, context.uploaded_file_mgr)
