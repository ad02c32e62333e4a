"""What the running app holds of uploads, and what arrives when nobody waits for it any more."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from fer.app import uploads as app_uploads
from fer.app.uploads import SessionUploads, forget_uploads


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> MemoryUploadedFileManager:
    """Streamlit's own, of an app in which the session ``here`` is open."""
    made = MemoryUploadedFileManager("/upload")
    runtime = SimpleNamespace(uploaded_file_mgr=made, is_active_session="here".__eq__)
    monkeypatch.setattr("fer.app.uploads.Runtime.instance", lambda: runtime)
    return made


def arrive(manager: MemoryUploadedFileManager, session: str, name: str, size: int = 5) -> None:
    manager.add_file(session, UploadedFileRec(name, f"{name}.jpg", "image/jpeg", bytes(size)))


def test_what_a_session_holds_is_counted(manager: MemoryUploadedFileManager) -> None:
    uploads = SessionUploads()
    assert uploads.held("here") == 0
    arrive(manager, "here", "a", 30)
    arrive(manager, "here", "b", 12)
    arrive(manager, "other", "c", 99)
    assert uploads.held("here") == 42
    forget_uploads("here", manager)
    assert uploads.held("here") == 0


def test_an_upload_that_somebody_waits_for_stays(manager: MemoryUploadedFileManager) -> None:
    forget_uploads("here", manager)
    began = time.monotonic()
    arrive(manager, "here", "a")
    SessionUploads().settle("here", "a", began)
    assert list(manager.file_storage["here"]) == ["a"]


def test_an_upload_that_arrives_after_its_session_goes(manager: MemoryUploadedFileManager) -> None:
    began = time.monotonic()
    arrive(manager, "gone", "a")
    SessionUploads().settle("gone", "a", began)
    assert SessionUploads().held("gone") == 0


def test_an_upload_that_was_on_its_way_when_everything_was_deleted_goes(
    manager: MemoryUploadedFileManager,
) -> None:
    began = time.monotonic() - 1
    forget_uploads("here", manager)
    arrive(manager, "here", "late")
    SessionUploads().settle("here", "late", began)
    assert SessionUploads().held("here") == 0


def test_what_is_remembered_of_sessions_is_bounded(manager: MemoryUploadedFileManager) -> None:
    for number in range(1500):
        forget_uploads(str(number), manager)
    assert len(app_uploads._forgotten) <= 1000
