"""The connection check: the browser tells facts, the page says what they mean."""

from collections.abc import Mapping
from typing import Any, Final

import streamlit as st
from streamlit_webrtc.credentials import get_available_ice_servers

from fer.live import check as live_check
from fer.live.servers import has_relay
from fer.paths import ASSETS

_SCRIPT: Final = ASSETS / "camera_check.js"

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


def offer_check(servers: list[dict[str, Any]] | None) -> Mapping[str, Any]:
    """Show the button; returns what the browser has told so far.

    Args:
        servers: ICE servers that this installation sets itself; None for the library's choice.
    """
    known = _known(servers)
    result = _component(
        data={"servers": known, "relay": has_relay(known)},
        default={"facts": {}},
        on_facts_change=lambda: None,
        key="camera check",
    )
    facts: Mapping[str, Any] = result.facts or {}
    return facts


def show_findings(
    facts: Mapping[str, Any], servers: list[dict[str, Any]] | None, *, room: bool
) -> None:
    """Say what the check has found, or what is known to be wrong without it.

    Args:
        facts: from ``offer_check``.
        servers: as there.
        room: whether there is a place left for a camera.
    """
    if "checked" in facts:
        findings = live_check.explain(facts, relay=has_relay(_known(servers)), room=room)
        with st.container(gap="xsmall"):
            for finding in findings:
                st.markdown(f"{_ICONS[finding.kind]} {finding.text}")
    elif (fault := live_check.first_fault(facts)) is not None:
        st.warning(fault, icon=":material/videocam_off:")


def _known(servers: list[dict[str, Any]] | None) -> list[Any]:
    known: list[Any] = get_available_ice_servers() if servers is None else servers
    return known
