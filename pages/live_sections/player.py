"""The player: camera, connection, resolution, and starting again when that changes."""

import time
from typing import Any, Final

import streamlit as st
from aiortc.exceptions import InvalidStateError
from streamlit import runtime
from streamlit_webrtc import Translations, WebRtcMode, WebRtcStreamerContext, webrtc_streamer
from streamlit_webrtc.webrtc import SignallingTimeoutError

from fer.app_session import widget_key
from fer.classifier import FacialExpressionModel
from fer.errors import FerError
from fer.faces import create_detector
from fer.live import ExpressionProcessor
from fer.live_check import CUT_OFF, RELAY_SILENT
from fer.live_relay import use_newest_only
from fer.live_session import LiveSession
from fer.pipeline import Analyzer

#: What may be asked of the camera: width and height in pixels.
_SIZES: Final = {
    "Small (320 × 240)": (320, 240),
    "Standard (640 × 480)": (640, 480),
    "Large (1280 × 720)": (1280, 720),
}

#: Asked of the camera per second: enough for a face, and what a small server can follow.
_RATE: Final = 15

#: Seconds that a camera may take to start again with another resolution.
_RESTART_S: Final = 5.0

#: Where the session keeps how far such a new start is: ``("stop" or "start", since when)``.
_RESTART: Final = "live restart"

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


def choose_size() -> tuple[int, int]:
    """Let the visitor choose what the camera is asked for: width and height in pixels."""
    chosen = st.selectbox(
        "Resolution",
        list(_SIZES),
        index=1,
        on_change=_restart,
        width=280,
        help="What the camera is asked for. A change starts it again, and its summary too. Large "
        "makes small faces easier to find, and the answer slower.",
    )
    return _SIZES[chosen]


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
    if runtime.exists():
        use_newest_only(runtime.get_instance())
    try:
        stream: Stream = webrtc_streamer(
            key=_key(),
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
            desired_playing_state=_desired(),
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
    if st.session_state.get(_RESTART, ("", 0.0))[0] == "stop" and not is_on():
        # It has just told that it stopped, after it was told what to do: nothing else would
        # bring the next run, in which it is to start.
        st.rerun()
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


def is_on() -> bool:
    """Whether the visitor's camera runs, or is about to."""
    stream: Stream | None = st.session_state.get(_key())
    return stream is not None and (stream.state.playing or stream.state.signalling)


def is_restarting() -> bool:
    """Whether the camera is about to start again by itself."""
    return _RESTART in st.session_state


def _key() -> str:
    """The player's; another one after all was deleted, which ends what was running."""
    return widget_key("live")


def _restart() -> None:
    if is_on():
        st.session_state[_RESTART] = ("stop", time.monotonic())


def _desired() -> bool | None:
    """What the player is told to do: to stop, then to start; None leaves it to its buttons."""
    step, since_s = st.session_state.get(_RESTART, (None, 0.0))
    if step is None:
        return None
    if time.monotonic() - since_s <= _RESTART_S:
        if step == "stop" and is_on():
            return False
        if not is_on():
            st.session_state[_RESTART] = ("start", since_s)
            return True
    del st.session_state[_RESTART]
    return None
