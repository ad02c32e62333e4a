"""What the app is made of: licences, the list of it all, and an audit that never pretends."""

from __future__ import annotations

import json
from email.message import Message
from typing import Any

import pytest

from fer.paths import PROJECT
from tools import dependencies
from tools.dependencies import Package


@pytest.fixture(scope="module")
def found() -> tuple[Package, ...]:
    return dependencies.packages()


def test_all_that_the_app_needs_is_found_in_turn(found: tuple[Package, ...]) -> None:
    names = {package.name for package in found}
    assert {"streamlit", "starlette", "av", "pillow-heif", "uvicorn"} <= names
    assert not {"pytest", "mypy", "pip-audit"} & names


def test_every_licence_is_on_the_list(found: tuple[Package, ...]) -> None:
    assert dependencies.refused(found) == []


@pytest.mark.parametrize(
    ("licence", "allowed"),
    [
        ("MIT", True),
        ("MIT OR GPL-3.0-only", True),
        ("MIT AND GPL-3.0-only", False),
        ("Apache-2.0 AND (BSD-3-Clause OR AGPL-3.0-only)", True),
        ("GPL-2.0-or-later", False),
        ("unknown", False),
        ("free for now", False),
    ],
)
def test_a_licence_is_judged_as_it_reads(licence: str, *, allowed: bool) -> None:
    assert (dependencies.refused((Package("x", "1", licence),)) == []) is allowed


@pytest.mark.parametrize(
    ("fields", "licence"),
    [
        ([("License-Expression", "MIT OR Apache-2.0"), ("License", "x")], "MIT OR Apache-2.0"),
        ([("Classifier", "License :: OSI Approved :: MIT License")], "MIT"),
        (
            [("Classifier", "License :: OSI Approved"), ("License", "BSD\n\nlong text")],
            "BSD-3-Clause",
        ),
        ([], "unknown"),
    ],
)
def test_licences_are_read_from_any_kind_of_metadata(
    fields: list[tuple[str, str]], licence: str
) -> None:
    about = Message()
    for name, value in fields:
        about[name] = value
    assert dependencies.licence_of(about) == licence


def test_the_list_of_contents_matches_the_requirements() -> None:
    """Whoever changes a requirement runs ``make sbom``."""
    listed = {
        one["name"]: one["version"]
        for one in json.loads(dependencies.SBOM.read_text())["components"]
    }
    text = (PROJECT / "requirements.txt").read_text()
    pinned = dict(
        line.partition("#")[0].strip().lower().split("==")
        for line in text.splitlines()
        if "==" in line
    )
    assert pinned.items() <= listed.items()
    assert {"pytest", "pip-audit"}.isdisjoint(listed)


def test_the_list_of_contents_is_the_same_at_every_call() -> None:
    some = (Package("b", "2", "MIT"), Package("a", "1", "ISC"))
    assert dependencies.make_sbom(some) == dependencies.make_sbom(some[::-1])


def test_an_audit_tells_holes_and_what_it_could_not_ask(capsys: pytest.CaptureFixture[str]) -> None:
    hole = {"id": "PYSEC-1", "fix_versions": ["2"], "aliases": [], "description": ""}
    checked: list[dict[str, Any]] = [
        {"name": "a", "version": "1", "vulns": []},
        {"name": "b", "version": "1", "vulns": [hole]},
        {"name": "c", "skip_reason": "Dependency not found on PyPI: c (1)"},
    ]
    assert dependencies.judge(checked) == 1
    said = capsys.readouterr().out
    assert "b 1: PYSEC-1" in said
    assert "SKIPPED for 1 of 3" in said
    assert "2 packages checked" in said
    assert dependencies.judge(checked[:1]) == 0


def test_without_a_network_an_audit_says_that_nothing_was_checked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # nobody listens there
    assert dependencies.audit((Package("typer", "0.29.2", "MIT"),)) == 0
    assert "SKIPPED" in capsys.readouterr().out
