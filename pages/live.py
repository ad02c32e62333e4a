"""Live: the webcam with boxes and labels, and beside it what the model sees."""

import streamlit as st
from streamlit_webrtc import WebRtcMode, webrtc_streamer

from fer import charts
from fer.app import ensure_navigation, load_model, looks, show_errors, show_status
from fer.faces import create_detector
from fer.live import ExpressionProcessor, LiveState, ice_servers
from fer.pipeline import Analyzer

#: Seconds between two looks at the latest result.
REFRESH_S = 0.4

#: Seven bars each for so many people, largest face first; the others get a line.
CHARTS = 2

#: What the browser is asked for: enough for a face, and no sound.
CAMERA = {
    "video": {"width": {"ideal": 640}, "height": {"ideal": 480}, "frameRate": {"ideal": 15}},
    "audio": False,
}


def show(state: LiveState) -> None:
    """Show what one stream has come to."""
    if state.error is not None:
        st.warning(state.error, icon=":material/warning:")
        return
    if state.result is None:
        st.caption("The first picture is on its way…")
        return
    speed, effort = st.columns(2)
    speed.metric("Frames per second", f"{state.frames_per_s:.1f}")
    effort.metric("Milliseconds per frame", f"{state.ms_per_frame:.0f}")
    if state.frames_per_s == 0:
        st.caption("The camera sends no pictures any more.")
        return
    people = sorted(state.result.predictions, key=lambda p: -p.face.width * p.face.height)
    if not people:
        st.caption("Nobody is in the picture: come closer, or turn on a light.")
    for place, person in enumerate(people):
        st.markdown(f"**#{person.face.track}** {looks(person)}")
        if place < CHARTS:
            st.altair_chart(charts.expression_bars(person.probabilities, height=190))


ensure_navigation()

st.title("Live")
st.markdown(
    "Look into the camera: every face gets a box and the expression that it shows, as far as "
    "the model can tell."
)
st.info(
    "**What happens with your picture:** while the camera runs, your browser sends it encrypted "
    "to the server of this app. There each frame is analysed in memory, sent back to you with "
    "the boxes drawn, and forgotten: nothing is recorded, stored or passed on, and no sound is "
    "captured. **Stop** ends it at once.",
    icon=":material/privacy_tip:",
)

with show_errors():
    model = load_model()
    servers = ice_servers()
    # Before Start, because it may fetch the detector's file once.
    show_status()

    picture, beside = st.columns([3, 2], gap="large")
    with picture:
        stream = webrtc_streamer(
            key="live",
            mode=WebRtcMode.SENDRECV,
            # Runs on a thread of streamlit-webrtc's own: nothing in it may touch Streamlit.
            video_processor_factory=lambda: ExpressionProcessor(
                lambda: Analyzer(create_detector(), model)
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
        )

    with beside:

        @st.fragment(run_every=REFRESH_S if stream.state.playing else None)
        def follow() -> None:
            """Show the latest result; runs again by itself while the camera is on."""
            processor = stream.video_processor
            if not stream.state.playing:
                st.caption("Press **Start** and allow the camera: the result appears here.")
            elif processor is not None:
                show(processor.latest())

        follow()
