from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fer.errors import FerError
from fer.live.servers import has_relay, ice_servers


@pytest.fixture
def variable(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    monkeypatch.delenv("FER_ICE_SERVERS", raising=False)
    return lambda text: monkeypatch.setenv("FER_ICE_SERVERS", text)


def test_without_the_variable_the_library_chooses_the_servers(
    variable: Callable[[str], None],
) -> None:
    assert ice_servers() is None
    variable("")
    assert ice_servers() is None


def test_servers_come_from_the_environment(variable: Callable[[str], None]) -> None:
    variable("[]")
    assert ice_servers() == []
    variable('[{"urls": "turn:a.example:3478", "username": "u", "credential": "c"}]')
    assert ice_servers() == [{"urls": "turn:a.example:3478", "username": "u", "credential": "c"}]


@pytest.mark.parametrize("text", ["nonsense", "{}", '["turn:a.example"]', '[{"url": "x"}]'])
def test_a_wrong_variable_is_named(variable: Callable[[str], None], text: str) -> None:
    variable(text)
    with pytest.raises(FerError, match="FER_ICE_SERVERS must be a JSON list"):
        ice_servers()


@pytest.mark.parametrize(
    ("servers", "relay"),
    [
        ([], False),
        ([{"urls": "stun:a.example:3478"}], False),
        ([{"urls": ["stun:a.example:3478"]}, {"urls": "turn:a.example:3478"}], True),
        ([{"urls": ["stun:a.example:3478", "turns:a.example:443?transport=tcp"]}], True),
    ],
)
def test_a_relay_is_told_from_a_mere_mirror(servers: list[dict[str, Any]], relay: bool) -> None:
    assert has_relay(servers) == relay
