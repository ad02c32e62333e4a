"""What a page and the video thread share about one visitor's camera, until nobody is there."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from typing import Final

from fer.live.meter import Meter
from fer.live.recording import Recording
from fer.live.settings import LiveSettings
from fer.types import Run

#: Seconds without the visitor's page after which everything is forgotten: a short loss of the
#: connection is no farewell.
PATIENCE_S: Final = 30.0

#: Seconds between two looks whether the page is still there.
_LOOK_S: Final = 5.0


class LiveSession:
    """One visitor's camera, from the first Start on.

    Attributes:
        settings: written by the page, read with every frame; replaced whole.
        recording: of the stream that runs, else of the last one; None before the first.
        meter: of the same stream.
        detector: name of the face detector that the recording was made with.
        run: the run that read its faces; None before the first.
    """

    def __init__(self, settings: LiveSettings | None = None) -> None:
        self.settings = settings or LiveSettings()
        self.recording: Recording | None = None
        self.meter = Meter()
        self.detector = ""
        self.run: Run | None = None
        self._watcher: threading.Thread | None = None

    def begin(self) -> tuple[Recording, Meter]:
        """Start a recording and a meter, which replace those before."""
        recording, meter = Recording(), Meter()
        self.recording, self.meter = recording, meter
        return recording, meter

    def forget(self) -> None:
        """Let go of what was seen."""
        if self.recording is not None:
            self.recording.clear()
        self.recording = None

    def forget_when_alone(
        self,
        is_watched: Callable[[], bool],
        *,
        patience_s: float = PATIENCE_S,
        look_s: float = _LOOK_S,
    ) -> None:
        """Forget everything soon after the visitor's tab was closed; call it as often as you like.

        Streamlit keeps the state of a closed tab for minutes, in case that it comes back; what
        somebody's face showed should not wait there.

        Args:
            is_watched: tells whether the visitor's page is connected; asked from another thread.
            patience_s: seconds that it may be away.
            look_s: seconds between two looks.
        """
        if self._watcher is not None and self._watcher.is_alive():
            return
        self._watcher = threading.Thread(
            target=_watch,
            args=(weakref.ref(self), is_watched, patience_s, look_s),
            name="live session watch",
            daemon=True,
        )
        self._watcher.start()


def _watch(
    reference: weakref.ref[LiveSession],
    is_watched: Callable[[], bool],
    patience_s: float,
    look_s: float,
) -> None:
    seen_s = time.monotonic()
    while reference() is not None:
        if is_watched():
            seen_s = time.monotonic()
        elif time.monotonic() - seen_s >= patience_s:
            if (session := reference()) is not None:
                session.forget()
            return
        time.sleep(look_s)
