"""Does it help to level the eyes of a leaning head? Faces of FER2013, turned, found and read.

Takes faces of the validation slice, which no run with that protocol was trained on, turns them
in a larger picture, finds them with YuNet, and reads them from crops with and without landmarks.

    python -m tools.measure_leaning [RUN]
"""

from __future__ import annotations

import sys

import cv2
import numpy as np
from tqdm import tqdm

from fer.classifier import FacialExpressionModel
from fer.faces import YuNetDetector, find_yunet
from fer.fer2013.dataset import load_dataset
from fer.fer2013.duplicates import validation_slice
from fer.images import crop_face
from fer.types import Image

ANGLES = (0, 10, 20, 30, 40)
EVERY = 3  # face of the slice
SIDE = 192  # of a face in its picture, pixels


def leaning(face: Image, degrees: float) -> Image:
    """Put a grey face (48, 48) into a picture twice its size, turned: (384, 384, 3)."""
    large = cv2.resize(face, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    border = SIDE // 2
    framed = cv2.copyMakeBorder(large, border, border, border, border, cv2.BORDER_REPLICATE)
    matrix = cv2.getRotationMatrix2D((SIDE, SIDE), degrees, 1.0)
    turned = cv2.warpAffine(framed, matrix, (2 * SIDE, 2 * SIDE), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.cvtColor(turned, cv2.COLOR_GRAY2RGB))


def main() -> None:
    """Print the table."""
    model = FacialExpressionModel.load(sys.argv[1] if len(sys.argv) > 1 else None)
    path = find_yunet()
    if path is None:
        sys.exit("YuNet is needed: without it there are no landmarks.")
    detector = YuNetDetector(path)
    train = load_dataset().split("train")
    held_out = np.flatnonzero(validation_slice(train))[::EVERY]
    random = np.random.default_rng(0)
    sys.stdout.write(
        "| turned | found | upright crop | eyes levelled |\n| ---: | ---: | ---: | ---: |\n"
    )
    for angle in ANGLES:
        crops, labels = [], []
        for row in tqdm(held_out, desc=f"{angle} degrees", leave=False):
            picture = leaning(train.images[row], random.choice((-1, 1)) * angle)
            found = detector.detect(picture)
            if found:
                face = found[0]
                pair = (
                    crop_face(picture, face.box),
                    crop_face(picture, face.box, face.landmarks),
                )
                crops.append(pair)
                labels.append(train.labels[row])
        right = [
            (model.predict(np.stack(way)).argmax(axis=1) == labels).mean()
            for way in zip(*crops, strict=True)
        ]
        share = len(labels) / len(held_out)
        sys.stdout.write(f"| {angle}° | {share:.0%} | {right[0]:.1%} | {right[1]:.1%} |\n")


if __name__ == "__main__":
    main()
