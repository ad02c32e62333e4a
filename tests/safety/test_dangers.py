"""The six dangers that the Responsible use page names, each held to what the app says it does."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import PIL.Image
import pytest
from streamlit.testing.v1 import AppTest

from fer import artifacts
from fer.app import common
from fer.app import session as app_session
from fer.app.session import CONSENT
from fer.faces import DetectorStatus, YuNetDetector
from fer.media import private_files, sample
from fer.media.photo_formats import decode_photo
from fer.paths import PROJECT
from fer.photo import bundle as photo_bundle
from fer.photo.analysis import PhotoSettings, analyze_photo, make_picture
from fer.pipeline import Analyzer
from fer.provenance import NOTE
from fer.types import EMOTIONS, Face, FacePrediction, VideoReport
from fer.video import captions, report
from tests.consent import BUTTON, agree
from tests.fakes import FakeClassifier, FakeDetector, fake_run, frame, prediction

FIGURES = {"images": 7178, "accuracy": 0.634, "low": 0.623, "high": 0.645, "macro_f1": 0.6}

OpenPage = Callable[[str], AppTest]


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> OpenPage:
    """Open a page, with a model that sees happiness everywhere."""
    classifier = FakeClassifier("happy", 0.62)
    metrics = {"test": {"all": FIGURES, "without_twins": FIGURES}}
    classifier.run = fake_run(artifacts.DEFAULT_RUN, metrics)
    monkeypatch.setattr("fer.app.common.load_model", lambda _=None: classifier)
    monkeypatch.setattr("fer.app.common.create_detector", FakeDetector)
    monkeypatch.setattr("fer.app.common.ensure_navigation", lambda: None)
    status = DetectorStatus("YuNet", is_fallback=False, message="")
    monkeypatch.setattr("fer.app.common.detector_status", lambda: status)

    def run(name: str) -> AppTest:
        return AppTest.from_file(str(PROJECT / "pages" / f"{name}.py"), default_timeout=30)

    return run


def words(page: AppTest) -> str:
    shown = (page.subheader, page.header, page.markdown, page.caption, page.info)
    return " ".join(" ".join(str(part.value) for kind in shown for part in kind).split())


# Technical inaccuracy and bias


def test_a_result_is_about_looks_and_tells_how_sure_it_is() -> None:
    assert common.looks(prediction(happy=0.62)) == "looks **happy** (62%)"
    assert common.looks(prediction(happy=0.45), least=0.5).startswith("**unsure**")
    assert "trust it less" in common.looks(prediction(quality=("small",), happy=0.9))


def test_nothing_says_that_somebody_is_happy() -> None:
    claim = re.compile(rf"\bis \**({'|'.join(EMOTIONS)})\b")
    sources = [
        *(PROJECT / "pages").rglob("*.py"),
        *(PROJECT / "fer").rglob("*.py"),
        PROJECT / "README.md",
    ]
    found = [
        f"{path.name}: {line.strip()}"
        for path in sources
        for line in path.read_text(encoding="utf-8").splitlines()
        if claim.search(line.replace("never *is happy*", ""))
    ]
    assert found == []


def test_what_is_not_known_about_groups_is_said(open_page: OpenPage) -> None:
    said = words(open_page("responsible_use").run())
    assert "**not measured**" in said
    assert "neither age, gender nor skin colour" in said


# Missing consent


@pytest.mark.parametrize("name", ["live", "video", "photo"])
def test_no_camera_and_no_upload_before_consent(open_page: OpenPage, name: str) -> None:
    page = open_page(name).run()
    assert [button.label for button in page.button] == [BUTTON]
    assert not page.file_uploader
    assert "Everyone in the picture, not only you." in words(page)


# Identity fraud


def test_what_is_kept_of_a_face_identifies_nobody() -> None:
    """A place, seven probabilities and marks: nothing that two faces could be compared by."""
    assert {field.name for field in fields(Face)} == {"box", "score", "landmarks", "track"}
    assert {field.name for field in fields(FacePrediction)} == {
        *("face", "probabilities", "quality", "raw")
    }


def test_a_number_means_nothing_outside_its_picture() -> None:
    analyzer = Analyzer(FakeDetector(), FakeClassifier())
    portrait = decode_photo(sample.portrait_bytes())
    both = [analyze_photo(photo, analyzer, "a.jpg") for photo in (portrait, portrait)]
    assert [found.result.predictions[0].face.track for found in both] == [1, 1]


def test_a_blurred_picture_shows_nobody(yunet_model: Path) -> None:
    detector = YuNetDetector(yunet_model)
    portrait = decode_photo(sample.portrait_bytes())
    found = analyze_photo(portrait, Analyzer(detector, FakeClassifier()), "a.jpg")
    hide = PhotoSettings(drawn=False, blurred=True)
    picture = make_picture(portrait.image, found.result, hide, detector)
    made = photo_bundle.Provenance("compact", "0" * 64, "YuNet", "2026-01-01T00:00:00+00:00")
    shared = decode_photo(photo_bundle.encode_picture(picture, "a.jpg", made)).image
    assert len(detector.detect(portrait.image)) == 1
    assert detector.detect(shared) == ()


def test_a_picture_to_share_has_lost_its_place_and_camera() -> None:
    exif = PIL.Image.Exif()
    exif[0x010F] = "Maker of cameras"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)  # latitude
    taken = io.BytesIO()
    PIL.Image.fromarray(sample.portrait()).save(taken, "JPEG", exif=exif)
    assert b"Maker of cameras" in taken.getvalue()
    image = decode_photo(taken.getvalue()).image
    made = photo_bundle.Provenance("compact", "0" * 64, "YuNet", "2026-01-01T00:00:00+00:00")
    shared = photo_bundle.encode_picture(image, "a.jpg", made)
    assert b"Maker of cameras" not in shared
    with PIL.Image.open(io.BytesIO(shared)) as picture:
        assert not picture.getexif()


# Unclear law


def test_the_rules_are_named_and_the_operator_can_add_to_them(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said = words(open_page("responsible_use").run())
    for rule in ("Article 5(1)(f)", "Annex III", "Article 50", "Whoever shows it to others must"):
        assert rule in said
    path = tmp_path / "operator.toml"
    path.write_text("notice = 'Run by the museum.'\n[features]\nlive = false", encoding="utf-8")
    monkeypatch.setenv("FER_OPERATOR", str(path))
    assert "Run by the museum." in words(open_page("photo").run())
    assert "switched this page off" in words(open_page("live").run())


# Unethical use


def test_out_of_scope_uses_are_named(open_page: OpenPage) -> None:
    said = words(open_page("responsible_use").run())
    for use in (
        "hiring",
        "people at work",
        "schools",
        "policing",
        "lie detection",
        "any other decision",
    ):
        assert use in said


def test_what_is_handed_out_says_what_it_is_not_for() -> None:
    assert "not what people feel" in NOTE
    assert "not for decisions about people" in NOTE
    video = VideoReport("a.mp4", "compact", "0" * 64, "YuNet", (frame(prediction(track=1)),))
    assert json.loads(report.to_json(video))["note"] == NOTE
    assert NOTE in captions.to_webvtt(video)
    made = photo_bundle.Provenance("compact", "0" * 64, "YuNet", "2026-01-01T00:00:00+00:00")
    tables = photo_bundle.make_tables([], made, PhotoSettings())
    assert json.loads(tables["report.json"])["note"] == NOTE
    for name in ("a.jpg", "a.png"):
        picture = photo_bundle.encode_picture(np.zeros((8, 8, 3), np.uint8), name, made)
        assert NOTE.encode() in picture


# Data theft


def test_nothing_is_left_after_delete_everything(open_page: OpenPage) -> None:
    before = private_files.leftovers()  # other tests' libraries may have left theirs
    page = agree(open_page("photo")).run()
    page.file_uploader[0].set_value(("a.jpg", sample.portrait_bytes(), "image/jpeg")).run()
    assert page.session_state["photos"]
    left: dict[str, Any] = dict(page.session_state._state.filtered_state)
    _with_session(left, app_session.delete_everything)
    assert set(left) == {CONSENT, app_session._GENERATION, app_session._FAREWELL}
    assert set(private_files.leftovers()) <= set(before)


def _with_session(state: dict[str, Any], action: Callable[[], None]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fer.app.session.st", SimpleNamespace(session_state=state))
        action()


def test_what_makes_this_server_weaker_is_said_beside_what_it_promises(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fer.sandbox.restricted.weaknesses", lambda: ("Something is missing.",))
    said = words(open_page("responsible_use").run())
    assert said.count("**On this server.** Something is missing.") == 1
    monkeypatch.setattr("fer.sandbox.restricted.weaknesses", lambda: ())
    assert "On this server" not in words(open_page("responsible_use").run())


def test_analysing_a_photo_writes_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    photo = decode_photo(sample.portrait_bytes())
    analyze_photo(photo, Analyzer(FakeDetector(), FakeClassifier()), "a.jpg")
    assert list(tmp_path.iterdir()) == []


#: What shows that the app does what the page says, danger by danger.
BEHAVIOUR: Mapping[str, tuple[Callable[..., None], ...]] = {
    "Technical inaccuracy and bias": (
        test_a_result_is_about_looks_and_tells_how_sure_it_is,
        test_nothing_says_that_somebody_is_happy,
        test_what_is_not_known_about_groups_is_said,
    ),
    "Missing consent": (test_no_camera_and_no_upload_before_consent,),
    "Identity fraud": (
        test_what_is_kept_of_a_face_identifies_nobody,
        test_a_number_means_nothing_outside_its_picture,
        test_a_blurred_picture_shows_nobody,
        test_a_picture_to_share_has_lost_its_place_and_camera,
    ),
    "Unclear law": (test_the_rules_are_named_and_the_operator_can_add_to_them,),
    "Unethical use": (
        test_out_of_scope_uses_are_named,
        test_what_is_handed_out_says_what_it_is_not_for,
    ),
    "Data theft": (
        test_nothing_is_left_after_delete_everything,
        test_what_makes_this_server_weaker_is_said_beside_what_it_promises,
        test_analysing_a_photo_writes_no_file,
    ),
}


def test_every_danger_of_the_page_is_held_to_account(open_page: OpenPage) -> None:
    headings = [heading.value for heading in open_page("responsible_use").run().subheader]
    assert [heading.partition(": ")[2] for heading in headings] == list(BEHAVIOUR)
