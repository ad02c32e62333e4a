"""Benchmark: from frame to result, stage by stage."""

from __future__ import annotations

import io
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from fer.annotate import draw
from fer.bench.pictures import frames
from fer.bench.record import Plan, Section, Table
from fer.bench.timing import Times, in_turns
from fer.classifier import FacialExpressionModel
from fer.faces import create_detector
from fer.media.photo_formats import decode_image
from fer.media.video_reader import read_frames
from fer.media.video_writer import VideoWriter
from fer.pipeline import Analyzer
from fer.tracking import Tracker
from fer.types import FrameResult, Image

_SIZES: Final = ((640, 480), (1920, 1080))
_FACES: Final = (0, 1, 5)
_STAGES: Final = ("decode", "detect", "classify", "track", "draw", "encode")


def stages(plan: Plan) -> Section:
    """Time every stage at two sizes, with no face, one and five.

    Raises:
        MediaError: if there is no real media.
    """
    count, rounds = (4, 1) if plan.quick else (16, 3)
    rows = []
    figures: dict[str, float] = {}
    for width, height in _SIZES:
        for faces in _FACES:
            picture = fit(source(plan.media, faces), width, height)
            found, times = _measure(picture, count, rounds)
            spent = [times[stage].processor_ms for stage in _STAGES]
            label = f"{width}x{height}"
            rows.append((label, faces, found, *spent, sum(spent)))
            figures[f"frame_ms_{width}_{faces}"] = sum(spent)
    columns = ("frame", "faces", "found", *_STAGES, "together")
    return Section(
        tables=(Table("Milliseconds of processor time per frame", columns, tuple(rows)),),
        figures=figures,
        notes=("classify: cut out, level, and read all faces of the frame.",),
    )


def source(media: Path, faces: int) -> Image:
    """A real picture with 0, 1 or 5 faces."""
    if faces == 0:
        return frames(media / "pyfeat_no_face.mp4", 95)[0]
    name = "pyfeat_single_face.jpg" if faces == 1 else "pyfeat_multi_face.jpg"
    return decode_image((media / name).read_bytes())


def fit(picture: Image, width: int, height: int) -> Image:
    """Fit a picture into a frame, with grey beside it."""
    scale = min(width / picture.shape[1], height / picture.shape[0])
    size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    framed = np.full((height, width, 3), 128, np.uint8)
    framed[: size[1], : size[0]] = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return framed


def _measure(picture: Image, count: int, rounds: int) -> tuple[int, dict[str, Times]]:
    """Time each stage on a clip in which the picture sways; returns the faces found too."""
    images = [np.roll(picture, round(6 * np.sin(i)), axis=1) for i in range(count)]
    analyzer = Analyzer(create_detector(), FacialExpressionModel.load())
    clip = _encode(images)
    found = [analyzer.detector.detect(image) for image in images]
    results = [analyzer.analyze(image, i, i / 25) for i, image in enumerate(images)]
    tracked = _track(results)
    work: dict[str, Callable[[], object]] = {
        "decode": lambda: [None for _ in read_frames(io.BytesIO(clip))],
        "detect": lambda: [analyzer.detector.detect(image) for image in images],
        "classify": lambda: [
            analyzer.read(image, faces) for image, faces in zip(images, found, strict=True)
        ],
        "track": lambda: _track(results),
        "draw": lambda: [draw(image, each) for image, each in zip(images, tracked, strict=True)],
        "encode": lambda: _encode(images),
    }
    return len(found[0]), in_turns(work, rounds, per=count)


def _track(results: list[FrameResult]) -> list[FrameResult]:
    tracker = Tracker()
    return [tracker.update(result) for result in results]


def _encode(images: list[Image]) -> bytes:
    target = io.BytesIO()
    with VideoWriter(target, Fraction(1, 25), 25) as writer:
        for pts, image in enumerate(images):
            writer.write(image, pts)
    return target.getvalue()
