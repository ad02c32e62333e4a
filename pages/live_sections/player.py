"""The player: camera, connection, and a snapshot of what it shows."""

from typing import Any, Final

import streamlit as st
from aiortc.exceptions import InvalidStateError
from streamlit import runtime
from streamlit_webrtc import Translations, WebRtcMode, WebRtcStreamerContext, webrtc_streamer
from streamlit_webrtc.webrtc import SignallingTimeoutError

from fer.classifier import FacialExpressionModel
from fer.errors import FerError
from fer.faces import create_detector
from fer.live.check import CUT_OFF, RELAY_SILENT
from fer.live.processor import ExpressionProcessor
from fer.live.relay import use_newest_only
from fer.live.session import LiveSession
from fer.pipeline import Analyzer
from pages.live_sections.resolution import desired_state, forget_restart, go_on_with_restart
from pages.live_sections.shared import player_key, player_stayed

#: Asked of the camera per second: enough for a face, and what a small server can follow.
_RATE: Final = 15

#: What the player says.
_WORDS: Final[Translations] = {
    "select_device": "Choose camera",
    "device_ask_permission": "Please allow the camera in the browser's question.",
    "device_access_denied": "The browser was told not to give out the camera. Allow it in the "
    "address bar's site settings, then reload this page.",
    "device_not_available": "No camera was found, or another program is using it.",
    "media_api_not_available": "Browsers give out the camera only to pages on HTTPS or localhost.",
}

Stream = WebRtcStreamerContext[ExpressionProcessor, Any]


def show_player(
    session: LiveSession,
    model: FacialExpressionModel,
    size: tuple[int, int],
    servers: list[dict[str, Any]] | None,
    limit: int,
) -> Stream:
    """Show the player with its buttons.

    Args:
        session: what the stream's settings come from and its results go to.
        model: shared by all streams.
        size: what the camera is asked for, width and height in pixels.
        servers: ICE servers; None leaves them to streamlit-webrtc.
        limit: how many streams the server analyses at once.

    Raises:
        FerError: if the server's own side of the connection could not be made.
    """
    width, height = size
    if not player_stayed():
        forget_restart()
    if runtime.exists():
        use_newest_only(runtime.get_instance())
    try:
        stream: Stream = webrtc_streamer(
            key=player_key(),
            mode=WebRtcMode.SENDRECV,
            # Runs on a thread of streamlit-webrtc's own: nothing in it may touch Streamlit.
            video_processor_factory=lambda: ExpressionProcessor(
                lambda: Analyzer(create_detector(), model), session=session, limit=limit
            ),
            rtc_configuration=None if servers is None else {"iceServers": servers},
            media_stream_constraints={
                "video": {
                    "width": {"ideal": width},
                    "height": {"ideal": height},
                    "frameRate": {"ideal": _RATE},
                },
                "audio": False,
            },
            desired_playing_state=desired_state(),
            sendback_audio=False,
            media_toggle_controls=False,
            video_html_attrs={
                "autoPlay": True,
                "controls": False,
                "muted": True,
                "style": {"width": "100%", "borderRadius": "0.5rem"},
            },
            translations=_WORDS,
        )
    except SignallingTimeoutError as exc:
        raise FerError(RELAY_SILENT) from exc
    except (InvalidStateError, OSError) as exc:
        raise FerError(CUT_OFF) from exc
    go_on_with_restart()
    return stream


def offer_snapshot(stream: Stream) -> None:
    """A button that hands out the picture as it is shown at the moment of the click."""

    def picture() -> bytes:
        processor = stream.video_processor
        return (processor.snapshot() if processor is not None else None) or b""

    st.download_button(
        "Snapshot",
        picture,
        "snapshot.png",
        "image/png",
        on_click="ignore",
        icon=":material/photo_camera:",
        disabled=not stream.state.playing,
        help="The picture as it is shown, with its boxes. It is not kept here.",
    )
