from __future__ import annotations

import re
import sys
import time
from contextlib import suppress
from io import StringIO
from pathlib import Path

import pytest
from pandas import read_csv
from pandas.testing import assert_frame_equal
from playwright.sync_api import Browser, Page, expect

from fer.bench.process import processor_s
from fer.classifier import FacialExpressionModel
from fer.faces import YuNetDetector
from fer.media.sample import make_sample_clip
from fer.pipeline import Analyzer
from fer.video.analysis import analyze_video
from fer.video.report import frames_csv
from fer.video.settings import VideoSettings
from tests.consent import agree_in_browser
from tests.e2e.conftest import PATIENCE_MS
from tools.measure_video import repeat

PLAYS_H264 = (
    """() => document.createElement("video").canPlayType('video/mp4; codecs="avc1.42E01E"')"""
)


UNDER_WAY = re.compile(r"Frame [\d,]+ of [\d,]+")


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


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """So long that nobody waits here until all of it is analysed."""
    folder = tmp_path_factory.mktemp("long")
    short, long = folder / "short.mp4", folder / "long.mp4"
    make_sample_clip(short)
    repeat(short, long, 500)
    return long


def test_cancel_keeps_what_was_done(app: Page, long_clip: Path) -> None:
    analyze(app, long_clip)
    expect(app.get_by_text(UNDER_WAY)).to_be_visible()
    expect(app.get_by_alt_text("the latest frame")).to_be_visible()
    app.get_by_role("button", name="Cancel").click()
    expect(app.get_by_text(re.compile(r"The analysis was stopped after [\d.]+ s"))).to_be_visible()
    expect(app.get_by_role("heading", name="Result for long.mp4")).to_be_visible()


def test_the_player_goes_to_the_segment_that_is_selected(app: Page, media: Path) -> None:
    """From neutral to happy: the second row of the table is the smile, whenever it was seen."""
    analyze(app, media / "pyfeat_single_face.mp4")
    expect(app.get_by_role("heading", name="Segments")).to_be_visible()
    if not app.evaluate(PLAYS_H264):
        pytest.skip("this browser has no H.264")
    app.get_by_role("button", name="Single files").click()
    with app.expect_download() as download:
        app.get_by_role("button", name="segments.csv").click()
    app.keyboard.press("Escape")
    start_s = read_csv(download.value.path())["start_s"][1]
    assert start_s > 0.5
    table = app.locator("[data-testid=stDataFrame]").nth(1)
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    assert box is not None
    app.mouse.click(box["x"] + 15, box["y"] + 35 * 2.5)  # header, first, second
    app.wait_for_function("() => document.querySelector('video').currentTime > 0.5")
    assert app.locator("video").evaluate("video => video.currentTime") == pytest.approx(
        start_s, abs=0.05
    )


def decoders(app: int) -> int:
    """How many videos are being decoded: the children of the app's children."""
    parents = {}
    for about in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # a process that has just ended
            parents[int(about.parent.name)] = int(about.read_text().rpartition(")")[2].split()[1])
    return sum(parents.get(parent) == app for parent in parents.values())


def works(app: int) -> bool:
    """Whether the app uses more than a quarter of a core. Threads tell less: servers keep some."""
    before = processor_s(app)
    time.sleep(1)
    return processor_s(app) - before > 0.25


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_closing_the_tab_ends_the_work(
    browser: Browser, app_process: tuple[str, int], long_clip: Path
) -> None:
    address, process = app_process
    context = browser.new_context(base_url=address)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    analyze(page, long_clip)
    expect(page.get_by_text(UNDER_WAY)).to_be_visible()
    assert decoders(process) > 0
    context.close()
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while decoders(process) or works(process):
        assert time.monotonic() < deadline, "the analysis goes on without anybody to see it"


def test_two_people_at_once_get_their_own_results_and_the_right_ones(
    browser: Browser, server: str, media: Path, yunet_model: Path, tmp_path: Path
) -> None:
    """One waits for the smile, the other for the portrait; the numbers are those of one alone."""
    portrait = tmp_path / "portrait.mp4"
    make_sample_clip(portrait)
    visitors = []
    for clip in (media / "pyfeat_single_face.mp4", portrait):
        context = browser.new_context(base_url=server)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.goto("/video")
        agree_in_browser(page)
        page.locator("input[type=file]").set_input_files(clip)
        visitors.append((clip, context, page))
    for _, _, page in visitors:
        page.get_by_role("button", name="Analyse").click()
    for clip, context, page in visitors:
        result = page.get_by_role("heading", name=f"Result for {clip.name}")
        expect(result).to_be_visible(timeout=4 * PATIENCE_MS)  # both share what there is
        page.get_by_role("button", name="Single files").click()
        with page.expect_download() as download:
            page.get_by_role("button", name="frames.csv").click()
        alone = analyze_video(
            clip,
            Analyzer(YuNetDetector(yunet_model), FacialExpressionModel.load()),
            name=clip.name,
            settings=VideoSettings(least_confidence=0.0),
        )
        shown = read_csv(download.value.path())
        expected = read_csv(StringIO("".join(frames_csv(alone))))
        assert_frame_equal(shown.drop(columns="quality"), expected.drop(columns="quality"))
        context.close()
