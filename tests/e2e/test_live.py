from __future__ import annotations

import re
from typing import TypedDict

from playwright.sync_api import Frame, Page, expect

from fer.types import COLORS

#: Counts the pixels of a colour in the received video, and where they are.
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
        // The codec halves the resolution of colours, so a thin line comes back somewhat paler.
        if (Math.hypot(data[i] - red, data[i + 1] - green, data[i + 2] - blue) > 80) continue;
        // Grey is the camera's own picture.
        if (Math.max(...data.slice(i, i + 3)) - Math.min(...data.slice(i, i + 3)) < 40) continue;
        const [x, y] = [(i / 4) % canvas.width, Math.floor(i / 4 / canvas.width)];
        found.pixels += 1;
        found.left = Math.min(found.left, x);
        found.right = Math.max(found.right, x);
        found.top = Math.min(found.top, y);
        found.bottom = Math.max(found.bottom, y);
    }
    return found;
}
"""

LOOKS = re.compile(r"Person \d+ looks (\w+) \(\d+%\)")


class Found(TypedDict):
    pixels: int
    left: int
    top: int
    right: int
    bottom: int


def component(app: Page) -> Frame:
    frame = next((f for f in app.frames if "streamlit_webrtc" in f.url), None)
    assert frame is not None
    return frame


def test_a_face_on_camera_gets_a_box_and_its_probabilities(app: Page) -> None:
    app.goto("/live")
    video = app.frame_locator("iframe[title*='webrtc']")
    video.get_by_role("button", name="Start").click()

    person = app.get_by_text(LOOKS)
    expect(person).to_be_visible()
    label_match = LOOKS.search(person.inner_text())
    assert label_match is not None
    label = label_match[1]
    expect(app.get_by_test_id("stVegaLiteChart")).to_be_visible()

    colour = [int(COLORS[label][i : i + 2], 16) for i in (1, 3, 5)]
    found: Found = component(app).evaluate(FIND_COLOUR, colour)
    # The face is near (320, 172), about 130 wide: a box's outline and a label are around it.
    assert found["pixels"] > 500
    assert found["left"] < 320 < found["right"]
    assert found["top"] < 172 < found["bottom"]

    video.get_by_role("button", name="Stop").click()
    expect(app.get_by_text("the result appears here")).to_be_visible()
