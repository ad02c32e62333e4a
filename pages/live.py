"""Live: the webcam with boxes and labels, and beside it what the model sees."""

import streamlit as st
from streamlit_webrtc import Translations, WebRtcMode, webrtc_streamer

from fer import app, charts
from fer.app_consent import require_consent
from fer.faces import create_detector
from fer.live import ExpressionProcessor, LiveState, ice_servers
from fer.pipeline import Analyzer

#: Seconds between two looks at the latest result.
REFRESH_S = 0.4

#: So many people get seven bars each, the others a line.
CHARTS = 4

#: What the browser is asked for: enough for a face, and no sound.
CAMERA = {
    "video": {"width": {"ideal": 640}, "height": {"ideal": 480}, "frameRate": {"ideal": 15}},
    "audio": False,
}

#: What the player says.
WORDS: Translations = {
    "select_device": "Choose camera",
    "device_ask_permission": "Please allow the camera in the browser's question.",
    "device_access_denied": "The browser was told not to give out the camera. Allow it in the "
    "address bar's site settings, then reload this page.",
    "device_not_available": "No camera was found, or another program is using it.",
    "media_api_not_available": "Browsers give out the camera only to pages on HTTPS or localhost.",
}


def show_note() -> None:
    """Say, before Start, what happens with the picture."""
    st.info(
        "**What happens with your picture:** while the camera runs, your browser sends it "
        "encrypted to the server of this app. There each frame is analysed in memory, sent back "
        "to you with the boxes drawn, and forgotten. Nothing is recorded, stored or passed on, "
        "and no sound is captured. **Stop** ends it at once.",
        icon=":material/shield_person:",
    )
    st.caption("Press **Start** and allow the camera: the result appears here.")


def show(state: LiveState, least: float) -> None:
    """Show what a stream has come to."""
    if state.error is not None:
        st.warning(state.error, icon=":material/warning:")
        return
    if state.result is None:
        st.caption("The first picture is on its way…")
        return
    with st.container(horizontal=True):
        st.metric("Frames per second", f"{state.frames_per_s:.1f}")
        st.metric("Milliseconds per frame", f"{state.ms_per_frame:.0f}")
    if state.frames_per_s == 0:
        st.caption("The camera sends no pictures any more.")
        return
    if not state.result.predictions:
        st.caption("Nobody is in the picture: come closer, or turn on a light.")
    # In the order of their numbers, so that people do not change places beside the picture.
    people = sorted(state.result.predictions, key=lambda person: person.face.track or 0)
    for place, person in enumerate(people):
        st.markdown(f"**#{person.face.track}** {app.looks(person, least)}")
        if place < CHARTS:
            st.altair_chart(
                charts.expression_bars(person.probabilities, height=190),
                alt=f"probabilities of the seven expressions for #{person.face.track}",
            )


app.ensure_navigation()

st.title("Live")
st.markdown(
    "Look into the camera: every face gets a box and the expression that it shows, as far as "
    "the model can tell."
)
require_consent("live")
with app.show_errors():
    model = app.load_model()
    least = app.unsure_threshold(model.run)
    servers = ice_servers()
    app.show_status()

    picture, beside = st.columns([3, 2], gap="large")
    with picture:
        stream = webrtc_streamer(
            key="live",
            mode=WebRtcMode.SENDRECV,
            # Runs on a thread of streamlit-webrtc's own: nothing in it may touch Streamlit.
            video_processor_factory=lambda: ExpressionProcessor(
                lambda: Analyzer(create_detector(), model), least=least
            ),
            rtc_configuration=None if servers is None else {"iceServers": servers},
            media_stream_constraints=CAMERA,
            sendback_audio=False,
            media_toggle_controls=False,
            video_html_attrs={
                "autoPlay": True,
                "controls": False,
                "muted": True,
                "style": {"width": "100%", "borderRadius": "0.5rem"},
            },
            translations=WORDS,
        )

    with beside:

        @st.fragment(run_every=REFRESH_S if stream.state.playing else None)
        def follow() -> None:
            """Show the latest result; runs again by itself while the camera is on."""
            processor = stream.video_processor
            if processor is not None and stream.state.playing:
                show(processor.latest(), least)
            else:
                show_note()

        follow()
