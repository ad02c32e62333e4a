"""What the pages share: navigation, the cached model, and errors shown as sentences.

Besides ``streamlit_app.py`` and ``pages/`` only this module and its siblings import Streamlit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import streamlit as st

from fer import artifacts
from fer.app import session as app_session
from fer.classifier import FacialExpressionModel
from fer.errors import FerError, OperatorError
from fer.faces import create_detector, detector_status
from fer.media import private_files
from fer.media.private_files import PrivateFilesError
from fer.memory import give_back
from fer.operator import Operator, load_operator
from fer.paths import ASSETS
from fer.pipeline import Analyzer
from fer.types import FacePrediction, Run

_ICON: Final = ASSETS / "icon.svg"
_STYLE: Final = ASSETS / "app.css"

#: Where a session keeps the threshold of "unsure" that its visitor chose.
_UNSURE: Final = "unsure threshold"

#: Where a session keeps which run its visitor chose: the key of the widget.
_MODEL: Final = "model"

#: (page, title, icon) in the order of the menu.
_PAGES: Final = (
    ("home", "Home", ":material/home:"),
    ("live", "Live", ":material/videocam:"),
    ("video", "Video", ":material/movie:"),
    ("photo", "Photo", ":material/photo_camera:"),
    ("model", "Model", ":material/monitoring:"),
    ("responsible_use", "Responsible use", ":material/shield_person:"),
)

#: Whether this process has told Streamlit of its pages. Process-wide, as Streamlit's own switch is.
_navigation = {"registered": False}


def run() -> None:
    """Run the page that was asked for, with the session's controls at its foot."""
    try:
        private_files.claim()
        operator = load_operator()
    except (OperatorError, PrivateFilesError) as error:
        # It may have meant to switch something off: no page runs until the file is mended.
        navigation(Operator())
        _tell(error)
        return
    page = navigation(operator)
    body, foot = st.container(), st.container()
    with foot:  # first: what it deletes must be gone, and the model chosen, before the page runs
        _choose_model()
        app_session.show_controls(operator)
    with body:
        page.run()
    give_back()  # what the run of a page has freed: a detector, pictures


def navigation(operator: Operator) -> st.Page:
    """Set the app up, register its pages with Streamlit and return the one to run.

    Args:
        operator: pages that are switched off stay out of the menu; who knows their address is
            told so there.
    """
    # Before the pages: otherwise the browser shows a page's Material icon in its tab, and fetches
    # that from a server of Google's.
    st.set_page_config(page_icon=_ICON, layout="wide")
    st.logo(_ICON, size="large")
    page = st.navigation(
        [
            st.Page(
                f"pages/{name}.py",
                title=title,
                icon=icon,
                default=name == "home",
                visibility="visible" if operator.offers(name) else "hidden",
            )
            for name, title, icon in _PAGES
        ],
        position="top",
    )
    st.set_page_config(page_title=f"{page.title}: facial expression reader")
    st.html(_STYLE)
    _navigation["registered"] = True
    return page


def ensure_navigation() -> None:
    """Mend a deep link that is the first request after a start; first line of every page.

    Until ``st.navigation`` has been called once, Streamlit treats a ``pages/`` folder in its
    older way and runs the linked page alone, without ``streamlit_app.py``. Registering the pages
    ends that for the whole process; the rerun then takes the usual way to the same page.
    """
    if not _navigation["registered"]:
        navigation(Operator())
        st.rerun()


@contextmanager
def show_errors(about: str = "") -> Iterator[None]:
    """Show a :class:`FerError` in place of what it stopped; the page goes on after the block.

    Args:
        about: what the error is about, such as a file's name, where the page shows several.
    """
    try:
        yield
    except FerError as error:
        _tell(error, about)


def _tell(error: FerError, about: str = "") -> None:
    before = f"**{plain(about)}**: " if about else ""
    st.error(before + plain(str(error)), icon=":material/error:")


def plain(text: str) -> str:
    """Escape text from outside, such as a file name, so that Markdown shows it as it is.

    Control characters, and those that turn the direction of writing around, become spaces.
    """
    shown = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", " ", text)
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", shown)


def offer_download(
    label: str,
    data: bytes | str | Callable[[], bytes],
    file_name: str,
    mime: str | None = None,
    *,
    main: bool = False,
    icon: str = ":material/download:",
    key: str | None = None,
) -> None:
    """Show a button that hands out a file, unless the operator has switched that off.

    Args:
        label: what the button says.
        data: the file, or what makes it when the button is pressed.
        file_name: what the browser calls it.
        mime: its kind; guessed from the name if None.
        main: whether it is the button to press first.
        icon: beside the label.
        key: tells buttons of one label apart.
    """
    if load_operator().features.download:
        st.download_button(
            label,
            data,
            file_name,
            mime,
            icon=icon,
            key=key,
            type="primary" if main else "secondary",
            on_click="ignore",
        )


