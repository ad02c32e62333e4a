"""Ask before a camera starts or a file is analysed: once per session."""

from __future__ import annotations

import streamlit as st

from fer import operator
from fer.app import common
from fer.app.session import CONSENT

_NOTICE = """
- **What happens with the picture.** The server that runs this app reads it in memory. It is not
  kept beyond your session, not passed on, and nothing is trained on it.
- **What the result means.** Which expression a face *seems to show*. What anybody feels, it cannot
  tell, and it is often wrong.
- **Who must agree.** Everyone in the picture, not only you.
"""


def require_consent(page: str) -> None:
    """Go on with a page only if it is switched on and the visitor has agreed.

    Otherwise the page ends here, with the notice and its button, or with a sentence.

    Args:
        page: its file's name: ``"live"``, ``"video"`` or ``"photo"``.
    """
    with common.show_errors():
        decided = operator.load_operator()
        if not decided.offers(page):
            st.info(
                "Whoever runs this server has switched this page off. The other pages are in the "
                "menu above.",
                icon=":material/block:",
            )
        elif CONSENT in st.session_state:
            return
        else:
            _ask(decided.notice)
    st.stop()


def _ask(words: str) -> None:
    with st.container(border=True, width=720, key="consent"):
        st.subheader("Before you begin")
        st.markdown(_NOTICE)
        if words:
            st.markdown(words)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                "Everyone in the picture agrees",
                type="primary",
                icon=":material/handshake:",
                on_click=_agree,
            )
            st.page_link("pages/responsible_use.py", label="What can go wrong")
        st.caption("Asked once per session. You can take it back at the foot of every page.")


def _agree() -> None:
    st.session_state[CONSENT] = True
