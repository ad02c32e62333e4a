"""Headers and limits, around an app that says yes to everything."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from fer.app.http_guard import (
    HEADERS,
    App,
    Closed,
    Headers,
    Message,
    Receive,
    Scope,
    Send,
    UploadLimits,
)


async def agreeable(_scope: Scope, _receive: Receive, send: Send) -> None:
    headers = [(b"content-type", b"text/plain"), (b"cache-control", b"public, max-age=99")]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


class NoUploads:
    """An app that holds as much as it is told to, and notes what it could drop."""

    def __init__(self, held: int = 0) -> None:
        self.size = held
        self.settled: list[tuple[str, str, float]] = []

    def held(self, _session: str) -> int:
        return self.size

    def settle(self, session: str, file: str, since: float) -> None:
        self.settled.append((session, file, since))


def limits(app: App, uploads: NoUploads | None = None, **options: Any) -> UploadLimits:
    return UploadLimits(app, uploads or NoUploads(), **options)


async def ask(app: App, path: str = "/", method: str = "GET", size: int | None = 0) -> Message:
    """The first message of an answer."""
    said: list[MutableMapping[str, Any]] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        said.append(message)

    length = [] if size is None else [(b"content-length", str(size).encode())]
    scope = {"type": "http", "path": path, "method": method, "headers": length}
    await app(scope, receive, send)
    return said[0]


def headers(message: Message) -> dict[str, str]:
    return {name.decode().lower(): value.decode() for name, value in message["headers"]}


def test_every_answer_carries_the_headers_that_protect() -> None:
    answer = headers(asyncio.run(ask(Headers(agreeable))))
    assert {name.lower(): value for name, value in HEADERS.items()}.items() <= answer.items()
    assert answer["content-type"] == "text/plain"
    assert "http" not in HEADERS["Content-Security-Policy"]  # no other place, by any protocol


@pytest.mark.parametrize("path", ["/media/1f.jpg", "/prefix/media/1f.mp4", "/_stcore/health"])
def test_pictures_are_not_laid_on_the_browsers_disk(path: str) -> None:
    assert headers(asyncio.run(ask(Headers(agreeable), path)))["cache-control"] == "no-store"
    assert (
        "max-age" in headers(asyncio.run(ask(Headers(agreeable), "/static/x.js")))["cache-control"]
    )


def test_what_is_no_request_passes_unchanged() -> None:
    seen: list[str] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope["type"])

    async def nothing() -> Message:
        return {}

    async def nobody(_message: Message) -> None: ...

    for guard in (Headers(app), Closed(app), limits(app)):
        asyncio.run(guard({"type": "websocket", "path": "/_stcore/stream"}, nothing, nobody))
    assert seen == ["websocket"] * 3


UPLOAD = "/_stcore/upload_file/{}/1f"


def test_a_session_may_send_so_many_files_a_minute() -> None:
    now = [0.0]
    guard = limits(agreeable, files=3, clock=lambda: now[0])

    async def send(session: str) -> int:
        status: int = (await ask(guard, UPLOAD.format(session), "PUT", 10))["status"]
        return status

    assert [asyncio.run(send("a")) for _ in range(4)] == [204, 204, 204, 429]
    assert asyncio.run(send("b")) == 204
    now[0] = 61
    assert asyncio.run(send("a")) == 204


def test_a_session_may_send_so_much_a_minute() -> None:
    guard = limits(agreeable, megabytes=1, clock=lambda: 0.0)
    sizes = [600_000, 300_000, 200_000, 100_000]
    said = [asyncio.run(ask(guard, UPLOAD.format("a"), "PUT", size))["status"] for size in sizes]
    assert said == [204, 204, 429, 204]


def test_a_session_may_hold_so_much() -> None:
    """Whatever the pace: nothing is dropped until the session ends or deletes everything."""
    uploads = NoUploads(held=900_000)
    guard = limits(agreeable, uploads, megabytes=1)
    path = UPLOAD.format("a")
    assert asyncio.run(ask(guard, path, "PUT", 200_000))["status"] == 413
    assert asyncio.run(ask(guard, path, "PUT", 100_000))["status"] == 204
    uploads.size = 0
    assert asyncio.run(ask(guard, path, "PUT", 200_000))["status"] == 204


def test_an_upload_that_tells_no_size_is_refused() -> None:
    """Or pieces without a length would pass every limit that counts bytes."""
    assert asyncio.run(ask(limits(agreeable), UPLOAD.format("a"), "PUT", None))["status"] == 411


def test_what_has_arrived_is_looked_at_again_even_if_that_failed() -> None:
    async def broken(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise ConnectionResetError

    uploads = NoUploads()
    asyncio.run(ask(limits(agreeable, uploads, clock=lambda: 5.0), UPLOAD.format("a"), "PUT"))
    with pytest.raises(ConnectionResetError):
        asyncio.run(ask(limits(broken, uploads, clock=lambda: 6.0), UPLOAD.format("b"), "PUT"))
    assert uploads.settled == [("a", "1f", 5.0), ("b", "1f", 6.0)]


@pytest.mark.parametrize("path", ["/_stcore/metrics", "/prefix/_stcore/agent/interact"])
def test_what_no_visitor_needs_is_closed(path: str) -> None:
    for method in ("GET", "POST"):
        assert asyncio.run(ask(Closed(agreeable), path, method))["status"] == 404
    assert asyncio.run(ask(Closed(agreeable), "/_stcore/health"))["status"] == 204


def test_only_so_many_uploads_are_under_way() -> None:
    async def run() -> list[int]:
        gate = asyncio.Event()

        async def slow(scope: Scope, receive: Receive, send: Send) -> None:
            await gate.wait()
            await agreeable(scope, receive, send)

        guard = limits(slow, at_once=2)
        waiting = [
            asyncio.create_task(ask(guard, UPLOAD.format(session), "PUT")) for session in "ab"
        ]
        await asyncio.sleep(0)
        refused = await ask(guard, UPLOAD.format("c"), "PUT")
        gate.set()
        done = await asyncio.gather(*waiting)
        after = await ask(guard, UPLOAD.format("c"), "PUT")
        return [refused["status"], *(answer["status"] for answer in done), after["status"]]

    assert asyncio.run(run()) == [429, 204, 204, 204]


def test_an_upload_that_fails_makes_room() -> None:
    async def broken(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise ConnectionResetError

    guard = limits(broken, at_once=1)
    for _ in range(2):
        with pytest.raises(ConnectionResetError):
            asyncio.run(ask(guard, UPLOAD.format("a"), "PUT"))


def test_what_is_remembered_of_sessions_is_bounded() -> None:
    guard = limits(agreeable, clock=lambda: 0.0)
    for number in range(1500):
        asyncio.run(ask(guard, UPLOAD.format(number), "PUT"))
    assert len(guard._recent) <= 1000


def test_other_requests_are_not_counted() -> None:
    guard = limits(agreeable, files=1, clock=lambda: 0.0)
    for method, path in (("GET", "/"), ("DELETE", UPLOAD.format("a")), ("OPTIONS", "/x")):
        for _ in range(3):
            assert asyncio.run(ask(guard, path, method))["status"] == 204
