"""Sessions that end badly leave nothing: a quick round of ``tools/end_sessions.py``."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser

from tools.end_sessions import CANARY, _left, run_all

WAYS = ("file refused", "server killed in the middle", "tab closed in the middle")


def test_sessions_that_end_badly_leave_nothing(browser: Browser, tmp_path: Path) -> None:
    """Not on disk, not in processes, and no name and no picture in the log."""
    done, wrong = run_all(tmp_path, browser, len(WAYS), WAYS)
    assert done == dict.fromkeys(WAYS, 1)
    assert wrong == []
    assert b"You can now view" in (tmp_path / "log").read_bytes()


def test_what_is_left_would_be_seen(tmp_path: Path) -> None:
    (tmp_path / "process-x").mkdir()
    (tmp_path / "process-x" / f"{CANARY}.mp4").touch()
    (tmp_path / "process-x" / "lock").touch()
    assert [path.name for path in _left(tmp_path)] == [f"{CANARY}.mp4"]
