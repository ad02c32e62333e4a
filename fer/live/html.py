"""Cards and a rolling timeline as HTML: they change several times a second, for every viewer.

A chart would be drawn anew by the server and by the browser each time; this is text and boxes.
Every figure stands there as text too, so that nothing is told by colour alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

from fer.annotate import UNSURE
from fer.live.recording import Stretch
from fer.types import COLORS, EMOTIONS, FacePrediction

#: At most so many people get seven bars each, the others a line.
MOST_CARDS: Final = 4

#: At most so many lines in the timeline: those that were seen last.
MOST_LINES: Final = 6

_STYLE: Final = """
<style>
.fer-cards {display:grid; grid-template-columns:repeat(auto-fit,minmax(13rem,1fr)); gap:.75rem}
.fer-card {border:1px solid color-mix(in srgb,currentColor 18%,transparent);
  border-radius:.5rem; padding:.6rem .8rem}
.fer-card header {display:flex; gap:.5rem; align-items:baseline; margin-bottom:.35rem;
  flex-wrap:wrap}
.fer-card header b {font-size:1.05rem}
.fer-row {display:grid; grid-template-columns:4.4rem 1fr 2.6rem; gap:.5rem; align-items:center;
  font-size:.85rem; line-height:1.45}
.fer-row span:last-child {text-align:right; font-variant-numeric:tabular-nums}
.fer-bar {height:.6rem; border-radius:.3rem; overflow:hidden;
  background:color-mix(in srgb,currentColor 12%,transparent)}
.fer-bar i {display:block; height:100%; border-radius:.3rem}
.fer-quiet {opacity:.75; font-size:.85rem}
.fer-lines {display:grid; grid-template-columns:max-content 1fr; gap:.3rem .6rem;
  align-items:center; font-size:.85rem}
.fer-line {position:relative; height:.9rem; border-radius:.25rem; overflow:hidden;
  background:color-mix(in srgb,currentColor 8%,transparent)}
.fer-line i {position:absolute; top:0; bottom:0}
.fer-axis {display:flex; justify-content:space-between}
.fer-key {display:flex; flex-wrap:wrap; gap:.15rem .8rem; font-size:.8rem; margin-top:.4rem}
.fer-key i {display:inline-block; width:.7rem; height:.7rem; border-radius:.2rem;
  margin-right:.3rem}
</style>
"""

_UNCLEAR: Final = "color-mix(in srgb,currentColor 25%,transparent)"


def cards(people: Sequence[FacePrediction], labels: Mapping[int, str]) -> str:
    """One card per person with seven bars, in the order of their numbers.

    Args:
        people: with tracks.
        labels: by track, what each is labelled.
    """
    ordered = sorted(people, key=lambda person: person.face.track or 0)
    shown = "".join(_card(person, labels) for person in ordered[:MOST_CARDS])
    rest = "".join(f"<div>{_heading(person, labels)}</div>" for person in ordered[MOST_CARDS:])
    return f"{_STYLE}<div class='fer-cards'>{shown}</div>{rest}"


def timeline(now_s: float, stretches: Sequence[Stretch], seconds: float) -> str:
    """The last seconds: a line per person, coloured by what each was labelled.

    Args:
        now_s: the right end, on the stream's clock.
        stretches: what was seen.
        seconds: length of a line.
    """
    latest: dict[int, float] = {}
    for stretch in stretches:
        latest[stretch.track] = max(latest.get(stretch.track, 0.0), stretch.end_s)
    tracks = sorted(sorted(latest, key=lambda track: (-latest[track], -track))[:MOST_LINES])
    lines = "".join(
        f"<span>#{track}</span><div class='fer-line'>{_boxes(stretches, track, now_s, seconds)}"
        "</div>"
        for track in tracks
    )
    used = [e for e in EMOTIONS if any(s.expression == e for s in stretches)]
    keys = "".join(f"<span><i style='background:{COLORS[e]}'></i>{e}</span>" for e in used)
    keys += f"<span><i style='background:{_UNCLEAR}'></i>unclear</span>"
    axis = f"<span></span><div class='fer-axis fer-quiet'><span>{seconds:.0f} s ago</span>"
    axis += "<span>now</span></div>"
    return f"{_STYLE}<div class='fer-lines'>{lines}{axis}</div><div class='fer-key'>{keys}</div>"


def _boxes(stretches: Sequence[Stretch], track: int, now_s: float, seconds: float) -> str:
    boxes = []
    for stretch in stretches:
        if stretch.track != track:
            continue
        begin, end = (
            min(max(1 - (now_s - time_s) / seconds, 0.0), 1.0)
            for time_s in (stretch.start_s, stretch.end_s)
        )
        color = COLORS[stretch.expression] if stretch.expression else _UNCLEAR
        name = stretch.expression or "unclear"
        boxes.append(
            f"<i style='left:{begin:.2%};width:{end - begin:.2%};background:{color}' "
            f"title='{name}'></i>"
        )
    return "".join(boxes)


def _card(person: FacePrediction, labels: Mapping[int, str]) -> str:
    rows = "".join(
        f"<div class='fer-row'><span>{name}</span><div class='fer-bar'>"
        f"<i style='width:{share:.0%};background:{COLORS[name]}'></i></div>"
        f"<span>{share:.0%}</span></div>"
        for name, share in zip(EMOTIONS, person.probabilities.tolist(), strict=True)
    )
    return f"<article class='fer-card'><header>{_heading(person, labels)}</header>{rows}</article>"


def _heading(person: FacePrediction, labels: Mapping[int, str]) -> str:
    """``#1 looks happy (62%)``, or what keeps it from being said."""
    track = person.face.track or 0
    label = labels.get(track, person.label)
    if label in EMOTIONS:
        share = float(person.probabilities[EMOTIONS.index(label)])
        return f"<span>#{track}</span> looks <b>{label}</b> ({share:.0%})"
    likely = f"most like {person.label} ({person.confidence:.0%})"
    words = f"<b>{UNSURE}</b>" if label == UNSURE else f"<b>{UNSURE}</b>: {escape(label)}"
    return f"<span>#{track}</span> {words} <span class='fer-quiet'>{likely}</span>"
