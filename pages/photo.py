"""Photo: several uploads or a snapshot; every face with its seven probabilities."""

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from fer.app import common
from fer.app.consent import require_consent
from fer.app.session import take_files, widget_key
from fer.operator import load_operator
from pages.photo_sections.choices import choose_settings
from pages.photo_sections.downloads import offer_bundle
from pages.photo_sections.reading import read_all
from pages.photo_sections.result import show_photos, show_table

KINDS = ("jpg", "jpeg", "png", "webp", "heic", "heif", "bmp", "gif", "tif", "tiff")
UPLOAD, SNAPSHOT = "Upload photos", "Take a snapshot"


def take_photos() -> list[UploadedFile]:
    """The uploaded photos, or the snapshot."""
    source = SNAPSHOT
    if load_operator().features.upload:
        source = st.segmented_control(
            "Where from",
            (UPLOAD, SNAPSHOT),
            default=UPLOAD,
            required=True,
            label_visibility="collapsed",
        )
    if source == UPLOAD:
        return take_files("Photos with faces", "photos", KINDS)
    snapshot = st.camera_input(
        SNAPSHOT, label_visibility="collapsed", width=560, key=widget_key("snapshot")
    )
    if snapshot is None:
        return []
    snapshot.name = "snapshot.jpg"  # Streamlit names it after the time, to the millisecond
    return [snapshot]


common.ensure_navigation()

st.title("Photo")
st.markdown("Every face gets a number, a box, and the probabilities of seven expressions.")
require_consent("photo")

with common.show_errors():
    analyzer = common.new_analyzer()
    uploads = take_photos()
    common.show_status()
    settings = choose_settings(analyzer.classifier.run)
    photos = read_all(uploads, analyzer)
    if photos:
        show_table(photos, settings.least_confidence)
        offer_bundle(photos, settings, analyzer)
        show_photos(photos, settings, analyzer.detector)