def load_model(run: str | None = None) -> FacialExpressionModel:
    """The served model, loaded once per process and shared by all sessions.

    Args:
        run: name of a run; the one that the visitor chose if None.

    Raises:
        ModelError: if there is no such run, or its files are damaged.
    """
    name = run or st.session_state.get(_MODEL) or artifacts.default_run()
    meta = artifacts.run_folder(name) / "meta.json"
    return _load_model(name, meta.stat().st_mtime if meta.exists() else 0.0)


@st.cache_resource(max_entries=3, show_spinner="Loading the model…")
def _load_model(run: str, changed: float) -> FacialExpressionModel:  # noqa: ARG001
    # `changed` is part of the cache key only: a run that was trained anew is loaded anew.
    return FacialExpressionModel.load(run)


def _choose_model() -> None:
    """Let the visitor choose between the fast and the accurate model, where both are there."""
    runs = [artifacts.default_run(), artifacts.ACCURATE_RUN]
    if set(runs) <= set(artifacts.list_runs()):
        words = dict(zip(runs, ("Fast", "Accurate"), strict=True))
        st.segmented_control(
            "Model for your pictures",
            runs,
            default=runs[0],
            required=True,
            format_func=lambda run: words[run],
            key=_MODEL,
            help="The accurate one averages several networks over each face and its mirror image. "
            "It takes a few times as long per face. A camera that runs keeps the one it has.",
        )


def new_analyzer(run: str | None = None) -> Analyzer:
    """An analyser for one stream: a detector of its own and the shared model.

    It calls Streamlit's cache, so call it from a page. Where the detector has to be made in
    another thread, take ``model = load_model()`` there and make ``Analyzer(create_detector(),
    model)`` in the thread.
    """
    return Analyzer(create_detector(), load_model(run))


def accuracy_words(run: Run, images: str = "all") -> str:
    """A run's accuracy with its interval, such as ``"63.4% (95% interval 62.3% to 64.5%)"``.

    Args:
        run: the run.
        images: which of the test figures: ``"all"``, ``"without_twins"``, ``"PublicTest"``, ...
    """
    figures = run.metrics["test"][images]
    return f"{figures['accuracy']:.1%} (95% interval {figures['low']:.1%} to {figures['high']:.1%})"


def looks(prediction: FacePrediction, least: float = 0.0) -> str:
    """What the model says of a face, in the product's words: ``looks **happy** (62%)``.

    Args:
        prediction: of the face.
        least: confidence under which it is called unsure.
    """
    words = f"looks **{prediction.label}** ({prediction.confidence:.0%})"
    if prediction.confidence < least:
        words = f"**unsure**: most like {prediction.label} ({prediction.confidence:.0%})"
    doubts = " and ".join(flag for flag in prediction.quality if flag != "uncertain")
    return f"{words}, but the face is {doubts}: trust it less" if doubts else words


def show_status() -> None:
    """Say which model and which detector are at work, and how to get a better detector.

    Raises:
        ModelError: if there is no model to speak of; call it inside ``show_errors``.
    """
    run = load_model().run
    detector = detector_status()
    st.caption(
        f"Model **{plain(run.name)}**: right on {accuracy_words(run)} of FER2013's test faces. "
        f"Faces are found by **{plain(detector.name)}**."
    )
    if detector.is_fallback:
        st.info(detector.message, icon=":material/info:")


def unsure_threshold(run: Run) -> float:
    """Confidence under which an answer should be called unsure, to offer as a default.

    Args:
        run: the run that answers.

    Returns:
        What the visitor chose on the Model page, else what was found when the run was
        calibrated, else 0: every answer is given.
    """
    found = (run.details.get("calibration") or {}).get("unsure_threshold")
    return float(st.session_state.get(_UNSURE, found or 0.0))


def choose_least_confidence(run: Run) -> float:
    """Let the visitor choose how sure an answer must be; every page then starts from the choice.

    Args:
        run: the run that answers.

    Returns:
        Confidence, 0 to 0.95, under which an answer is called unsure.
    """
    start = min(round(unsure_threshold(run), 2), 0.95)
    chosen = st.slider(
        "Least confidence: less sure answers are called unsure",
        min_value=0.0,
        max_value=0.95,
        value=start,
        step=0.01,
        key=f"least confidence {run.name}",
        width=560,
    )
    if chosen != start:
        st.session_state[_UNSURE] = chosen
    return chosen
