"""Hand frames on without a queue: who is slow gets the newest, not the oldest.

streamlit-webrtc passes frames from the network to the analysis, and from there to the encoder,
through a relay that keeps every frame until it is fetched. Once the encoder is slower than the
camera, what a viewer sees grows older without end.
"""

from __future__ import annotations

from typing import Any

from aiortc import MediaStreamTrack
from aiortc.contrib.media import MediaRelay
from streamlit_webrtc import relay as library


class NewestOnly(MediaRelay):
    """A relay whose subscribers get the newest frame; those between are skipped."""

    def subscribe(self, track: MediaStreamTrack, buffered: bool = False) -> MediaStreamTrack:  # noqa: ARG002
        """A new consumer of a track, whatever it asks for without a buffer."""
        return super().subscribe(track, buffered=False)


def use_newest_only(runtime: Any) -> None:
    """Make streamlit-webrtc use such a relay; call it before a stream starts, as often as you like.

    Args:
        runtime: Streamlit's, where the library keeps its relay for the whole process.
    """
    name = library._SERVER_GLOBAL_RELAY_ATTR_NAME_
    if not isinstance(getattr(runtime, name, None), NewestOnly):
        setattr(runtime, name, NewestOnly())
