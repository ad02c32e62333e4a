from __future__ import annotations

import numpy as np
import pytest

from fer.pipeline import Analyzer
from fer.quality import SMALL_FACE
from tests.fakes import FakeClassifier, FakeDetector

IMAGE = np.zeros((120, 160, 3), np.uint8)


def test_all_faces_of_a_frame_are_one_batch() -> None:
    classifier = FakeClassifier("sad", 0.6)
    boxes = ((0, 0, 50, 50), (60, 10, 120, 80))
    result = Analyzer(FakeDetector(boxes), classifier).analyze(IMAGE, index=3, time_s=0.5)
    assert classifier.batches == [2]
    assert (result.index, result.time_s, result.width, result.height) == (3, 0.5, 160, 120)
    assert [p.face.box for p in result.predictions] == list(boxes)
    assert {p.label for p in result.predictions} == {"sad"}


def test_no_face_is_an_empty_result_and_asks_no_classifier() -> None:
    classifier = FakeClassifier()
    result = Analyzer(FakeDetector(()), classifier).analyze(IMAGE)
    assert result.predictions == ()
    assert classifier.batches == []


def test_a_small_face_is_marked_by_its_shorter_side() -> None:
    boxes = ((0, 0, SMALL_FACE - 1, 60), (60, 0, 60 + SMALL_FACE, 60))
    result = Analyzer(FakeDetector(boxes), FakeClassifier()).analyze(IMAGE)
    assert [p.quality for p in result.predictions] == [("small",), ()]


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((10, 10), np.uint8),
        np.zeros((10, 10, 4), np.uint8),
        np.zeros((10, 10, 3), np.float32),
    ],
)
def test_only_rgb_bytes_are_images(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match="RGB uint8"):
        Analyzer(FakeDetector(), FakeClassifier()).analyze(image)
