from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from aiortc import MediaStreamTrack
from streamlit_webrtc import relay as library

from fer.live_relay import NewestOnly, use_newest_only


class Camera(MediaStreamTrack):
    """Frames are numbers, as many as asked for, one per turn of the loop."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self.number = 0

    async def recv(self) -> Any:
        await asyncio.sleep(0)
        self.number += 1
        return self.number


def test_a_slow_consumer_gets_the_newest_frame() -> None:
    async def consume() -> tuple[int, int]:
        camera = Camera()
        slow = NewestOnly().subscribe(camera, buffered=True)
        await slow.recv()
        for _ in range(100):
            await asyncio.sleep(0)
        fetched: Any = await slow.recv()
        slow.stop()
        camera.stop()
        return fetched, camera.number

    fetched, newest = asyncio.run(consume())
    assert newest - fetched <= 1


def test_the_library_takes_it_and_keeps_it() -> None:
    runtime = SimpleNamespace()
    use_newest_only(runtime)
    installed = getattr(runtime, library._SERVER_GLOBAL_RELAY_ATTR_NAME_)
    assert isinstance(installed, NewestOnly)
    use_newest_only(runtime)
    assert getattr(runtime, library._SERVER_GLOBAL_RELAY_ATTR_NAME_) is installed
    assert "_SERVER_GLOBAL_RELAY_ATTR_NAME_" in library.get_global_relay.__code__.co_names
