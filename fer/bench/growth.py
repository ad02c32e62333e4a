"""Benchmark: how costs grow with faces, with resolution and with a video's length."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import partial
from typing import Final

import altair as alt
import cv2
import numpy as np
import pandas as pd

from fer.bench.record import Plan, Section, Table
from fer.bench.stages import fit, source
from fer.bench.timing import in_turns, line
from fer.charts.style import BLUE, GREY
from fer.classifier import FacialExpressionModel
from fer.faces import create_detector
from fer.media.video_writer import VideoWriter
from fer.pipeline import Analyzer
from fer.types import Image
from fer.video.analysis import analyze_video

_PICTURE: Final = "growth.svg"
_FACES: Final = (0, 1, 2, 4, 8, 16)
_WIDTHS: Final = (320, 640, 960, 1280, 1920, 2560, 3840)
_SECONDS: Final = (1, 2, 4, 8)
_FPS: Final = 25

Points = list[tuple[float, float]]


def growth(plan: Plan) -> Section:
    """Measure each growth at several sizes, fit a line, and draw both.

    Raises:
        MediaError: if there is no real media.
    """
    picture = source(plan.media, 1)
    analyzer = Analyzer(create_detector(), FacialExpressionModel.load())
    measured = {
        "faces in a frame of 1280x720": ("face", _by_faces(analyzer, picture, plan)),
        "megapixels of a frame with one face": ("megapixel", _by_size(analyzer, picture, plan)),
        "seconds of video at 640x360": ("second", _by_length(picture, plan)),
    }
    rows = []
    figures: dict[str, float] = {}
    for label, (unit, points) in measured.items():
        x, y = np.array(points).T
        start, slope = line(x, y)
        rest = float(np.abs(y - start - slope * x).max())
        rows.append((label, start, slope, rest))
        figures |= {f"ms_start_{unit}": start, f"ms_per_{unit}": slope}
    table = Table(
        "Milliseconds of processor time = start + slope times what grows",
        ("what grows", "start", "slope", "farthest point from the line"),
        tuple(rows),
    )
    return Section(
        tables=(table,),
        figures=figures,
        notes=(
            "faces: cut out, level, read; resolution: the whole frame; length: a whole analysis.",
            "How costs grow with viewers has a section of its own.",
        ),
        pictures=(_draw(plan, {label: points for label, (_, points) in measured.items()}),),
    )


def _by_faces(analyzer: Analyzer, picture: Image, plan: Plan) -> Points:
    frame = fit(picture, 1280, 720)
    face = analyzer.detector.detect(frame)[0]
    work = {float(n): partial(analyzer.read, frame, (face,) * n) for n in _FACES}
    return _points(work, 2 if plan.quick else 30)


def _by_size(analyzer: Analyzer, picture: Image, plan: Plan) -> Points:
    widths = _WIDTHS[:3] if plan.quick else _WIDTHS
    sizes = [(width, width * 9 // 16) for width in widths]
    work = {
        width * height / 1e6: partial(analyzer.analyze, fit(picture, width, height))
        for width, height in sizes
    }
    return _points(work, 2 if plan.quick else 20)


def _by_length(picture: Image, plan: Plan) -> Points:
    lengths = _SECONDS[:2] if plan.quick else _SECONDS
    model = FacialExpressionModel.load()
    frame = cv2.resize(picture, (640, 360), interpolation=cv2.INTER_AREA)
    work = {}
    for seconds in lengths:
        clip = io.BytesIO()
        with VideoWriter(clip, Fraction(1, _FPS), _FPS) as writer:
            for pts in range(seconds * _FPS):
                moved = np.roll(frame, round(6 * np.sin(pts / 4)), axis=1)
                writer.write(moved.astype(np.uint8), pts)
        work[float(seconds)] = partial(_analyze, model, clip.getvalue())
    return _points(work, 1 if plan.quick else 3)


def _analyze(model: FacialExpressionModel, clip: bytes) -> None:
    analyzer = Analyzer(create_detector(), model)
    analyze_video(io.BytesIO(clip), analyzer, name="clip", annotated=io.BytesIO())


def _points(work: Mapping[float, Callable[[], object]], rounds: int) -> Points:
    times = in_turns({str(x): function for x, function in work.items()}, rounds)
    return [(float(x), taken.processor_ms) for x, taken in times.items()]


def _draw(plan: Plan, measured: dict[str, Points]) -> str:
    charts = []
    for label, points in measured.items():
        table = pd.DataFrame(points, columns=["x", "ms"])
        base = alt.Chart(table, width=240, height=180).encode(
            alt.X("x:Q", title=label), alt.Y("ms:Q", title="ms of processor time")
        )
        fitted = base.transform_regression("x", "ms").mark_line(color=GREY)
        charts.append(fitted + base.mark_point(color=BLUE, filled=True, size=60))
    alt.hconcat(*charts).configure(background="white").save(str(plan.output / _PICTURE))
    return _PICTURE
