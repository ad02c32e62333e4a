"""Which ICE servers a live stream may use: what the operator has set, or the library's choice."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any, Final

from fer.errors import FerError

#: Own ICE servers as a JSON list, see docs/webrtc.md.
ICE_SERVERS_VARIABLE: Final = "FER_ICE_SERVERS"


def ice_servers() -> list[dict[str, Any]] | None:
    """The ICE servers that this installation sets itself.

    Returns:
        The list in ``FER_ICE_SERVERS`` (empty: connect directly, which only works
        within one network), or None when the variable is not set, so that
        streamlit-webrtc chooses.

    Raises:
        FerError: if the variable is not a JSON list of objects with ``urls``.
    """
    text = os.environ.get(ICE_SERVERS_VARIABLE)
    if not text:
        return None
    try:
        servers = json.loads(text)
    except ValueError:
        servers = None
    if not isinstance(servers, list) or not all(
        isinstance(server, dict) and "urls" in server for server in servers
    ):
        raise FerError(
            f"{ICE_SERVERS_VARIABLE} must be a JSON list of servers such as "
            '[{"urls": "turn:turn.example.org:3478", "username": "…", "credential": "…"}]. '
            "Correct it where the server is started, or unset it."
        )
    return servers


def has_relay(servers: Iterable[Mapping[str, Any]]) -> bool:
    """Whether one of the servers is a TURN relay."""
    return any(
        url.startswith(("turn:", "turns:"))
        for server in servers
        for url in ([server["urls"]] if isinstance(server["urls"], str) else server["urls"])
    )
