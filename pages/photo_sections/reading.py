"""Read photos one after another, each once; forget those that are taken away."""

import io
from collections.abc import Sequence
from typing import Final, NamedTuple

import PIL.Image
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from fer.app.common import show_errors
from fer.artifacts import served_hash
from fer.images import crop_face
from fer.operator import load_operator
from fer.photo.analysis import PhotoResult, analyze_photo, shrink
from fer.photo.bundle import distinct
from fer.pipeline import Analyzer
from fer.sandbox import restricted
from fer.types import Image

#: Longest side, in pixels, of a picture kept for showing: enough for a wide screen.
_SHOWN_SIDE: Final = 1600


class ReadPhoto(NamedTuple):
    """What a session keeps of a photo for as long as it stays in the list.

    The photo itself is decoded again where all of its pixels are wanted: fifty of them would
    not fit into memory.
    """

    upload: UploadedFile
    found: PhotoResult
    small: bytes
    crops: list[Image]


def read_all(uploads: Sequence[UploadedFile], analyzer: Analyzer) -> list[ReadPhoto]:
    """Read all photos that have not been read before, and show what cannot be read."""
    limit = load_operator().limits.photos
    if len(uploads) > limit:
        st.warning(f"This server reads {limit} photos at a time: the first {limit} are read.")
        uploads = uploads[:limit]
    known: dict[str, ReadPhoto] = st.session_state.get("photos", {})
    read: dict[str, ReadPhoto] = {}
    st.session_state["photos"] = read
    fresh = sum(_key(upload, analyzer) not in known for upload in uploads)
    bar = st.progress(0.0, "Reading…") if fresh > 1 else None
    names = distinct(upload.name for upload in uploads)
    for number, (upload, name) in enumerate(zip(uploads, names, strict=True), start=1):
        key = _key(upload, analyzer)
        with show_errors(name):
            read[key] = known.get(key) or _read(upload, name, analyzer)
        if bar is not None:
            bar.progress(number / len(uploads), f"Photo {number} of {len(uploads)}")
    if bar is not None:
        bar.empty()
    return list(read.values())


def _key(upload: UploadedFile, analyzer: Analyzer) -> str:
    """Another one for another model: what one has read, another reads anew."""
    return f"{upload.file_id} {served_hash(analyzer.classifier.run)}"


def _read(upload: UploadedFile, name: str, analyzer: Analyzer) -> ReadPhoto:
    photo = restricted.decode_photo(upload.getvalue())
    found = analyze_photo(photo, analyzer, name)
    small = io.BytesIO()
    PIL.Image.fromarray(shrink(photo.image, _SHOWN_SIDE)).save(small, "JPEG", quality=90)
    faces = [person.face for person in found.result.predictions]
    crops = [crop_face(photo.image, face.box, face.landmarks) for face in faces]
    return ReadPhoto(upload, found, small.getvalue(), crops)
