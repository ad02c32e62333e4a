from __future__ import annotations

import asyncio
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from streamlit_webrtc import relay as library

from fer.live.relay import NewestOnly, use_newest_only


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


def test_a_repeated_frame_is_handed_on_once() -> None:
    async def consume() -> list[Any]:
        frames = [object() for _ in range(4)]

        class Repeating(Camera):
            async def recv(self) -> Any:
                return frames[await super().recv() // 3]

        track = NewestOnly().subscribe(Repeating())
        found = [frames.index(await track.recv()) for _ in range(3)]
        track.stop()
        return found

    assert asyncio.run(consume()) == [0, 1, 2]


def test_the_end_of_a_stream_is_handed_on() -> None:
    class Short(Camera):
        async def recv(self) -> Any:
            if self.number == 3:
                raise MediaStreamError
            return await super().recv()

    async def consume() -> tuple[list[int], str, int]:
        track = NewestOnly().subscribe(Short())
        told: list[int] = []
        track.add_listener("ended", lambda: told.append(1))
        seen: list[Any] = []
        with suppress(MediaStreamError):
            while True:
                seen.append(await track.recv())
        return seen, track.readyState, len(told)

    seen, state, times_told = asyncio.run(consume())
    assert seen[0] == 1
    assert (state, times_told) == ("ended", 1)


def test_the_library_takes_it_and_keeps_it() -> None:
    runtime = SimpleNamespace()
    use_newest_only(runtime)
    installed = getattr(runtime, library._SERVER_GLOBAL_RELAY_ATTR_NAME_)
    assert isinstance(installed, NewestOnly)
    use_newest_only(runtime)
    assert getattr(runtime, library._SERVER_GLOBAL_RELAY_ATTR_NAME_) is installed
    assert "_SERVER_GLOBAL_RELAY_ATTR_NAME_" in library.get_global_relay.__code__.co_names
