"""Uploads between the web server and the sessions: how much is held, and nothing for nobody.

Streamlit keeps a session's uploads until the session ends. One that is still on its way then, or
when its visitor deletes everything, would arrive later and stay: for good, or unseen.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Final

from streamlit.runtime import Runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileManager

#: Sessions of which it is remembered when they deleted everything.
_SESSIONS: Final = 1000

#: When sessions did so last, on ``time.monotonic``'s clock; the latest last.
_forgotten: OrderedDict[str, float] = OrderedDict()


def forget_uploads(session: str, manager: UploadedFileManager) -> None:
    """Drop all that a session has uploaded, and what is on its way when it arrives.

    Args:
        session: its name.
        manager: keeps the uploads.
    """
    _forgotten[session] = time.monotonic()
    _forgotten.move_to_end(session)
    while len(_forgotten) > _SESSIONS:
        _forgotten.popitem(last=False)
    manager.remove_session_files(session)


class SessionUploads:
    """The uploads of the running app, as :class:`fer.app.http_guard.Uploads` has them."""

    def held(self, session: str) -> int:
        """Bytes of a session's uploads."""
        files = list(_manager().file_storage.get(session, {}).values())
        return sum(len(file.data) for file in files)

    def settle(self, session: str, file: str, since: float) -> None:
        """Drop an upload whose session has ended, or has deleted everything, meanwhile."""
        ended = not Runtime.instance().is_active_session(session)
        if ended or _forgotten.get(session, since) > since:
            _manager().remove_file(session, file)


def _manager() -> MemoryUploadedFileManager:
    manager = Runtime.instance().uploaded_file_mgr
    assert isinstance(manager, MemoryUploadedFileManager)  # noqa: S101 Streamlit's only one
    return manager
