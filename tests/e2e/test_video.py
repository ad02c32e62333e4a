from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from fer.sample import make_sample_clip
from fer.video import read_frames
from fer.video_writer import VideoWriter
from tests.consent import agree_in_browser

PLAYS_H264 = (
    """() => document.createElement("video").canPlayType('video/mp4; codecs="avc1.42E01E"')"""
)


def analyze(app: Page, clip: Path) -> None:
    app.goto("/video")
    agree_in_browser(app)
    app.locator("input[type=file]").set_input_files(clip)
    app.get_by_role("button", name="Analyse").click()


def test_an_uploaded_video_is_analysed_and_plays(app: Page, tmp_path: Path) -> None:
    clip = tmp_path / "portrait.mp4"
    make_sample_clip(clip)
    analyze(app, clip)

    expect(app.get_by_role("heading", name="Result for portrait.mp4")).to_be_visible()
    app.get_by_role("button", name="Single files").click()
    for name in ("annotated.mp4", "frames.csv", "segments.csv", "report.json"):
        expect(app.get_by_role("button", name=name)).to_be_visible()
    app.keyboard.press("Escape")
    with app.expect_download() as download:
        app.get_by_role("button", name="Everything as a zip").click()
    assert download.value.suggested_filename == "portrait.zip"
    if not app.evaluate(PLAYS_H264):
        pytest.skip("this browser has no H.264: the result is there, playing it is not tested")
    player = app.locator("video")
    expect(player).to_be_visible()
    player.evaluate("video => { video.muted = true; return video.play(); }")
    app.wait_for_function("() => document.querySelector('video').currentTime > 0.5")
    assert player.evaluate("video => [video.videoWidth, video.videoHeight]") == [480, 360]
    assert player.evaluate("video => video.textTracks.length") == 1


def test_cancel_keeps_what_was_done(app: Page, tmp_path: Path) -> None:
    short, long = tmp_path / "short.mp4", tmp_path / "long.mp4"
    make_sample_clip(short)
    pictures = [frame.image for frame in read_frames(short)]
    with VideoWriter(long, Fraction(1, 15), 15) as writer:
        for index in range(60 * 15):  # a minute
            writer.write(pictures[index % len(pictures)], index)
    analyze(app, long)
    expect(app.get_by_text(re.compile(r"Frame \d+ of 900"))).to_be_visible()
    expect(app.get_by_alt_text("the latest frame")).to_be_visible()
    app.get_by_role("button", name="Cancel").click()
    expect(app.get_by_text(re.compile(r"The analysis was stopped after [\d.]+ s"))).to_be_visible()
    expect(app.get_by_role("heading", name="Result for long.mp4")).to_be_visible()


def test_the_player_goes_to_the_segment_that_is_selected(app: Page, media: Path) -> None:
    """From neutral to happy: the second row of the table is the smile."""
    analyze(app, media / "pyfeat_single_face.mp4")
    expect(app.get_by_role("heading", name="Segments")).to_be_visible()
    if not app.evaluate(PLAYS_H264):
        pytest.skip("this browser has no H.264")
    table = app.locator("[data-testid=stDataFrame]").nth(1)
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    assert box is not None
    app.mouse.click(box["x"] + 15, box["y"] + 35 * 2.5)  # header, first, second
    app.wait_for_function("() => document.querySelector('video').currentTime > 0.7")
    assert app.locator("video").evaluate("video => video.currentTime") == pytest.approx(
        0.83, abs=0.1
    )
