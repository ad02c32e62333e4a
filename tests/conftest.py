"""Fixtures that several test files use, and the rule for what is not on every machine.

The data set, real media and the detector file are never part of the project.
Tests that need them skip with a reason where they are absent. With
``REQUIRE_DATA=1`` (data, media, detector) or ``REQUIRE_BROWSER=1`` set, as in
CI, such a skip is a failure.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

import pylibsrtp  # noqa: F401  see below
import pytest

from fer.fer2013.dataset import Dataset, import_dataset
from fer.paths import PROJECT
from fer.types import Image

# TensorFlow and the encryption library of WebRTC bring OpenSSL's symbols twice: whoever imports
# pylibsrtp after TensorFlow crashes. The app never loads both; tests of both share this process.

SHARED = PROJECT.parent / "shared"
YUNET_FILE = "face_detection_yunet_2023mar.onnx"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the browser's tests last: they are slow, and Playwright occupies asyncio for good."""
    items.sort(key=lambda item: "e2e" in item.path.parts)


def _absent(reason: str, switch: str) -> NoReturn:
    if os.environ.get(switch) == "1":
        pytest.fail(f"{reason} ({switch}=1 makes this a failure)", pytrace=False)
    pytest.skip(reason)


def _first(candidates: Iterable[Path], reason: str) -> Path:
    for path in candidates:
        if path.exists():
            return path
    _absent(reason, "REQUIRE_DATA")


def _from_environment(variable: str) -> list[Path]:
    value = os.environ.get(variable)
    return [Path(value)] if value else []


@pytest.fixture(scope="session")
def media() -> Path:
    """Folder of real videos and photos."""
    return _first([SHARED / "media"], f"no real media: {SHARED / 'media'} does not exist")


@pytest.fixture(scope="session")
def fer2013_zip() -> Path:
    """FER2013 as a zip in the Kaggle layout."""
    return _first(
        [
            PROJECT / "data" / "fer2013.zip",
            *_from_environment("FER2013_PATH"),
            SHARED / "data" / "fer2013.zip",
        ],
        "no FER2013: put fer2013.zip into data/ or name it in FER2013_PATH",
    )


@pytest.fixture(scope="session")
def fer2013(fer2013_zip: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """All of FER2013, imported once."""
    return import_dataset(fer2013_zip, target=tmp_path_factory.mktemp("fer2013") / "fer2013.npz")


@pytest.fixture(scope="session")
def yunet_model() -> Path:
    """The YuNet detector's file."""
    return _first(
        [
            *_from_environment("FER_YUNET_MODEL"),
            PROJECT / "models" / "detector" / YUNET_FILE,
            SHARED / "models" / YUNET_FILE,
        ],
        f"no YuNet: put {YUNET_FILE} into models/detector/ or name it in FER_YUNET_MODEL",
    )


@pytest.fixture(scope="session")
def astronaut() -> Image:
    """A real face that may be shown anywhere: (512, 512, 3) uint8 RGB, in the public domain."""
    from skimage import data

    portrait: Image = data.astronaut()
    return portrait


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """A Chromium to drive: the system's, else the one that Playwright has downloaded."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return Path(found)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
    if own.exists():
        return own
    _absent("no browser: install Chromium, or run 'playwright install chromium'", "REQUIRE_BROWSER")
