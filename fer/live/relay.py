"""Hand frames on without a queue, and each once: who is slow gets the newest, not the oldest.

streamlit-webrtc passes frames from the network to the analysis, and from there to the encoder,
through a relay that keeps every frame until it is fetched. Once the encoder is slower than the
camera, what a viewer sees grows older without end. And where the analysis is slower than the
camera, its last frame comes again with every frame of the camera's: encoding it anew each time
would take from the analysis what little there is.
"""

from __future__ import annotations

from typing import Any

from aiortc import MediaStreamTrack
from aiortc.contrib.media import MediaRelay
from streamlit_webrtc import relay as library


class NewestOnly(MediaRelay):
    """A relay whose subscribers get the newest frame, once; those between are skipped."""

    def subscribe(self, track: MediaStreamTrack, buffered: bool = False) -> MediaStreamTrack:  # noqa: ARG002
        """A new consumer of a track, whatever it asks for without a buffer."""
        return _EachOnce(super().subscribe(track, buffered=False))


class _EachOnce(MediaStreamTrack):
    """A track without the frames that it repeats."""

    def __init__(self, source: MediaStreamTrack) -> None:
        super().__init__()
        self.kind = source.kind
        self._source = source
        self._last: Any = None
        source.add_listener("ended", self.stop)

    async def recv(self) -> Any:
        """The next frame that is not the one before."""
        frame = await self._source.recv()
        while frame is self._last:
            frame = await self._source.recv()
        self._last = frame
        return frame

    def stop(self) -> None:
        """Stop for good; the source, which is this consumer's own, too."""
        super().stop()
        self._source.stop()
        self._last = None


def use_newest_only(runtime: Any) -> None:
    """Make streamlit-webrtc use such a relay; call it before a stream starts, as often as you like.

    Args:
        runtime: Streamlit's, where the library keeps its relay for the whole process.
    """
    name = library._SERVER_GLOBAL_RELAY_ATTR_NAME_
    if not isinstance(getattr(runtime, name, None), NewestOnly):
        setattr(runtime, name, NewestOnly())
