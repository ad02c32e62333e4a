"""Agreeing to the analysis, as a visitor does: in page tests and in a browser."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from fer.app.session import CONSENT

BUTTON = "Everyone in the picture agrees"


def agree(app: AppTest) -> AppTest:
    """Let a page test's session have agreed; the next run shows the page itself."""
    app.session_state[CONSENT] = True
    return app


def agree_in_browser(page: Page) -> None:
    """Press the button of the notice on the page that is open."""
    page.get_by_role("button", name=BUTTON).click()
    expect(page.get_by_role("button", name=BUTTON)).to_have_count(0)
