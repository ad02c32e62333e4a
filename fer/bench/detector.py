"""Benchmark: the detector's time against the faces that it finds, by the side that it searches."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from fer.bench.pictures import frames, pictures
from fer.bench.record import Plan, Section, Table
from fer.bench.timing import in_turns
from fer.errors import DetectorError
from fer.faces import YUNET_SIDE, YuNetDetector, create_detector, find_yunet
from fer.fer2013.dataset import load_dataset
from fer.tracking import overlap
from fer.types import Detector, Face, Image

_SIDES: Final = (160, 240, 320, 400, 480, 560, 640)
_HEIGHTS: Final = (24, 32, 48, 64, 96, 160, 320)  # of a face in a picture of 640x480, in pixels
_STEPS: Final = (1, 2, 3, 5, 8, 15)
_CLIPS: Final = ("pyfeat_single_face.mp4", "fr_short_hamilton_clip.mp4")

#: A box this near the truth found the face.
_FOUND: Final = 0.4


_NOTES: Final = (
    "Times and the two columns after them: the photographs and frames of fer/bench/pictures.py.",
    "px: share found of FER2013 test faces of that height, set into a frame of 640x480.",
    "bare: share found of such faces that are the whole picture.",
    "Boxes between searched frames lie between those of their neighbours, as with videos.",
    "kept: share of the boxes that a search of every frame finds, half overlapping.",
)


def detector(plan: Plan) -> Section:
    """Measure time and recall by side, by the size of faces, and for every n-th frame.

    Raises:
        DetectorError: if YuNet's file is missing.
    """
    model = find_yunet()
    if model is None:
        raise DetectorError("YuNet's file is missing: python -m fer detector fetches it.")
    detectors = {side: YuNetDetector(model, side=side) for side in _SIDES}
    faces = load_dataset().split("test").images[:: 1000 if plan.quick else 60]
    background = frames(plan.media / "pyfeat_no_face.mp4", 95)[0]
    recall = {
        side: [_recall(each, faces, background, height) for height in _HEIGHTS]
        for side, each in detectors.items()
    }
    bare = {side: _bare(each, faces) for side, each in detectors.items()}
    shown = pictures(plan.media)
    times = in_turns(
        {str(side): partial(_search_all, each, shown) for side, each in detectors.items()},
        1 if plan.quick else 8,
        per=len(shown),
    )
    rows = []
    for side, each in detectors.items():
        counts = [(len(each.detect(picture)), true) for _, picture, true in shown]
        right = sum(min(count, true) for count, true in counts)
        wrong = sum(max(count - true, 0) for count, true in counts)
        taken = times[str(side)]
        rows.append((side, taken.ms, taken.processor_ms, right, wrong, *recall[side], bare[side]))
    sizes = tuple(f"{height} px" for height in _HEIGHTS)
    columns = ("side", "ms, wall", "ms, processor", "of 11 faces", "false", *sizes, "bare 48x48")
    now = create_detector()
    return Section(
        tables=(
            Table("By the longer side of the copy that is searched", columns, tuple(rows)),
            _every_nth(plan, now),
        ),
        figures={
            "ms_per_frame": times[str(YUNET_SIDE)].processor_ms,
            "bare_found": _bare(now, faces),
        },
        notes=(*_NOTES, f"The app finds {_bare(now, faces):.3f} of the bare faces."),
    )


def _search_all(each: Detector, shown: list[tuple[str, Image, int]]) -> None:
    for _, picture, _ in shown:
        each.detect(picture)


def _recall(each: Detector, faces: Image, background: Image, height: int) -> float:
    """Share found of faces of that height in 640x480."""
    frame = cv2.resize(background, (640, 480), interpolation=cv2.INTER_AREA)
    random = np.random.default_rng(0)
    hits = 0
    for face in faces:
        large = cv2.resize(face, (height, height), interpolation=cv2.INTER_CUBIC)
        x, y = int(random.integers(0, 640 - height)), int(random.integers(0, 480 - height))
        picture = frame.copy()
        picture[y : y + height, x : x + height] = large[..., np.newaxis]
        # FER2013's square is as high as YuNet's box and about 0.8 as wide (docs/detectors.md).
        truth = (x + 0.1 * height, y, x + 0.9 * height, y + height)
        boxes = _boxes(each.detect(picture.astype(np.uint8)))
        hits += bool(len(boxes) and overlap(boxes, np.array([truth])).max() >= _FOUND)
    return hits / len(faces)


def _bare(each: Detector, faces: Image) -> float:
    """Share found of faces that fill the whole picture."""
    found = [len(each.detect(np.repeat(face[..., np.newaxis], 3, axis=2))) > 0 for face in faces]
    return float(np.mean(found))


def _every_nth(plan: Plan, each: Detector) -> Table:
    rows = []
    for name in _CLIPS:
        searched = [each.detect(frame) for frame in _clip(plan.media / name, plan)]
        for step in _STEPS:
            found = [_between(searched, index, step) for index in range(len(searched))]
            hits = total = extra = 0
            for truth, boxes in zip(searched, found, strict=True):
                total += len(truth)
                if len(truth) and len(boxes):
                    hits += int((overlap(_boxes(truth), boxes).max(axis=1) >= 0.5).sum())
                extra += max(len(boxes) - len(truth), 0)
            rows.append((name, step, 1 / step, hits / max(total, 1), extra / max(total, 1)))
    columns = ("clip", "every n-th frame", "searches", "boxes kept", "boxes too many")
    return Table("Searching every n-th frame, with boxes drawn between", columns, tuple(rows))


def _clip(path: Path, plan: Plan) -> list[Image]:
    return frames(path, 1)[: 20 if plan.quick else None]


def _between(searched: list[tuple[Face, ...]], index: int, step: int) -> NDArray[np.float64]:
    """Boxes (N, 4) of a frame, from the searched frames before and after it."""
    first = index - index % step
    last = min(first + step, len(searched) - 1)
    before, after = _boxes(searched[first]), _boxes(searched[last])
    if first == index or not len(before) or not len(after):
        return before
    shared = overlap(before, after)
    share = (index - first) / (last - first)
    partner = shared.argmax(axis=1)
    moved = before + share * (after[partner] - before)
    return np.where((shared.max(axis=1) > 0.25)[:, np.newaxis], moved, before)


def _boxes(faces: tuple[Face, ...]) -> NDArray[np.float64]:
    return np.array([face.box for face in faces], float).reshape(-1, 4)
