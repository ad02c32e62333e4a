from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from fer.sample import make_sample_clip

PLAYS_H264 = (
    """() => document.createElement("video").canPlayType('video/mp4; codecs="avc1.42E01E"')"""
)


def test_an_uploaded_video_is_analysed_and_plays(app: Page, tmp_path: Path) -> None:
    clip = tmp_path / "portrait.mp4"
    make_sample_clip(clip)
    app.goto("/video")
    app.locator("input[type=file]").set_input_files(clip)
    app.get_by_role("button", name="Analyse").click()

    expect(app.get_by_role("heading", name="Result for portrait.mp4")).to_be_visible()
    for name in ("annotated.mp4", "frames.csv", "report.json"):
        expect(app.get_by_role("button", name=name)).to_be_visible()
    if not app.evaluate(PLAYS_H264):
        pytest.skip("this browser has no H.264: the result is there, playing it is not tested")
    player = app.locator("video")
    expect(player).to_be_visible()
    player.evaluate("video => { video.muted = true; return video.play(); }")
    app.wait_for_function("() => document.querySelector('video').currentTime > 0.5")
    assert player.evaluate("video => [video.videoWidth, video.videoHeight]") == [480, 360]
