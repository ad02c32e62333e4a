"""The connection check: the browser tells facts, the page says what they mean."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import streamlit as st
from streamlit_webrtc.credentials import get_available_ice_servers

from fer import live_check
from fer.live_servers import has_relay

_SCRIPT: Final = Path(live_check.__file__).parent / "assets" / "camera_check.js"

_STYLE: Final = """
button {font: inherit; color: inherit; background: transparent; cursor: pointer;
  border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius);
  padding: .35rem .8rem}
button:hover {border-color: var(--st-primary-color)}
button:disabled {opacity: .6; cursor: progress}
"""

_ICONS: Final = {
    "good": ":material/check_circle:",
    "doubt": ":material/help:",
    "fault": ":material/error:",
}

_component = st.components.v2.component(
    "camera_check",
    html="<button type='button'>Check camera and connection</button>",
    css=_STYLE,
    js=_SCRIPT.read_text(encoding="utf-8"),
)


def show_check(servers: list[dict[str, Any]] | None, *, room: bool) -> None:
    """Show the button, and what the check has found.

    Args:
        servers: ICE servers that this installation sets itself; None for the library's choice.
        room: whether there is a place left for a camera.
    """
    known: list[Any] = get_available_ice_servers() if servers is None else servers
    relay = has_relay(known)
    result = _component(
        data={"servers": known, "relay": relay},
        default={"facts": {}},
        on_facts_change=lambda: None,
        key="camera check",
    )
    facts: Mapping[str, Any] = result.facts or {}
    if "checked" in facts:
        for finding in live_check.explain(facts, relay=relay, room=room):
            st.markdown(f"{_ICONS[finding.kind]} {finding.text}")
    elif (fault := live_check.first_fault(facts)) is not None:
        st.warning(fault, icon=":material/videocam_off:")
