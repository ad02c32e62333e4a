"""Live: the webcam with boxes and labels, and beside it what the model sees."""

import streamlit as st

from fer.app import common
from fer.app.consent import require_consent
from fer.live.seats import SEATS
from fer.live.servers import ice_servers
from fer.operator import load_operator
from pages.live_sections.beside import show_beside
from pages.live_sections.check import offer_check, show_findings
from pages.live_sections.choices import choose_settings
from pages.live_sections.connection import connected, show_connection, show_full
from pages.live_sections.player import offer_snapshot, show_player
from pages.live_sections.resolution import is_restarting
from pages.live_sections.shared import is_on, live_session, served_model
from pages.live_sections.snapshots import show_snapshots
from pages.live_sections.summary import show_summary

common.ensure_navigation()

st.title("Live")
st.markdown(
    "Look into the camera: every face gets a box and the expression that it shows, as far as "
    "the model can tell."
)
require_consent("live")
with common.show_errors():
    session, model = live_session(), served_model()
    servers, decided = ice_servers(), load_operator()
    room = is_on() or SEATS.taken() < decided.limits.live_sessions

    # The picture comes first, but what is chosen below it must be known before.
    picture, beside = st.columns([3, 2], gap="medium")
    with st.expander("Settings", icon=":material/tune:"):
        session.settings, size = choose_settings(model.run)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        snapshots = st.toggle(
            "Snapshots instead of video",
            help="Single pictures: they need no video connection, so they work in any network.",
        )
        facts = offer_check(servers)
    show_findings(facts, servers, room=room)
    if snapshots:
        show_snapshots(picture, beside, session.settings)
    elif not room:
        with picture:
            show_full()
    else:
        with picture:
            stream = show_player(session, model, size, servers, decided.limits.live_sessions)
            if decided.features.download:
                offer_snapshot(stream)
        with beside:
            if stream.state.playing:
                connected()
                show_beside(stream, session)
            else:
                show_connection(stream)
        if not is_on() and not is_restarting():
            show_summary(session, downloads=decided.features.download)
with common.show_errors():
    common.show_status()
