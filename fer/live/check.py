"""What keeps a camera from working, in words: from facts that the browser tells.

``assets/camera_check.js`` collects the facts; what they mean, and what to do, stands here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

#: Seconds after which a connection that is still being made is called impossible for now.
PATIENCE_S: Final = 8.0

NOT_SECURE: Final = (
    "This page is not on HTTPS, and browsers give out the camera only to pages on HTTPS or "
    "localhost. Open the address that begins with https://, or ask whoever runs this server "
    "for one."
)
NO_CAMERA: Final = (
    "No camera was found. Connect one, or open this page on a phone or laptop that has one; then "
    "check again."
)
DENIED: Final = (
    "The browser was told not to give out the camera. Click the symbol left of the address, set "
    "Camera to Allow, and reload this page. If it is set already, the system's own privacy "
    "settings keep the browser from the camera."
)
IN_USE: Final = (
    "The camera is there, but another program or tab is using it, or it does not answer. Close "
    "video calls and other tabs with the camera, plug it in again, then check again."
)
NO_ANSWER: Final = (
    "The browser is still asking for the camera: answer its question at the top of the window."
)
NO_ROUTE: Final = (
    "The camera works, but no connection came about: something between this browser and the "
    "server lets no video through, as company and mobile networks often do. Try another network, "
    "such as a phone's hotspot, or use snapshots below. Whoever runs this server can mend it with "
    "a TURN relay, see docs/webrtc.md."
)
RELAY_SILENT: Final = (
    "This server names a relay (TURN) for difficult networks, but it does not answer from here. "
    "In your home network the camera may work all the same. Whoever runs this server should look "
    "at the relay's key."
)
NO_RELAY: Final = (
    "This server has no relay (TURN): the camera works in the same network and in open ones, but "
    "perhaps not in a company's or a mobile one."
)
CUT_OFF: Final = (
    "The connection was cut off while it was being made. Press Start again; if that does not help, "
    "reload the page."
)
BUSY: Final = (
    "All places for live cameras on this server are taken. Wait a minute and check again, or use "
    "snapshots meanwhile."
)

#: What a browser calls the reasons for which it gives out no camera.
_REFUSALS: Final[Mapping[str, str]] = {
    "NotAllowedError": DENIED,
    "SecurityError": DENIED,
    "NotFoundError": NO_CAMERA,
    "OverconstrainedError": NO_CAMERA,
    "NotReadableError": IN_USE,
    "AbortError": IN_USE,
    "TimeoutError": NO_ANSWER,
}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        kind: ``"fault"`` keeps the camera from working, ``"doubt"`` may; ``"good"`` is fine.
        text: what was found and, where it is not good, what to do.
    """

    kind: Literal["good", "doubt", "fault"]
    text: str


def first_fault(facts: Mapping[str, Any]) -> str | None:
    """What is known to be wrong before anybody has pressed anything, or None.

    Args:
        facts: what the browser told when the page opened.
    """
    if not facts:
        return None
    if not facts.get("secure") or not facts.get("api"):
        return NOT_SECURE
    if facts.get("permission") == "denied":
        return DENIED
    return NO_CAMERA if facts.get("cameras") == 0 else None


def explain(facts: Mapping[str, Any], *, relay: bool, room: bool) -> tuple[Finding, ...]:
    """Say what a connection check found.

    Args:
        facts: what the browser told: ``secure``, ``api`` (whether it has cameras at all),
            ``permission``, number of ``cameras``; after the check also ``camera`` (``"ok"``, or
            the browser's name of the error) and ``relayed`` (whether a relay answered).
        relay: whether the server names a TURN relay.
        room: whether the server has a place left.
    """
    fault = first_fault(facts)
    camera = str(facts.get("camera", ""))
    if camera and camera != "ok":
        fault = fault or _REFUSALS.get(camera, f"{IN_USE} The browser calls it {camera}.")
    if fault is not None:
        return (Finding("fault", fault), *_server(room))
    findings = []
    if camera == "ok":
        findings.append(Finding("good", "The camera works, and this page may use it."))
    if "relayed" in facts:
        findings.append(_route(relay, bool(facts["relayed"])))
    return (*findings, *_server(room))


def _route(relay: bool, relayed: bool) -> Finding:
    if not relay:
        return Finding("doubt", NO_RELAY)
    if not relayed:
        return Finding("doubt", RELAY_SILENT)
    return Finding("good", "A relay answers: the camera should work in any network.")


def _server(room: bool) -> tuple[Finding, ...]:
    if room:
        return (Finding("good", "The server has a place left."),)
    return (Finding("fault", BUSY),)
