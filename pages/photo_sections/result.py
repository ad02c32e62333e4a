"""What came of photos: a table over all faces, and each photo with its faces."""

import io
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import PIL.Image
import streamlit as st

from fer.app import common
from fer.charts.face import expression_bars
from fer.photo.analysis import PhotoSettings, make_picture
from fer.types import Detector, FacePrediction, Image
from pages.photo_sections.choices import choose_visible, visible
from pages.photo_sections.reading import ReadPhoto

#: Photos shown at a time.
_PER_PAGE: Final = 5


def show_table(photos: Sequence[ReadPhoto], least: float) -> None:
    """One row per face, and one for a photo without any."""
    rows = [row for photo in photos for row in _rows(photo, least)]
    st.dataframe(
        rows,
        hide_index=True,
        placeholder="",
        height="content" if len(rows) <= 10 else 390,
        column_config={
            "confidence": st.column_config.ProgressColumn(
                format="%.0f%%", min_value=0, max_value=100
            )
        },
    )


def _rows(photo: ReadPhoto, least: float) -> list[dict[str, Any]]:
    people = photo.found.result.predictions
    if not people:
        return [{"photo": photo.found.name, "face": None, "looks": "no face found"}]
    return [
        {
            "photo": photo.found.name,
            "face": person.face.track,
            "looks": person.label
            if person.confidence >= least
            else f"unsure, most like {person.label}",
            "confidence": 100 * person.confidence,
            "trust it less: it is": ", ".join(f for f in person.quality if f != "uncertain"),
        }
        for person in people
    ]


def show_photos(photos: Sequence[ReadPhoto], settings: PhotoSettings, detector: Detector) -> None:
    """The photos with their faces, a few at a time."""
    pages = -(-len(photos) // _PER_PAGE)
    page = st.pagination(pages) if pages > 1 else 1
    for photo in photos[(page - 1) * _PER_PAGE : page * _PER_PAGE]:
        _show(photo, settings, detector)


def _show(photo: ReadPhoto, settings: PhotoSettings, detector: Detector) -> None:
    people = photo.found.result.predictions
    with st.container(border=True):
        picture, beside = st.columns([3, 2], gap="medium")
        beside.subheader(common.plain(photo.found.name))
        for note in photo.found.notes:
            beside.caption(note)
        beside.markdown(f"Faces found: {len(people)}")
        if not people:
            beside.caption("Faces that are turned away, covered or very small are often missed.")
        elif settings.blurred:
            with beside:
                choose_visible(photo)
        with PIL.Image.open(io.BytesIO(photo.small)) as small:
            image = np.asarray(small)
        picture.image(
            make_picture(image, photo.found.result, settings, detector, visible(photo)),
            width="content",  # a small photo stays small
            alt=f"{photo.found.name}, with its faces numbered",
        )
        # Two faces fit beside the photo; the others stand below it in rows of three.
        below = [place for _ in range(2, len(people), 3) for place in st.columns(3)]
        for number, (person, crop) in enumerate(zip(people, photo.crops, strict=True)):
            hidden = settings.blurred and number + 1 not in visible(photo)
            with beside if number < 2 else below[number - 2]:
                _show_face(person, None if hidden else crop, settings.least_confidence)


def _show_face(person: FacePrediction, crop: Image | None, least: float) -> None:
    """What the model saw, unless it is to stay hidden, and what it says of it."""
    number = person.face.track
    with st.container(horizontal=True, vertical_alignment="center"):
        if crop is not None:
            st.image(crop, width=64, alt=f"face {number}, grey and small, as the model sees it")
        st.markdown(f"**Face {number}** {common.looks(person, least)}", width="stretch")
    st.altair_chart(
        expression_bars(person.probabilities, height=180),
        alt=f"probabilities of the seven expressions for face {number}",
    )
