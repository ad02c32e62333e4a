from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from fer import operator
from fer.errors import OperatorError
from fer.operator import Features, Limits, Operator, load_operator

EXAMPLE = operator.DEFAULT_FILE.with_name("operator.example.toml")

Write = Callable[[str], None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write the operator's file."""
    path = tmp_path / "mine.toml"
    monkeypatch.setenv("FER_OPERATOR", str(path))

    def write(text: str) -> None:
        path.write_text(text, encoding="utf-8")

    return write


def test_without_a_file_everything_is_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("FER_OPERATOR", raising=False)
    monkeypatch.setattr(operator, "DEFAULT_FILE", tmp_path / "operator.toml")
    assert load_operator() == Operator()
    assert all(load_operator().offers(page) for page in ("home", "live", "video", "photo"))


def test_the_file_beside_the_app_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("FER_OPERATOR", raising=False)
    monkeypatch.setattr(operator, "DEFAULT_FILE", tmp_path / "operator.toml")
    (tmp_path / "operator.toml").write_text("retention_minutes = 5", encoding="utf-8")
    assert load_operator() == Operator(retention_minutes=5)


def test_what_it_does_not_mention_stays_as_it_was(write: Write) -> None:
    write("notice = 'Run by *us*.'\n[features]\nlive = false\n[limits]\nphotos = 3")
    found = load_operator()
    assert found == Operator("Run by *us*.", 0, Features(live=False), Limits(photos=3))


def test_the_example_says_what_holds_without_a_file(write: Write) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    write(text)
    assert load_operator() == Operator()
    named = tomllib.loads(text)
    assert set(named) == set(vars(Operator()))
    assert set(named["features"]) == set(vars(Features()))
    assert set(named["limits"]) == set(vars(Limits()))


@pytest.mark.parametrize(
    ("feature", "pages"),
    [("live", ["live"]), ("upload", ["video"]), ("photo", ["photo"]), ("download", [])],
)
def test_a_feature_takes_its_pages_along(write: Write, feature: str, pages: list[str]) -> None:
    write(f"[features]\n{feature} = false")
    every = ("home", "live", "video", "photo", "model", "responsible_use")
    assert [page for page in every if not load_operator().offers(page)] == pages


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[features]\nlive = ", "cannot be read"),
        ("[features]\ndonwload = false", "donwload in features, which means nothing"),
        ("[feature]\nlive = false", "feature in the file, which means nothing"),
        ("[features]\nlive = 'no'", "live must be true or false, not 'no'"),
        ("features = 1", "features must be a table"),
        ("notice = 1", "notice must be a text in quotes"),
        ("retention_minutes = true", "retention_minutes must be a whole number"),
        ("retention_minutes = -1", "retention_minutes must be at least 0"),
        ("[limits]\nphotos = 0", "photos must be at least 1"),
        ("[limits]\nupload_mb = 1.5", "upload_mb must be a whole number"),
    ],
)
def test_a_mistake_is_told(write: Write, text: str, words: str) -> None:
    write(text)
    with pytest.raises(OperatorError, match=words):
        load_operator()


@pytest.mark.usefixtures("write")
def test_a_named_file_that_is_missing_is_told() -> None:
    with pytest.raises(OperatorError, match=r"mine\.toml cannot be read"):
        load_operator()
