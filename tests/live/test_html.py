from __future__ import annotations

from xml.etree import ElementTree as ET

from fer.live import html as live_html
from fer.live.recording import Stretch
from fer.types import COLORS, EMOTIONS
from tests.fakes import prediction


def parse(html: str) -> ET.Element:
    """The HTML is well-formed."""
    return ET.fromstring(f"<div>{html}</div>")  # noqa: S314 of our own making


def words(html: str) -> str:
    parsed = parse(html)
    if (style := parsed.find("style")) is not None:
        parsed.remove(style)
    return " ".join(" ".join(parsed.itertext()).split())


def test_a_card_has_seven_bars_with_their_figures() -> None:
    html = live_html.cards([prediction(track=3, happy=0.7)], {3: "happy"})
    assert words(html).startswith("#3 looks happy (70%)")
    assert all(f"<span>{name}</span>" in html for name in EMOTIONS)
    assert f"width:70%;background:{COLORS['happy']}" in html


def test_people_keep_their_order_and_a_crowd_gets_lines() -> None:
    crowd = [prediction(track=track) for track in (6, 2, 5, 1, 4, 3)]
    html = live_html.cards(crowd, {})
    text = words(html)
    assert [text.index(f"#{n}") for n in range(1, 7)] == sorted(
        text.index(f"#{n}") for n in range(1, 7)
    )
    assert len(parse(html).findall(".//article")) == live_html.MOST_CARDS


def test_a_label_stands_whatever_is_most_probable_just_now() -> None:
    person = prediction(track=1, happy=0.5, sad=0.4)
    assert "#1 looks sad (40%)" in words(live_html.cards([person], {1: "sad"}))


def test_doubt_is_said() -> None:
    person = prediction(track=1, happy=0.35)
    assert "unsure most like happy (35%)" in words(live_html.cards([person], {1: "unsure"}))
    assert "unsure : turned away" in words(live_html.cards([person], {1: "turned away"}))


def test_the_timeline_ends_now() -> None:
    stretches = [Stretch(1, 40.0, 70.0, "happy"), Stretch(1, 70.0, 100.0, None)]
    html = live_html.timeline(100.0, stretches, 60.0)
    assert f"left:0.00%;width:50.00%;background:{COLORS['happy']}" in html
    assert "left:50.00%;width:50.00%" in html
    assert words(html) == "#1 60 s ago now happy unclear"


def test_only_so_many_lines_are_shown_the_latest() -> None:
    stretches = [Stretch(n, float(n), n + 1.0, "sad") for n in range(1, 12)]
    text = words(live_html.timeline(20.0, stretches, 60.0))
    assert text.startswith("#6 #7 #8 #9 #10 #11 ")
