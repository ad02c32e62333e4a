from __future__ import annotations

import re

from playwright.sync_api import FilePayload, Page, expect

from fer.sample import portrait_bytes
from tests.consent import agree_in_browser


def test_an_uploaded_photo_is_read(app: Page) -> None:
    app.goto("/photo")
    agree_in_browser(app)
    app.locator("input[type=file]").set_input_files(
        FilePayload(name="portrait.jpg", mimeType="image/jpeg", buffer=portrait_bytes())
    )
    expect(app.get_by_text(re.compile(r"Face 1 looks happy \(\d+%\)")).first).to_be_visible()
    expect(app.get_by_test_id("stVegaLiteChart").first.locator("svg")).to_contain_text("happy")
    expect(app.get_by_role("button", name="faces.csv")).to_be_visible()
