"""What whoever runs the app has decided: features, limits, retention, and a text of their own.

The file is TOML: the one that the environment variable ``FER_OPERATOR`` names, else
``operator.toml`` beside ``streamlit_app.py``; without either everything is on. It is read anew at
every click, so that a change needs no restart. ``operator.example.toml`` explains every key.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, TypeVar

from fer.errors import OperatorError
from fer.paths import PROJECT

#: Where the file is looked for when no environment variable names one.
DEFAULT_FILE: Final = PROJECT / "operator.toml"

#: The feature without which a page has nothing to offer.
_NEEDED: Final = {"live": "live", "video": "upload", "photo": "photo"}


@dataclass(frozen=True)
class Features:
    """What visitors may use.

    Attributes:
        live: the Live page.
        upload: handing over files: the Video page, and uploads on the Photo page.
        photo: the Photo page.
        download: buttons that hand out files.
    """

    live: bool = True
    upload: bool = True
    photo: bool = True
    download: bool = True


@dataclass(frozen=True)
class Limits:
    """How much a visitor may ask for; all are at least 1.

    Attributes:
        upload_mb: megabytes of one file.
        photos: photos at a time.
        video_minutes: minutes of a video that are analysed.
        live_sessions: live cameras at a time, over all visitors.
    """

    upload_mb: int = 200
    photos: int = 50
    video_minutes: int = 60
    live_sessions: int = 8


@dataclass(frozen=True)
class Operator:
    """The decisions of whoever runs the app.

    Attributes:
        notice: words of the operator's own, in Markdown, under the notice that asks for consent.
        retention_minutes: a session's results are deleted when nothing has been clicked for so
            long; 0 keeps them until the session ends.
        features: what is on.
        limits: how much of it.
    """

    notice: str = ""
    retention_minutes: int = 0
    features: Features = Features()
    limits: Limits = Limits()

    def offers(self, page: str) -> bool:
        """Whether a page is switched on; those that take no pictures always are.

        Args:
            page: its file's name, such as ``"live"``.
        """
        needed = _NEEDED.get(page)
        return needed is None or bool(getattr(self.features, needed))


_Kind = TypeVar("_Kind", Features, Limits, Operator)


def load_operator() -> Operator:
    """Read the operator's file.

    Returns:
        The decisions; what the file does not mention is as in an app without a file.

    Raises:
        OperatorError: if the file is named but missing, is no TOML, or says something that
            this app does not know: a misspelt switch must not stay on in silence.
    """
    named = os.environ.get("FER_OPERATOR")
    path = Path(named) if named else DEFAULT_FILE
    if not named and not path.exists():
        return Operator()
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise OperatorError(
            f"The operator's file {path.name} cannot be read: {exc}. Mend it, or compare it with "
            "operator.example.toml."
        ) from exc
    features = _section(Features, content.pop("features", {}), "features")
    limits = _section(Limits, content.pop("limits", {}), "limits")
    content = {"features": features, "limits": limits, **content}
    return _section(Operator, content, "the file")


def _section(kind: type[_Kind], given: Any, place: str) -> _Kind:
    """Make a part of the decisions from a table of the file, every value checked."""
    if not isinstance(given, Mapping):
        raise OperatorError(f"In the operator's file, {place} must be a table: [{place}].")
    standard = kind()
    known = [field.name for field in fields(kind)]
    for key, value in given.items():
        if key not in known:
            raise OperatorError(
                f"The operator's file says {key} in {place}, which means nothing to this app. "
                f"Known are: {', '.join(known)}."
            )
        _check(key, value, getattr(standard, key))
    return kind(**given)


def _check(key: str, value: Any, standard: Any) -> None:
    """Hold a value to the kind of the one that it replaces.

    Raises:
        OperatorError: if it is of another kind, or a number that is too small.
    """
    words = {bool: "true or false", str: "a text in quotes", int: "a whole number"}
    if type(value) is not type(standard):
        raise OperatorError(
            f"In the operator's file, {key} must be {words[type(standard)]}, not {value!r}."
        )
    if type(value) is int and value < min(standard, 1):
        raise OperatorError(f"In the operator's file, {key} must be at least {min(standard, 1)}.")
