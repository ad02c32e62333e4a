"""What the web server says and allows besides Streamlit: headers that protect, limits on uploads.

Plain ASGI, without Streamlit: ``server.py`` puts it around the app.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, Protocol

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

#: Scripts and styles that stand in the page and code that Vega's charts make are Streamlit's way;
#: what matters most holds all the same: nothing is loaded from, or sent to, another place.
_POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self' data: blob:; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)

HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

#: Where pictures and downloads come from: a browser is not to lay them on its disk.
_PRIVATE: Final = ("/media/", "/_stcore/")

#: Where Streamlit tells whoever asks how much the app is used, and what other programs may ask.
_CLOSED: Final = ("/_stcore/metrics", "/_stcore/agent")

_UPLOADS: Final = "/_stcore/upload_file/"

#: Sessions whose uploads are remembered.
_SESSIONS: Final = 1000


class Headers:
    """Adds headers that protect to every answer.

    Args:
        app: answers.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        extra = dict(HEADERS)
        if any(part in scope["path"] for part in _PRIVATE):
            extra["Cache-Control"] = "no-store"
        names = {name.lower().encode() for name in extra}

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [pair for pair in message.get("headers", ()) if pair[0].lower() not in names]
                added = [(name.lower().encode(), value.encode()) for name, value in extra.items()]
                message["headers"] = kept + added
            await send(message)

        await self._app(scope, receive, send_with_headers)


class Closed:
    """Answers that there is nothing (404) where no visitor of the app has to go.

    Args:
        app: answers everything else.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http" and any(part in scope["path"] for part in _CLOSED):
            await _refuse(send, 404, "There is nothing here.")
            return
        await self._app(scope, receive, send)


class Uploads(Protocol):
    """What the app knows of the uploads that it holds."""

    def held(self, session: str) -> int:
        """Bytes of a session's uploads."""

    def settle(self, session: str, file: str, since: float) -> None:
        """Drop an upload that nobody waits for any more.

        Args:
            session: that sent it.
            file: its name in the session.
            since: when it began to arrive, on the clock of ``UploadLimits``.
        """


class UploadLimits:
    """Refuses a session's uploads that are too many or too much at a time.

    Streamlit itself limits the size of one file.

    Args:
        app: takes uploads.
        uploads: those that the app holds.
        files: how many a session may send per minute.
        megabytes: how much a session may send per minute, and how much it may hold.
        at_once: how many uploads of all sessions together may be under way.
        clock: seconds that never run backwards.
    """

    def __init__(
        self,
        app: App,
        uploads: Uploads,
        *,
        files: int = 120,
        megabytes: int = 1000,
        at_once: int = 16,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._uploads = uploads
        self._files, self._bytes, self._at_once = files, megabytes * 1_000_000, at_once
        self._clock = clock
        self._under_way = 0
        # Times and sizes of the last minute's uploads, by session, the latest last.
        self._recent: OrderedDict[str, deque[tuple[float, int]]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer that it is too much (413, 429) or tells no size (411)."""
        place = scope["path"].find(_UPLOADS) if scope["type"] == "http" else -1
        if place < 0 or scope["method"] != "PUT":
            await self._app(scope, receive, send)
            return
        session, _, file = scope["path"][place + len(_UPLOADS) :].partition("/")
        size = _announced(scope)
        if size is None:  # no browser does so, and it could not be counted
            await _refuse(send, 411, "Say how large the file is.")
        elif self._uploads.held(session) + size > self._bytes:
            await _refuse(send, 413, "This session holds too much. Delete everything, then go on.")
        elif self._under_way >= self._at_once or not self._takes(session, size):
            await _refuse(send, 429, "Too many files at once. Wait a minute, then go on.")
        else:
            self._under_way += 1
            began = self._clock()
            try:
                await self._app(scope, receive, send)
            finally:
                self._under_way -= 1
                self._uploads.settle(session, file, began)

    def _takes(self, session: str, size: int) -> bool:
        now = self._clock()
        recent = self._recent.setdefault(session, deque())
        self._recent.move_to_end(session)
        while len(self._recent) > _SESSIONS:
            self._recent.popitem(last=False)
        while recent and now - recent[0][0] > 60:
            recent.popleft()
        if len(recent) >= self._files or sum(sent for _, sent in recent) + size > self._bytes:
            return False
        recent.append((now, size))
        return True


def _announced(scope: Scope) -> int | None:
    """How large a request says that it is; the server reads no more than that."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return None


async def _refuse(send: Send, status: int, text: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    if status == 429:
        headers.append((b"retry-after", b"60"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})
