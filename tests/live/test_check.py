from __future__ import annotations

from typing import Any

import pytest

from fer.live import check as live_check

#: A browser on HTTPS with one camera, that has not been asked yet.
FINE: dict[str, Any] = {"secure": True, "api": True, "permission": "prompt", "cameras": 1}


@pytest.mark.parametrize(
    ("told", "fault"),
    [
        ({"secure": False, "api": False}, live_check.NOT_SECURE),
        ({**FINE, "permission": "denied"}, live_check.DENIED),
        ({**FINE, "cameras": 0}, live_check.NO_CAMERA),
        (FINE, None),
        ({}, None),  # nothing told yet
        ({"secure": True, "api": True}, None),
    ],
)
def test_what_is_wrong_is_said_before_start(told: dict[str, Any], fault: str | None) -> None:
    assert live_check.first_fault(told) == fault


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        ("NotAllowedError", live_check.DENIED),
        ("NotFoundError", live_check.NO_CAMERA),
        ("NotReadableError", live_check.IN_USE),
        ("TimeoutError", live_check.NO_ANSWER),
    ],
)
def test_every_refusal_is_explained(error: str, fault: str) -> None:
    (first, _) = live_check.explain({**FINE, "camera": error}, relay=False, room=True)
    assert (first.kind, first.text) == ("fault", fault)


def test_an_unknown_refusal_is_named() -> None:
    (first, _) = live_check.explain({**FINE, "camera": "OddError"}, relay=False, room=True)
    assert "OddError" in first.text


@pytest.mark.parametrize(
    ("relay", "relayed", "kind", "text"),
    [
        (False, False, "doubt", live_check.NO_RELAY),
        (True, False, "doubt", live_check.RELAY_SILENT),
        (True, True, "good", "A relay answers"),
    ],
)
def test_the_route_is_told(relay: bool, relayed: bool, kind: str, text: str) -> None:
    facts = {**FINE, "camera": "ok", "relayed": relayed}
    camera, route, server = live_check.explain(facts, relay=relay, room=True)
    assert (camera.kind, route.kind, server.kind) == ("good", kind, "good")
    assert route.text.startswith(text)


def test_a_server_without_a_place_says_so() -> None:
    facts = {**FINE, "camera": "ok", "relayed": False}
    assert live_check.explain(facts, relay=False, room=False)[-1].text == live_check.BUSY


@pytest.mark.parametrize(
    "name", ["NOT_SECURE", "NO_CAMERA", "DENIED", "IN_USE", "NO_ROUTE", "BUSY"]
)
def test_every_sentence_says_what_to_do(name: str) -> None:
    advice = ("Open", "open", "Click", "Close", "Try", "Wait", "Connect")
    assert any(word in getattr(live_check, name) for word in advice)
