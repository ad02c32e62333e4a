"""Photo: several uploads or a snapshot; every face with its seven probabilities."""

from typing import NamedTuple

import numpy as np
import PIL.Image
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from fer import annotate, app, charts, report
from fer.app_consent import require_consent
from fer.images import crop_face
from fer.photo_formats import decode_image
from fer.pipeline import Analyzer
from fer.tracking import Tracker
from fer.types import FacePrediction, FrameResult, Image

KINDS = ("jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff")

#: Longest side, in pixels, of a picture kept for showing: enough for a wide screen.
SHOWN_SIDE = 1600


class AnalysedPhoto(NamedTuple):
    """What is kept of a photo for as long as it stays in the list."""

    name: str
    result: FrameResult
    annotated: Image
    crops: list[Image]


def pictures() -> list[UploadedFile]:
    """The uploaded photos, or the snapshot."""
    source = st.segmented_control(
        "Where from",
        ("Upload photos", "Take a snapshot"),
        default="Upload photos",
        required=True,
        label_visibility="collapsed",
    )
    if source == "Take a snapshot":
        snapshot = st.camera_input("Take a snapshot", label_visibility="collapsed", width=560)
        if snapshot is None:
            return []
        snapshot.name = "snapshot.jpg"  # Streamlit names it after the time, to the millisecond
        return [snapshot]
    return st.file_uploader("Photos with faces", type=KINDS, accept_multiple_files=True)


def analyze(photo: UploadedFile, analyzer: Analyzer, least: float) -> AnalysedPhoto:
    """Find the faces of a photo and read their expressions; less sure ones are drawn as unsure."""
    image = decode_image(photo.getvalue())
    result = analyzer.analyze(image)
    numbered = Tracker().update(result)  # a fresh tracker counts the faces from 1
    drawn = PIL.Image.fromarray(annotate.draw(image, numbered, threshold=least))
    drawn.thumbnail((SHOWN_SIDE, SHOWN_SIDE))
    crops = [crop_face(image, prediction.face.box) for prediction in result.predictions]
    return AnalysedPhoto(photo.name, result, np.asarray(drawn), crops)


def show_photo(photo: AnalysedPhoto, least: float) -> None:
    """The photo with its boxes, and each face with its probabilities."""
    found = photo.result.predictions
    with st.container(border=True):
        picture, beside = st.columns([3, 2], gap="large")
        picture.image(
            photo.annotated,
            width="stretch",
            alt=f"{photo.name}, with a box around every face that was found",
        )
        beside.subheader(app.plain(photo.name))
        beside.markdown(f"Faces found: {len(found)}")
        if not found:
            beside.caption("Faces that are turned away, covered or very small are often missed.")
        # Two faces fit beside the photo; the others stand below it in rows of three.
        below = [place for _ in range(2, len(found), 3) for place in st.columns(3)]
        for number, (prediction, crop) in enumerate(zip(found, photo.crops, strict=True), start=1):
            with beside if number <= 2 else below[number - 3]:
                show_face(number, prediction, crop, least)


def show_face(number: int, prediction: FacePrediction, crop: Image, least: float) -> None:
    """What the model saw, and what it says of it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.image(crop, width=64, alt=f"face {number}, grey and small, as the model sees it")
        st.markdown(f"**Face {number}** {app.looks(prediction, least)}", width="stretch")
    st.altair_chart(
        charts.expression_bars(prediction.probabilities, height=180),
        alt=f"probabilities of the seven expressions for face {number}",
    )


app.ensure_navigation()

st.title("Photo")
st.markdown("Every face gets a number, a box, and the probabilities of seven expressions.")
require_consent("photo")
photos = pictures()

with app.show_errors():
    analyzer = app.new_analyzer()
    # Each photo is analysed once; one that is removed is forgotten with its result.
    known = st.session_state.get("photos", {})
    results: dict[tuple[str, float], AnalysedPhoto] = {}
    st.session_state["photos"] = results
    app.show_status()
    least = app.choose_least_confidence(analyzer.classifier.run)
    for photo in photos:
        with app.show_errors(photo.name):
            key = (photo.file_id, least)
            results[key] = known.get(key) or analyze(photo, analyzer, least)
            show_photo(results[key], least)
    if results:
        table = report.faces_table((photo.name, photo.result) for photo in results.values())
        csv = report.format_csv(table)
        st.download_button(
            "Download faces.csv", csv, "faces.csv", icon=":material/download:", on_click="ignore"
        )
