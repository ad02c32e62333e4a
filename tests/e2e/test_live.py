from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypedDict

import PIL.Image
import pytest
from playwright.sync_api import Frame, Locator, Page, expect

from fer.app.server_process import QUIET
from fer.types import COLORS, EMOTIONS
from tests.consent import agree_in_browser
from tests.e2e.conftest import PATIENCE_MS

#: Finds the pixels of a colour in the received video: how many and where, or null if there are few.
FIND_COLOUR = """
([red, green, blue]) => {
    const video = document.querySelector("video");
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    const context = canvas.getContext("2d");
    context.drawImage(video, 0, 0);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    const found = { pixels: 0, left: canvas.width, top: canvas.height, right: 0, bottom: 0 };
    for (let i = 0; i < data.length; i += 4) {
        const [r, g, b] = data.slice(i, i + 3);
        // The camera's own picture is grey.
        if (Math.max(r, g, b) - Math.min(r, g, b) < 40) continue;
        // The codec halves the resolution of colours: a thin line comes back somewhat paler.
        if (Math.hypot(r - red, g - green, b - blue) > 80) continue;
        const [x, y] = [(i / 4) % canvas.width, Math.floor(i / 4 / canvas.width)];
        found.pixels += 1;
        found.left = Math.min(found.left, x);
        found.right = Math.max(found.right, x);
        found.top = Math.min(found.top, y);
        found.bottom = Math.max(found.bottom, y);
    }
    return found.pixels > 500 ? found : null;
}
"""

#: Lets a browser connect through relays alone, of which there is none.
RELAYS_ALONE = """
const Direct = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Direct {
    constructor(configuration) {
        super({ ...configuration, iceTransportPolicy: "relay" });
    }
};
"""

#: What stands beside the picture for this portrait, which smiles.
LOOKS_HAPPY = re.compile(r"#\d+ looks happy \(\d+%\)")


class Found(TypedDict):
    left: int
    top: int
    right: int
    bottom: int


@pytest.fixture
def live(app: Page) -> Page:
    """The Live page with its notice agreed to, the camera off."""
    app.goto("/live")
    agree_in_browser(app)
    return app


def start(page: Page) -> Locator:
    """Press Start and wait for a card; returns it."""
    button(page, "Start").click()
    person = page.get_by_text(LOOKS_HAPPY).first
    expect(person).to_be_visible()
    return person


def stop(page: Page) -> None:
    button(page, "Stop").click()
    expect(page.get_by_text("the result appears here")).to_be_visible()


def button(page: Page, name: str) -> Locator:
    return page.frame_locator("iframe[title*='webrtc']").get_by_role("button", name=name)


def test_a_face_on_camera_gets_a_box_and_its_probabilities(live: Page) -> None:
    person = start(live)
    card = live.locator(".fer-card").first
    for expression in EMOTIONS:
        expect(card).to_contain_text(expression)
    expect(live.get_by_text("The last minute")).to_be_visible()

    # The box is near (315, 185) in the mirror, 105 wide and 135 high, the label above it.
    drawn = player_frame(live).wait_for_function(
        FIND_COLOUR, arg=rgb(COLORS["happy"]), polling=200, timeout=PATIENCE_MS
    )
    found: Found = drawn.json_value()
    assert 200 < found["left"] < 315 < found["right"] < 460
    assert 50 < found["top"] < 185 < found["bottom"] < 300

    with live.expect_download() as download:
        live.get_by_role("button", name="Snapshot", exact=True).click()
    with PIL.Image.open(download.value.path()) as picture:
        assert picture.size == (640, 480)

    stop(live)
    expect(person).to_have_count(0)
    expect(live.get_by_role("heading", name="Summary of this session")).to_be_visible()
    for name in ("live_summary.csv", "live_timeline.csv", "live_report.json"):
        expect(live.get_by_role("button", name=name)).to_be_visible()


def test_it_starts_and_stops_ten_times(live: Page) -> None:
    for _ in range(10):
        start(live)
        stop(live)
    expect(live.get_by_test_id("stAlertContentError")).to_have_count(0)


