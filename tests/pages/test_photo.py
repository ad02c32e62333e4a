"""The Photo page without a browser: a model and a detector that always answer the same."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import PIL.Image
import pytest
from streamlit.testing.v1 import AppTest

from fer import artifacts
from fer.faces import DetectorStatus
from fer.media import photo_formats, sample
from fer.paths import PROJECT
from fer.photo.analysis import PhotoSettings
from fer.pipeline import Analyzer
from pages.photo_sections import downloads
from tests.consent import agree
from tests.fakes import FakeClassifier, FakeDetector, fake_run

PAGE = PROJECT / "pages" / "photo.py"
FIGURES = {"images": 7178, "accuracy": 0.634, "low": 0.623, "high": 0.645, "macro_f1": 0.6}
METRICS = {"test": {"all": FIGURES, "without_twins": FIGURES}}
PORTRAIT = sample.portrait_bytes()

Upload = Callable[..., AppTest]


@pytest.fixture(autouse=True)
def served(monkeypatch: pytest.MonkeyPatch) -> None:
    """Happiness everywhere, two faces in every photo; decoding in this process, which is quick."""
    classifier = FakeClassifier("happy", 0.62)
    classifier.run = fake_run(artifacts.DEFAULT_RUN, METRICS)
    monkeypatch.setattr("fer.app.common.load_model", lambda _=None: classifier)
    monkeypatch.setattr("fer.app.common.ensure_navigation", lambda: None)
    two = ((20, 20, 60, 70), (90, 20, 120, 60))
    monkeypatch.setattr("fer.app.common.create_detector", lambda: FakeDetector(two))
    monkeypatch.setattr("fer.faces.create_detector", lambda: FakeDetector(()))
    status = DetectorStatus("YuNet", is_fallback=False, message="")
    monkeypatch.setattr("fer.app.common.detector_status", lambda: status)
    monkeypatch.setattr("fer.sandbox.restricted.decode_photo", photo_formats.decode_photo)


@pytest.fixture
def upload() -> Upload:
    """Open the page and hand it photos."""

    def run(*names: str, data: bytes = PORTRAIT) -> AppTest:
        page = agree(AppTest.from_file(str(PAGE), default_timeout=30)).run()
        page.file_uploader[0].set_value([(name, data, "image/jpeg") for name in names]).run()
        assert not page.exception
        return page

    return run


def headings(page: AppTest) -> list[str]:
    return [str(heading.value) for heading in page.subheader]


def texts(page: AppTest) -> str:
    shown = (page.markdown, page.caption, page.warning)
    return "\n".join(str(part.value) for kind in shown for part in kind)


def test_table_and_photo_number_the_faces_alike(upload: Upload) -> None:
    page = upload("a.jpg")
    table = page.dataframe[0].value
    assert table["face"].tolist() == [1, 2]
    assert table["looks"].tolist() == ["happy", "happy"]
    for number in (1, 2):
        assert f"**Face {number}** looks **happy** (62%)" in texts(page)


def test_less_sure_answers_are_called_unsure_without_reading_anew(upload: Upload) -> None:
    page = upload("a.jpg")
    read = page.session_state["photos"]
    page.slider[0].set_value(0.7).run()
    assert page.dataframe[0].value["looks"].tolist() == ["unsure, most like happy"] * 2
    assert next(iter(page.session_state["photos"].values())) is next(iter(read.values()))


def test_another_model_reads_the_photos_anew(
    upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = upload("a.jpg")
    other = FakeClassifier("sad")
    run = fake_run(artifacts.DEFAULT_RUN, METRICS)
    other.run = replace(run, files=dict.fromkeys(run.files, "0" * 64))
    monkeypatch.setattr("fer.app.common.load_model", lambda _=None: other)
    page.run()
    assert page.dataframe[0].value["looks"].tolist() == ["sad", "sad"]


def test_photos_of_one_name_are_told_apart(upload: Upload) -> None:
    page = upload("a.jpg", "a.jpg")
    assert headings(page) == ["a\\.jpg", "a \\(2\\)\\.jpg"]


def test_many_photos_are_shown_a_few_at_a_time(upload: Upload) -> None:
    page = upload(*(f"{number}.jpg" for number in range(7)))
    assert len(page.dataframe[0].value) == 14
    assert headings(page) == [f"{number}\\.jpg" for number in range(5)]
    assert len(page.get("pagination")) == 1


def test_more_photos_than_the_operator_allows_are_left_out(
    upload: Upload, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "operator.toml"
    path.write_text("[limits]\nphotos = 2\n[features]\ndownload = false", encoding="utf-8")
    monkeypatch.setenv("FER_OPERATOR", str(path))
    page = upload("a.jpg", "b.jpg", "c.jpg")
    assert headings(page) == ["a\\.jpg", "b\\.jpg"]
    assert "the first 2 are read" in texts(page)
    assert not page.get("download_button")


def test_what_is_to_be_known_of_a_file_is_told(upload: Upload) -> None:
    pictures = [PIL.Image.new("RGB", (160, 120), colour) for colour in ("red", "blue")]
    target = io.BytesIO()
    pictures[0].save(target, "GIF", save_all=True, append_images=pictures[1:])
    page = upload("a.gif", data=target.getvalue())
    assert "The file holds 2 pictures: only the first is read." in texts(page)


def test_faces_are_hidden_but_those_that_stay(upload: Upload) -> None:
    page = upload("a.jpg")
    shown = len(page.image)
    page.toggle[1].set_value(True).run()
    assert not page.exception
    assert page.multiselect[0].options == ["face 1", "face 2"]
    assert len(page.image) == shown - 2  # the crops, as the model sees them, are gone too
    page.multiselect[0].set_value([2]).run()
    assert len(page.image) == shown - 1
    (photo,) = page.session_state["photos"].values()
    assert page.session_state["visible faces"] == {photo.upload.file_id: (2,)}


def test_the_zip_is_made_of_all_photos_in_full_size(
    upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = upload("a.jpg", "b.png")
    handed: dict[str, Any] = {}

    def take(_: str, data: Callable[[], bytes], file_name: str, *__: str, **___: object) -> None:
        handed[file_name] = data()

    monkeypatch.setattr(downloads, "offer_download", take)
    monkeypatch.setattr(downloads, "create_detector", lambda: FakeDetector(()))
    photos = list(page.session_state["photos"].values())
    downloads.offer_bundle(photos, PhotoSettings(), Analyzer(FakeDetector(), FakeClassifier()))
    with zipfile.ZipFile(io.BytesIO(handed["photos.zip"])) as archive:
        assert archive.namelist() == [
            *("faces.csv", "report.json", "annotated/a.jpg", "annotated/b.png")
        ]
        report = json.loads(archive.read("report.json"))
        assert [len(photo["faces"]) for photo in report["photos"]] == [2, 2]
        with PIL.Image.open(io.BytesIO(archive.read("annotated/b.png"))) as picture:
            assert picture.size == sample.portrait().shape[1::-1]
