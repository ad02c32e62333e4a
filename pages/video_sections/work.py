"""An analysis under way: its progress on the page, and whether it is still wanted."""

import base64
import math
import threading
import time
from typing import Final

import cv2
import numpy as np
import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import RerunException, StopException, get_script_run_ctx

from fer.types import Image
from fer.video import analysis

#: Seconds between two looks at the progress, and between two preview pictures.
_PROGRESS_S, _PREVIEW_S = 0.1, 1.0

_PREVIEW_WIDTH: Final = 400


class Work:
    """One analysis under way: shows how far it is, and notices when it is not wanted any more."""

    def __init__(self, number: int) -> None:
        self._bar = st.progress(0.0, "Opening the video…")
        self._preview = st.empty()
        # Any click, here or elsewhere, ends the analysis: Streamlit then wants to run anew.
        st.button(
            "Cancel",
            icon=":material/close:",
            help="What was analysed until then is kept.",
            key=f"cancel {number}",
        )
        self._next_look = self._next_preview = 0.0
        self._context = get_script_run_ctx()
        # What Streamlit raises does not tell a click from a closed tab.
        self.interruption: RerunException | StopException | None = None
        self.finished = threading.Event()

    def show(self, progress: analysis.Progress) -> None:
        """Show progress ten times a second, and a picture once a second."""
        now = time.monotonic()
        if now < self._next_look or self.interruption is not None:
            return
        self._next_look = now + _PROGRESS_S
        total = f" of {progress.total:,}" if progress.total else ""
        left = progress.seconds_left
        try:
            self._bar.progress(
                min(1.0, progress.done / (progress.total or math.inf)),
                f"Frame {progress.done:,}{total}, {progress.frames_per_s:.1f} frames/s"
                + (f", about {left:.0f} s left" if left is not None else ""),
            )
            if progress.picture is not None and now >= self._next_preview:
                self._next_preview = now + _PREVIEW_S
                self._preview.html(_as_html(progress.picture))
        except (RerunException, StopException) as wanted:  # a click, another page, a closed tab
            self.interruption = wanted

    def is_unwanted(self) -> bool:
        """Whether the analysis should stop, and keep what was done."""
        return self.interruption is not None

    def is_abandoned(self) -> bool:
        """Whether the tab is closed, so that nobody is left to see what was done."""
        if self._context is None or not runtime.exists():
            return False
        return not runtime.get_instance().is_active_session(self._context.session_id)


def _as_html(picture: Image) -> str:
    """The picture within the page itself: Streamlit would keep a file of each until the end."""
    height, width = picture.shape[:2]
    size = (_PREVIEW_WIDTH, max(1, round(height * _PREVIEW_WIDTH / width)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    jpeg = cv2.imencode(".jpg", np.ascontiguousarray(small[..., ::-1]))[1].tobytes()
    data = base64.b64encode(jpeg).decode()
    return f'<img alt="the latest frame" src="data:image/jpeg;base64,{data}">'