def test_another_resolution_starts_the_camera_again_by_itself(live: Page) -> None:
    start(live)
    live.get_by_text("Settings", exact=True).click()
    # The list closes when the page moves beneath it, as it does while the cards fill.
    option = live.get_by_role("option", name="Small (320 × 240)")
    for _ in range(10):
        live.get_by_role("combobox", name="Resolution").click()
        live.wait_for_timeout(500)
        if option.is_visible():
            break
    option.click()
    player_frame(live).wait_for_function(
        "() => document.querySelector('video')?.videoWidth === 320", timeout=PATIENCE_MS
    )
    expect(live.get_by_text(LOOKS_HAPPY).first).to_be_visible()
    stop(live)


def test_two_tabs_run_side_by_side_and_one_survives_the_other(live: Page) -> None:
    other = live.context.new_page()
    other.goto("/live")
    agree_in_browser(other)
    start(live)
    start(other)
    other.close()
    expect(live.get_by_text(LOOKS_HAPPY).first).to_be_visible()
    age = live.get_by_test_id("stMetricValue").nth(1)
    before = age.inner_text()
    expect(age).not_to_have_text(before)  # it goes on
    stop(live)


def test_who_leaves_the_page_and_returns_starts_anew(live: Page) -> None:
    start(live)
    live.get_by_role("link", name="Home").first.click()
    expect(live.get_by_text(LOOKS_HAPPY)).to_have_count(0)
    live.get_by_role("link", name="Live").first.click()
    expect(button(live, "Start")).to_be_visible()
    start(live)
    stop(live)


def test_deleting_everything_ends_the_camera_too(live: Page) -> None:
    start(live)
    live.get_by_role("button", name="Delete everything now").click()
    expect(live.get_by_text("Everything is deleted")).to_be_visible()
    expect(live.locator("iframe[title*='webrtc']")).to_have_count(1)  # the old player is gone
    expect(button(live, "Start")).to_be_visible()
    expect(live.get_by_text(LOOKS_HAPPY)).to_have_count(0)
    expect(live.get_by_role("heading", name="Summary of this session")).to_have_count(0)


def test_a_refused_camera_is_explained(chromium_path: Path, server: str, app: Page) -> None:
    refusing = ["--use-fake-device-for-media-stream", "--deny-permission-prompts"]
    with another_browser(app, chromium_path, server, refusing) as page:
        explained = page.get_by_text("The browser was told not to give out the camera")
        button(page, "Start").click()
        expect(explained).to_be_visible()
        page.get_by_role("button", name="Check camera and connection").click()
        expect(page.get_by_text("The server has a place left")).to_be_visible()
        expect(explained).to_be_visible()
        page.get_by_text("Snapshots instead of video").click()
        expect(page.get_by_test_id("stCameraInput")).to_be_visible()


def test_a_missing_camera_is_noticed_before_anything_is_pressed(
    chromium_path: Path, server: str, app: Page
) -> None:
    with another_browser(app, chromium_path, server, ["--use-fake-ui-for-media-stream"]) as page:
        expect(page.get_by_text("No camera was found.")).to_be_visible()


def test_where_no_video_gets_through_it_says_so_and_takes_snapshots(
    chromium_path: Path, server: str, app: Page
) -> None:
    camera = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    with another_browser(app, chromium_path, server, camera, RELAYS_ALONE) as page:
        button(page, "Start").click()
        expect(page.get_by_text("no connection came about")).to_be_visible()
        page.get_by_text("Snapshots instead of video").click()
        page.wait_for_function(  # before the camera's picture is there the button does nothing
            "() => document.querySelector('[data-testid=stCameraInput] video')?.videoWidth"
        )
        page.get_by_role("button", name="Take Photo").click()
        expect(page.get_by_text("What is seen in it")).to_be_visible()


@contextmanager
def another_browser(
    app: Page, chromium_path: Path, server: str, options: list[str], script: str = ""
) -> Iterator[Page]:
    """The Live page in a browser with another camera, or none; the script runs in every frame."""
    assert app.context.browser is not None
    chromium = app.context.browser.browser_type.launch(
        executable_path=chromium_path, args=[*QUIET, *options]
    )
    try:
        page = chromium.new_page(base_url=server)
        page.add_init_script(script)
        page.set_default_timeout(PATIENCE_MS)
        page.goto("/live")
        agree_in_browser(page)
        yield page
    finally:
        chromium.close()


def player_frame(app: Page) -> Frame:
    frame = next((frame for frame in app.frames if "streamlit_webrtc" in frame.url), None)
    assert frame is not None
    return frame


def rgb(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
