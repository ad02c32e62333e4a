from __future__ import annotations

import re
from typing import TypedDict

from playwright.sync_api import Frame, Page, expect

from fer.types import COLORS
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

#: What stands beside the picture for this portrait, which smiles.
LOOKS_HAPPY = re.compile(r"#\d+ looks happy \(\d+%\)")


class Found(TypedDict):
    left: int
    top: int
    right: int
    bottom: int


def test_a_face_on_camera_gets_a_box_and_its_probabilities(app: Page) -> None:
    app.goto("/live")
    agree_in_browser(app)
    player = app.frame_locator("iframe[title*='webrtc']")
    player.get_by_role("button", name="Start").click()

    person = app.get_by_text(LOOKS_HAPPY).first
    expect(person).to_be_visible()
    expect(app.get_by_test_id("stVegaLiteChart").first.locator("svg")).to_contain_text("happy")

    # The box is near (325, 185), 105 wide and 135 high, the label above it.
    drawn = player_frame(app).wait_for_function(
        FIND_COLOUR, arg=rgb(COLORS["happy"]), polling=200, timeout=PATIENCE_MS
    )
    found: Found = drawn.json_value()
    assert 200 < found["left"] < 325 < found["right"] < 460
    assert 50 < found["top"] < 185 < found["bottom"] < 300

    player.get_by_role("button", name="Stop").click()
    expect(app.get_by_text("the result appears here")).to_be_visible()
    expect(person).to_have_count(0)


def player_frame(app: Page) -> Frame:
    frame = next((frame for frame in app.frames if "streamlit_webrtc" in frame.url), None)
    assert frame is not None
    return frame


def rgb(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
