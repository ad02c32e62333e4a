from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd
import PIL.Image
import pytest

from fer.photo.analysis import PhotoResult, PhotoSettings
from fer.photo.bundle import (
    Entry,
    Provenance,
    distinct,
    encode_picture,
    make_tables,
    picture_names,
    write_zip,
)
from fer.pipeline import Analyzer
from fer.provenance import NOTE
from fer.types import EMOTIONS
from tests.fakes import FakeClassifier, FakeDetector, frame, prediction

PROVENANCE = Provenance("compact", "ab" * 32, "YuNet", "2026-01-02T03:04:05+00:00")
TWO = PhotoResult(
    "two.jpg",
    frame(
        prediction((10, 20, 50, 70), track=1, happy=0.62),
        prediction((90, 20, 120, 60), track=2, quality=("small",), sad=0.3),
    ),
    ("The file holds 2 pictures: only the first is read.",),
)
NOBODY = PhotoResult("nobody.png", frame())


def test_provenance_is_that_of_the_analyser() -> None:
    made = Provenance.now(Analyzer(FakeDetector(), FakeClassifier()))
    assert (made.model, made.model_hash, made.detector) == ("fake-cnn", "f" * 64, "fake detector")
    assert datetime.fromisoformat(made.created).tzinfo is not None


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a.jpg", "b.HEIC", "c.png", "d.tiff"], ["a.jpg", "b.jpg", "c.png", "d.png"]),
        (["a.jpg", "a.jpeg", "A.jpg"], ["a.jpg", "a (2).jpg", "A (3).jpg"]),
        (["../../etc/passwd", "C:\\x\\y.png"], ["passwd.jpg", "y.png"]),
        (["a\x00\n<b>=1.jpg", "...", ""], ["a___b__1.jpg", "photo.jpg", "photo (2).jpg"]),
        (["größe 1 (klein)+.jpg"], ["größe 1 (klein)+.jpg"]),
        (["x" * 300 + ".png"], ["x" * 100 + ".png"]),
    ],
)
def test_pictures_have_names_that_every_system_takes(names: list[str], expected: list[str]) -> None:
    assert picture_names(names) == expected


def test_names_that_occur_several_times_are_told_apart() -> None:
    assert distinct(["a.jpg", "a.jpg", "b", "b", "a.jpg"]) == [
        *("a.jpg", "a (2).jpg", "b", "b (2)", "a (3).jpg")
    ]


@pytest.mark.parametrize("name", ["a.jpg", "a.png"])
def test_a_picture_tells_what_made_it_and_nothing_else(name: str) -> None:
    image = np.full((40, 60, 3), 200, np.uint8)
    with PIL.Image.open(io.BytesIO(encode_picture(image, name, PROVENANCE))) as picture:
        assert picture.size == (60, 40)
        words = picture.info["comment" if name == "a.jpg" else "Comment"]
        assert not picture.getexif()
    words = words.decode() if isinstance(words, bytes) else words
    for part in (NOTE, "compact", "ab" * 32, "2026-01-02"):
        assert part in words


def test_the_tables_number_the_faces_as_the_pictures_do() -> None:
    settings = PhotoSettings(least_confidence=0.4, blurred=True)
    tables = make_tables(
        [Entry(TWO, "two.jpg", {2}), Entry(NOBODY, "nobody.png")], PROVENANCE, settings
    )
    faces = pd.read_csv(io.StringIO(tables["faces.csv"]))
    assert faces["file"].tolist() == ["two.jpg", "two.jpg", "nobody.png"]
    assert faces["face"].tolist()[:2] == faces["track"].tolist()[:2] == [1, 2]
    report = json.loads(tables["report.json"])
    assert report["note"] == NOTE
    assert (report["model"], report["model_hash"]) == ("compact", "ab" * 32)
    assert report["created"] == "2026-01-02T03:04:05+00:00"
    assert {"numpy", "pillow", "opencv-python-headless"} <= set(report["versions"])
    assert report["settings"]["least_confidence"] == 0.4
    two, nobody = report["photos"]
    assert (two["file"], two["picture"], two["not_blurred"]) == (
        "two.jpg",
        "annotated/two.jpg",
        [2],
    )
    assert two["notes"] == list(TWO.notes)
    assert [face["face"] for face in two["faces"]] == [1, 2]
    assert [face["looks"] for face in two["faces"]] == ["happy", "sad"]
    assert [face["unsure"] for face in two["faces"]] == [False, True]
    assert two["faces"][0]["box"] == [10, 20, 50, 70]
    assert set(two["faces"][0]["probabilities"]) == set(EMOTIONS)
    assert two["faces"][1]["quality"] == ["small"]
    assert nobody["faces"] == []


def test_where_nothing_is_blurred_nobody_is_left_out() -> None:
    report = json.loads(
        make_tables([Entry(TWO, "two.jpg")], PROVENANCE, PhotoSettings())["report.json"]
    )
    assert report["photos"][0]["not_blurred"] is None


def test_the_zip_holds_everything_and_is_the_same_every_time() -> None:
    tables = make_tables([Entry(TWO, "two.jpg")], PROVENANCE, PhotoSettings())
    picture = encode_picture(np.zeros((8, 8, 3), np.uint8), "two.jpg", PROVENANCE)
    once, twice = io.BytesIO(), io.BytesIO()
    for target in (once, twice):
        write_zip(target, tables, iter([("two.jpg", picture)]))
    assert once.getvalue() == twice.getvalue()
    with zipfile.ZipFile(once) as archive:
        assert archive.namelist() == ["faces.csv", "report.json", "annotated/two.jpg"]
        assert archive.read("annotated/two.jpg") == picture


def test_another_time_is_another_report() -> None:
    later = replace(PROVENANCE, created="2027-01-01T00:00:00+00:00")
    one, other = (
        make_tables([], made, PhotoSettings())["report.json"] for made in (PROVENANCE, later)
    )
    assert one != other
