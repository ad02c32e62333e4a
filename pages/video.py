"""Video: analyse clips frame by frame; watch, explore and download the result."""

import streamlit as st

from fer.app.common import ensure_navigation, load_model, show_errors, show_status
from fer.app.consent import require_consent
from fer.app.session import take_files
from fer.media import sample
from pages.video_sections import result, several
from pages.video_sections.analysis import analyze_all, wait_for_interrupted
from pages.video_sections.choices import choose_settings

KINDS = ("mp4", "mov", "mkv", "webm", "avi", "m4v", "gif")

ensure_navigation()

st.title("Video")
st.markdown("Each face gets a box, a number that follows it, and seven probabilities along time.")
require_consent("video")
with show_errors():
    show_status()
    uploads = take_files("Videos with faces", "videos", KINDS)
    settings = choose_settings(load_model().run)
    with st.container(horizontal=True):
        chosen = st.button("Analyse", type="primary", disabled=not uploads)
        sampled = st.button("Use the sample clip")
    st.caption("Videos stay in this server's memory and go with your session.")
    if sampled:
        analyze_all([("sample.mp4", sample.open_clip())], settings)
    elif chosen:
        analyze_all([(upload.name, upload) for upload in uploads], settings)
    wait_for_interrupted()
    for name, error in st.session_state.get("refused", ()):
        with show_errors(name):
            raise error
    videos = st.session_state.get("videos", ())
    if len(videos) > 1:
        several.show_overview(videos)
    if videos:
        result.show(several.choose(videos))
