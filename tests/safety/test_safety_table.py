"""The table of dangers and attacks: every row names tests, and every test is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from fer.paths import PROJECT

TEXT = (PROJECT / "docs" / "safety.md").read_text(encoding="utf-8")

ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT.splitlines()
    if line.startswith("| ") and not line.startswith(("| ---", "| danger", "| attack"))
]


def functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_every_row_names_tests_that_exist(row: list[str]) -> None:
    about, behaviour, named, result = row
    assert about
    assert behaviour
    assert result.startswith("holds")
    tests = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", named)
    assert tests
    for path, name in tests:
        assert name in functions(PROJECT / path), f"{path} has no {name}"


def test_the_six_dangers_have_a_row_each() -> None:
    page = (PROJECT / "pages/responsible_sections/dangers.py").read_text(encoding="utf-8")
    names = re.findall(r'Danger\(\n\s+"\w+",\n\s+"([^"]+)"', page)
    assert len(names) == 6
    assert {row[0] for row in ROWS} >= set(names)


def test_no_figure_is_still_to_be_filled_in() -> None:
    assert "@" not in TEXT
    assert "(docs/safety.md)" in (PROJECT / "SECURITY.md").read_text(encoding="utf-8")
