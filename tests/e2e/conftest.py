"""The app as people run it: one server and one real browser with a camera for the whole session.

The camera is a clip of the public-domain astronaut portrait in grey, so that
every strong colour in the picture that comes back was drawn by the app.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from fer.app.server_process import QUIET, running_app
from fer.paths import PROJECT
from fer.types import Image

#: The better detector where it lies beside the project; elsewhere the app does as it always does.
SHARED_YUNET = PROJECT.parent / "shared" / "models" / "face_detection_yunet_2023mar.onnx"

#: Longest wait in milliseconds for anything that a page shows: a limit, not a measurement. A
#: machine that is busy with other things may need a longer one.
PATIENCE_MS = int(os.environ.get("FER_E2E_PATIENCE_MS", "30000"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder, and keep it in one process: one server, one browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="session")
def server(app_process: tuple[str, int]) -> str:
    """Address of a running app."""
    return app_process[0]


@pytest.fixture(scope="session")
def app_process() -> Iterator[tuple[str, int]]:
    """Address and number of the app's process; its log is captured with the running test."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {}
    if SHARED_YUNET.exists() and "FER_YUNET_MODEL" not in os.environ:
        environment["FER_YUNET_MODEL"] = str(SHARED_YUNET)
    patience_s = PATIENCE_MS / 1000
    with running_app(port, environment=environment, output=None, patience_s=patience_s) as (pid, _):
        yield f"http://127.0.0.1:{port}", pid


@pytest.fixture(scope="session")
def camera_clip(astronaut: Image, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds for Chromium's fake camera: the grey portrait, swaying a little.

    The format is a plain sequence of JPEGs, which needs no video encoder.
    """
    grey = cv2.cvtColor(cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2BGR)
    path = tmp_path_factory.mktemp("camera") / "astronaut.mjpeg"
    with path.open("wb") as clip:
        for step in range(60):
            sway = 20 * np.sin(2 * np.pi * step / 60)
            # 1.2 times as large, the face (near 220, 110 in the portrait) in the upper middle.
            placed = cv2.warpAffine(
                grey,
                np.array([[1.2, 0, 56 + sway], [0, 1.2, 40]], np.float32),
                (640, 480),
                borderMode=cv2.BORDER_REPLICATE,
            )
            clip.write(cv2.imencode(".jpg", placed)[1].tobytes())
    return path


@pytest.fixture(scope="session")
def browser(chromium_path: Path, camera_clip: Path) -> Iterator[Browser]:
    """Chromium with a camera that needs no permission."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=chromium_path,
            args=[
                *QUIET,
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-video-capture={camera_clip}",
            ],
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def app(browser: Browser, server: str) -> Iterator[Page]:
    """The app in one tab, which every test sends to its page."""
    context = browser.new_context(base_url=server, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    page = context.new_page()
    yield page
    context.close()
