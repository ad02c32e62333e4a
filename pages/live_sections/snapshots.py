"""Single pictures by the browser's own camera widget, where no live video gets through."""

from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fer.app import common
from fer.app.session import widget_key
from fer.live import html as live_html
from fer.live.labels import SteadyLabels
from fer.live.picture import LivePicture
from fer.live.settings import LiveSettings
from fer.sandbox.restricted import decode_image
from fer.tracking import Tracker


def show_snapshots(picture: DeltaGenerator, beside: DeltaGenerator, settings: LiveSettings) -> None:
    """Take a picture and show what is seen in it.

    Args:
        picture: where the camera and the picture go.
        beside: where the people in it go.
        settings: how to draw it, but as it was taken: the widget does not mirror it either.

    Raises:
        FerError: if the picture cannot be read.
    """
    with picture:
        taken = st.camera_input("Take a picture", key=widget_key("live snapshot"))
    if taken is None:
        with beside:
            st.caption("The picture is sent like any upload, analysed in memory, and forgotten.")
        return
    image = decode_image(taken.getvalue())
    found = common.new_analyzer().analyze(image)
    result = Tracker(least_confidence=settings.least_confidence).update(found)
    labels = SteadyLabels().update(result, 0.0)
    with picture:
        as_taken = replace(settings, mirror=False)
        st.image(LivePicture().draw(image, result, labels, as_taken), "What is seen in it")
    with beside:
        if result.predictions:
            st.html(live_html.cards(result.predictions, labels))
        else:
            st.caption("Nobody is in the picture: come closer, or turn on a light.")
