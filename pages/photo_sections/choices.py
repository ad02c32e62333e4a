"""What can be chosen about photos."""

import streamlit as st

from fer.app.common import choose_least_confidence
from fer.photo.analysis import PhotoSettings
from fer.types import Run
from pages.photo_sections.reading import ReadPhoto

#: Where the session keeps whose faces stay visible, by photo.
_VISIBLE = "visible faces"


def choose_settings(run: Run) -> PhotoSettings:
    """Show the choices, folded away.

    Args:
        run: the run that answers; its limit of "unsure" is the one to start from.
    """
    with st.expander("Settings", icon=":material/tune:"):
        least = choose_least_confidence(run)
        with st.container(horizontal=True, gap="large"):
            drawn = st.toggle("Draw boxes and labels", value=True)
            blurred = st.toggle(
                "Blur faces",
                help="In the pictures here and in the download, but for the faces that you choose. "
                "A face that the detector misses cannot be blurred: look before you share.",
            )
    return PhotoSettings(least, drawn, blurred)


def choose_visible(photo: ReadPhoto) -> None:
    """Let the visitor choose the faces of a photo that are not blurred."""
    numbers = range(1, len(photo.found.result.predictions) + 1)
    chosen = st.multiselect(
        "Faces that stay visible",
        numbers,
        default=visible(photo),
        format_func=lambda number: f"face {number}",
        placeholder="none",
        key=f"visible {photo.upload.file_id}",
    )
    st.session_state.setdefault(_VISIBLE, {})[photo.upload.file_id] = tuple(chosen)


def visible(photo: ReadPhoto) -> tuple[int, ...]:
    """Numbers of the faces of a photo that are not blurred."""
    chosen: dict[str, tuple[int, ...]] = st.session_state.get(_VISIBLE, {})
    return chosen.get(photo.upload.file_id, ())
