"""Measure the face detectors on real media and the crop on FER2013, for docs/detectors.md.

Usage: python -m tools.measure_detectors MEDIA_FOLDER FER2013_ZIP
"""

from __future__ import annotations

import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import av
import cv2
import numpy as np

from fer.errors import DetectorError
from fer.faces import HaarDetector, YuNetDetector, find_yunet
from fer.images import CROP_RISE, CROP_SIZE, crop_face
from fer.media.photo_formats import decode_image
from fer.types import FACE_SIZE, Detector, Image

FRAME_STEP: Final = 20  # every 20th frame of a video is enough to see every scene
CROPS: Final = 300
PHOTO: Final = (480, 640)  # height and width of the made photos


def sample(path: Path) -> list[Image]:
    """Read a photo, or every 20th frame of a video, as RGB."""
    if path.suffix in {".jpg", ".png"}:
        return [decode_image(path.read_bytes())]
    with av.open(path) as video:
        frames = enumerate(video.decode(video=0))
        chosen = (frame for i, frame in frames if i % FRAME_STEP == 0)
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in chosen]


def count_faces(folder: Path, detectors: dict[str, Detector]) -> Iterator[str]:
    """Yield a table of faces found, by file and detector, and the time per picture."""
    seconds = dict.fromkeys(detectors, 0.0)
    pictures = 0
    yield f"| file | pictures | {' | '.join(detectors)} |"
    yield "| --- |" + " ---: |" * (1 + len(detectors))
    for path in sorted(p for p in folder.iterdir() if p.suffix in {".jpg", ".png", ".mp4", ".mov"}):
        images = sample(path)
        pictures += len(images)
        counts = []
        for name, detector in detectors.items():
            start = time.perf_counter()
            counts.append(sum(len(detector.detect(image)) for image in images))
            seconds[name] += time.perf_counter() - start
        yield f"| {path.name} | {len(images)} | {' | '.join(map(str, counts))} |"
    times = (f"{1000 * s / pictures:.0f}" for s in seconds.values())
    yield f"| ms per picture | {pictures} | {' | '.join(times)} |"


def align_crops(archive: Path, detectors: dict[str, Detector]) -> Iterator[str]:
    """Yield a table of how far crops lie from FER2013's own, for training faces set in photos.

    A FER2013 face is enlarged to 96 to 200 pixels and set into a grey photo; what is cropped
    around the detector's box should be the face as it was.
    """
    with zipfile.ZipFile(archive) as source:
        names = sorted(n for n in source.namelist() if "Training_" in n)
        chosen = np.random.default_rng(0).permutation(len(names))[:CROPS]
        faces = [decode_image(source.read(names[i])) for i in chosen]
    yield "| detector | found | right | down | size | correlation |"
    yield "| --- |" + " ---: |" * 5
    for name, detector in detectors.items():
        rows = [row for i, face in enumerate(faces) if (row := _align(face, detector, seed=i))]
        right, down, size, correlation = np.median(rows, axis=0)
        yield (
            f"| {name} | {len(rows) / len(faces):.0%} | {right:+.1f} px | {down:+.1f} px "
            f"| {size:.2f} | {correlation:.2f} |"
        )


def _align(face: Image, detector: Detector, seed: int) -> tuple[float, ...] | None:
    """Return offset right and down in pixels of 48, relative size, and correlation."""
    rng = np.random.default_rng(seed)
    side = int(rng.integers(96, 201))
    top, left = (int(rng.integers(0, limit - side)) for limit in PHOTO)
    photo = np.full((*PHOTO, 3), 128, np.uint8)
    photo[top : top + side, left : left + side] = cv2.resize(
        face, (side, side), interpolation=cv2.INTER_CUBIC
    )
    found = detector.detect(photo)
    if not found:
        return None
    x0, y0, x1, y1 = found[0].box
    height = y1 - y0
    right = (x0 + x1 - side) / 2 - left
    down = (y0 + y1 - side) / 2 - CROP_RISE * height - top
    crop = crop_face(photo, found[0].box, found[0].landmarks)
    correlation = float(np.corrcoef(crop.ravel(), face[..., 0].ravel())[0, 1])
    return right / side * FACE_SIZE, down / side * FACE_SIZE, CROP_SIZE * height / side, correlation


def main(folder: Path, archive: Path) -> None:
    """Print both tables in Markdown."""
    yunet = find_yunet()
    if yunet is None:
        raise DetectorError("YuNet's file is missing: name it in FER_YUNET_MODEL.")
    detectors: dict[str, Detector] = {
        f"YuNet {side}": YuNetDetector(yunet, side=side) for side in (320, 480, 640, 960)
    }
    detectors["Haar"] = HaarDetector()
    for line in count_faces(folder, detectors):
        sys.stdout.write(line + "\n")
    standard = {"YuNet": detectors["YuNet 480"], "Haar": detectors["Haar"]}
    for line in align_crops(archive, standard):
        sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
