"""One viewer, in a process of its own: opens the page, sends the clip, times what comes back.

Writes a line per picture that is new and has something drawn on it: when it came, in seconds of the
machine's monotonic clock, its age in milliseconds since it was sent, and its width in pixels.
"""

from __future__ import annotations

import argparse
import asyncio
import fractions
import signal
import time
from collections import deque
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError

from tools.live_load import clip
from tools.live_load.namespace import refuse_outside
from tools.live_load.page import LivePage

_CLOCK: Final = 90_000

#: A picture with so many coloured pixels (of a quarter of all) has a box on it.
_COLOURED: Final = 60

#: How a camera may misbehave, once its process is sent ``SIGUSR1``.
FAULTS: Final = ("none", "size", "silent")

#: Frames between two changes of size.
_SIZE_FRAMES: Final = 15


class Camera(MediaStreamTrack):
    """Sends the clip at its own pace, and remembers when it sent which frame."""

    kind = "video"

    def __init__(self, clips: tuple[clip.Clip, ...], fault: str) -> None:
        super().__init__()
        self._clips, self._fault = clips, fault
        self.misbehaves = asyncio.Event()
        self._number = 0
        self._begun_s = 0.0
        self.sent: deque[tuple[int, float]] = deque(maxlen=clip.FRAMES)

    async def recv(self) -> Any:  # aiortc takes encoded frames too
        """The next encoded frame, when it is due."""
        if self.readyState != "live":
            raise MediaStreamError
        if self._number == 0:
            self._begun_s = time.monotonic()
        passed_s = time.monotonic() - self._begun_s
        fault = self._fault if self.misbehaves.is_set() else "none"
        if fault == "silent":
            await asyncio.sleep(3600)
        await asyncio.sleep(max(0.0, self._number / clip.FPS - passed_s))
        changed = fault == "size" and self._number // _SIZE_FRAMES % 2
        packets = self._clips[1 if changed else 0].packets
        packet = av.Packet(packets[self._number % clip.FRAMES])
        packet.pts = self._number * _CLOCK // clip.FPS
        packet.time_base = fractions.Fraction(1, _CLOCK)
        self.sent.append((self._number % clip.FRAMES, time.monotonic()))
        self._number += 1
        return packet


async def watch(track: MediaStreamTrack, camera: Camera, target: Path) -> None:
    """Time every new picture with something drawn on it."""
    last = -1
    with target.open("w", buffering=1, encoding="utf-8") as lines:
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            now_s = time.monotonic()
            planes = frame.to_ndarray(format="yuv420p")  # type: ignore[union-attr]
            height = planes.shape[0] * 2 // 3
            number = clip.read_number(planes[:height])
            colours = planes[height:].astype(int)
            drawn = int((np.abs(colours - 128) > 24).sum()) > _COLOURED
            sent = [at_s for n, at_s in camera.sent if n == number]
            if drawn and sent and number != last:
                last = number
                width = planes.shape[1]
                lines.write(f"{now_s:.4f} {1000 * (now_s - sent[-1]):.1f} {width}\n")


async def view(address: str, clips: tuple[clip.Clip, ...], fault: str, target: Path) -> None:
    """Watch until the process is told to stop."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    page = LivePage(address)
    await page.open()
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    camera = Camera(clips, fault)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, camera.misbehaves.set)
    watching: list[asyncio.Task[None]] = []
    connected = asyncio.Event()

    @connection.on("track")
    def on_track(track: MediaStreamTrack) -> None:
        watching.append(asyncio.create_task(watch(track, camera, target)))

    @connection.on("connectionstatechange")
    def on_state() -> None:
        if connection.connectionState == "connected":
            connected.set()

    connection.addTransceiver(camera, "sendrecv").setCodecPreferences(
        [c for c in RTCRtpSender.getCapabilities("video").codecs if c.mimeType == "video/VP8"]
    )
    await connection.setLocalDescription(await connection.createOffer())
    local = connection.localDescription
    await connection.setRemoteDescription(
        RTCSessionDescription(*await page.offer(local.sdp, local.type))
    )
    async with asyncio.timeout(30):
        await connected.wait()
    await page.play()
    await stop.wait()
    await connection.close()
    await page.close()


def main() -> None:
    """Run one viewer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("clips", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--fault", choices=FAULTS, default="none")
    given = parser.parse_args()
    refuse_outside()
    asyncio.run(view(given.address, clip.load(given.clips), given.fault, given.target))


if __name__ == "__main__":
    main()
