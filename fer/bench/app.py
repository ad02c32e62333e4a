"""Benchmark: how fast the app starts and answers, and how much memory it takes."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from fer.app.server_process import QUIET, running_app
from fer.bench.process import Watch, loads, memory_mb, processor_s
from fer.bench.record import Plan, Section, Table
from fer.errors import FerError
from fer.media.sample import make_sample_clip, portrait, portrait_bytes

if TYPE_CHECKING:
    from playwright.sync_api import Page

_PATIENCE_MS: Final = 60_000
_AGREE: Final = "Everyone in the picture agrees"
_ANSWER: Final = re.compile(r"looks .*\(\d+%\)")


def app(plan: Plan) -> Section:
    """Start the app, open its pages in a browser, and watch its memory.

    Raises:
        FerError: if there is no browser, or the app does not start.
    """
    rest_s = 1.0 if plan.quick else 5.0
    found: dict[str, float | None] = {}
    notes: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "portrait.mp4"
        make_sample_clip(clip)
        with _browser(_camera_clip(Path(folder))) as page, running_app(plan.port) as (pid, started):
            address = f"http://127.0.0.1:{plan.port}"
            found["server_s"] = time.perf_counter() - started
            found["before_mb"] = memory_mb(pid)
            page.goto(address)
            page.locator("h1").first.wait_for()
            found["first_page_s"] = time.perf_counter() - started
            found["first_page_processor_s"] = processor_s(pid)
            time.sleep(rest_s)
            found["idle_mb"] = memory_mb(pid)
            steps: dict[str, Callable[[], float]] = {
                "photo": lambda: _photo(page, address),
                "live": lambda: _live(page, address, rest_s),
                "video": lambda: _video(page, address, clip),
            }
            for name, step in steps.items():
                with Watch(pid) as watch:
                    try:
                        found[f"{name}_s"] = step()
                    except Exception as exc:  # noqa: BLE001 one page that fails is told; the others count
                        reason = str(exc).splitlines()[0]
                        notes.append(f"{name}: not measured: {reason}")
                found[f"{name}_mb"] = watch.peak_mb
            found["after_mb"] = memory_mb(pid)
            heavy = [name for name in ("tensorflow", "torch") if loads(pid, name)]
    working = max(found[f"{name}_mb"] or 0.0 for name in ("photo", "live", "video"))
    figures = {name: value for name, value in found.items() if value is not None}
    return Section(
        tables=(_table(found),),
        figures=figures | {"working_mb": working, "tensorflow_loaded": float(bool(heavy))},
        notes=(
            f"Processor time up to the first page: {found['first_page_processor_s']:.1f} s.",
            "Memory: resident in the app, with what its child processes hold beside it.",
            "At work it is the peak, looked at five times a second.",
            f"Libraries that must not be loaded: {', '.join(heavy) or 'none is'}.",
            *notes,
        ),
    )


def _table(found: dict[str, float | None]) -> Table:
    words = (
        ("server answers", "server_s", "before_mb"),
        ("first page shown; then idle", "first_page_s", "idle_mb"),
        ("photo: from upload to result", "photo_s", "photo_mb"),
        ("live: from Start to result", "live_s", "live_mb"),
        ("video (4 s of 480x360): from Analyse to result", "video_s", "video_mb"),
        ("afterwards", "", "after_mb"),
    )
    rows = tuple((label, found.get(time_s), found.get(mb)) for label, time_s, mb in words)
    return Table("One visitor", ("what", "seconds", "MB"), rows)


def _photo(page: Page, address: str) -> float:
    from playwright.sync_api import FilePayload

    _open(page, f"{address}/photo")
    started = time.perf_counter()
    page.locator("input[type=file]").first.set_input_files(
        FilePayload(name="portrait.jpg", mimeType="image/jpeg", buffer=portrait_bytes())
    )
    page.get_by_text(_ANSWER).first.wait_for()
    return time.perf_counter() - started


def _live(page: Page, address: str, watched_s: float) -> float:
    _open(page, f"{address}/live")
    player = page.frame_locator("iframe[title*='webrtc']")
    player.get_by_role("button", name="Start").click()
    started = time.perf_counter()
    page.get_by_text(_ANSWER).first.wait_for()
    taken = time.perf_counter() - started
    time.sleep(2 * watched_s)
    player.get_by_role("button", name="Stop").click()
    return taken


def _video(page: Page, address: str, clip: Path) -> float:
    _open(page, f"{address}/video")
    page.locator("input[type=file]").first.set_input_files(clip)
    page.get_by_role("button", name="Analyse").click()
    started = time.perf_counter()
    page.get_by_role("heading", name="Result for").wait_for()
    return time.perf_counter() - started


def _open(page: Page, address: str) -> None:
    """Open a page in a new session, and agree."""
    page.goto(address)
    page.get_by_role("button", name=_AGREE).click()


@contextmanager
def _browser(camera: Path) -> Iterator[Page]:
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise FerError("No browser was found: install Chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=[
                *QUIET,
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-video-capture={camera}",
            ],
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(_PATIENCE_MS)
        yield page
        browser.close()


def _camera_clip(folder: Path) -> Path:
    """The portrait as Chromium's fake camera: a plain sequence of JPEGs."""
    picture = np.zeros((480, 640, 3), np.uint8)
    picture[:, 64:576] = cv2.cvtColor(portrait()[:480], cv2.COLOR_RGB2BGR)
    path = folder / "camera.mjpeg"
    path.write_bytes(cv2.imencode(".jpg", picture)[1].tobytes() * 30)
    return path
