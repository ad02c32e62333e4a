from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path

from playwright.sync_api import FilePayload, Page, expect

from fer.media.sample import portrait_bytes
from fer.provenance import NOTE
from tests.consent import BUTTON, agree_in_browser

PORTRAIT = FilePayload(name="portrait.jpg", mimeType="image/jpeg", buffer=portrait_bytes())


def open_and_upload(app: Page) -> None:
    app.goto("/photo")
    agree_in_browser(app)
    app.locator("input[type=file]").set_input_files(PORTRAIT)
    expect(app.get_by_text(re.compile(r"Face 1 looks happy \(\d+%\)")).first).to_be_visible()


def test_an_uploaded_photo_is_read_and_handed_out_with_what_made_it(
    app: Page, tmp_path: Path
) -> None:
    open_and_upload(app)
    expect(app.get_by_test_id("stVegaLiteChart").first.locator("svg")).to_contain_text("happy")
    with app.expect_download() as download:
        app.get_by_role("button", name="Everything as a zip").click()
    download.value.save_as(tmp_path / "photos.zip")
    with zipfile.ZipFile(tmp_path / "photos.zip") as archive:
        assert set(archive.namelist()) == {"faces.csv", "report.json", "annotated/portrait.jpg"}
        report = json.loads(archive.read("report.json"))
        assert report["note"] == NOTE
        assert report["photos"][0]["faces"][0]["looks"] == "happy"
        assert NOTE.encode() in io.BytesIO(archive.read("annotated/portrait.jpg")).read()
    # Streamlit's own download of a table would say nothing of that.
    app.get_by_test_id("stDataFrame").first.hover()
    expect(app.get_by_role("button", name="Fullscreen").first).to_be_visible()
    expect(app.get_by_role("button", name="Download as CSV").first).to_be_hidden()


def test_delete_everything_empties_the_page(app: Page) -> None:
    open_and_upload(app)
    app.get_by_role("button", name="Delete everything now").click()
    expect(app.get_by_text("Everything is deleted")).to_be_visible()
    expect(app.get_by_text("portrait.jpg")).to_have_count(0)
    expect(app.get_by_test_id("stVegaLiteChart")).to_have_count(0)
    # Neither comes anything back with the next click, nor is consent asked for again.
    app.get_by_role("link", name="Video", exact=True).click()
    expect(app.get_by_role("heading", name="Video", exact=True)).to_be_visible()
    app.get_by_role("link", name="Photo", exact=True).click()
    expect(app.get_by_text("Photos with faces")).to_be_visible()
    expect(app.get_by_text("portrait.jpg")).to_have_count(0)


def test_consent_is_asked_once_and_can_be_withdrawn(app: Page) -> None:
    open_and_upload(app)
    app.get_by_role("link", name="Live", exact=True).click()
    expect(app.get_by_role("heading", name="Live", exact=True)).to_be_visible()
    # The page before had the button too: press the one that stays.
    expect(app.get_by_text("Photos with faces")).to_have_count(0)
    expect(app.get_by_text("Check camera and connection")).to_be_visible()
    expect(app.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    expect(app.get_by_role("button", name="Withdraw consent")).to_be_visible()
    expect(app.get_by_role("button", name=BUTTON)).to_have_count(0)
    app.get_by_role("button", name="Withdraw consent").click()
    expect(app.get_by_role("button", name=BUTTON)).to_be_visible()
    expect(app.locator("iframe[title*='webrtc']")).to_have_count(0)
