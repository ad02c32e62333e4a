"""One video from the upload to all that is shown of it; nothing touches the disk."""

import hashlib
import io
from typing import BinaryIO, NamedTuple

from fer.pipeline import Analyzer
from fer.sandbox import restricted
from fer.sandbox.restricted_sound import open_sound
from fer.types import VideoReport
from fer.video import analysis
from fer.video.bundle import make_parts
from fer.video.moments import KeyMoment, Moments, key_moments
from fer.video.settings import VideoSettings
from pages.video_sections.work import Work


class AnalysedVideo(NamedTuple):
    """A video that has been analysed, kept for the session."""

    report: VideoReport
    annotated: bytes
    parts: dict[str, bytes]
    moments: tuple[KeyMoment, ...]
    strip: tuple[tuple[float, bytes], ...]


def analyze(
    work: Work, name: str, source: BinaryIO, settings: VideoSettings, analyzer: Analyzer
) -> AnalysedVideo:
    """Analyse a video that a stranger may have made, until its end or until it is unwanted.

    Raises:
        MediaError: if it cannot be read.
        StopException: if the tab was closed, so that nobody is left to see what was done.
    """
    annotated, moments = io.BytesIO(), Moments()
    report = analysis.analyze_video(
        source,
        analyzer,
        name=name,
        settings=settings,
        annotated=annotated,
        moments=moments,
        on_progress=work.show,
        should_stop=work.is_unwanted,
        reader=restricted,
        open_sound=open_sound,
    )
    if work.interruption is not None and work.is_abandoned():
        raise work.interruption
    return AnalysedVideo(
        report,
        annotated.getvalue(),
        {name: b"".join(pieces) for name, pieces in make_parts(report, moments)},
        key_moments(report, moments),
        moments.strip,
    )


def digest(source: BinaryIO) -> str:
    """SHA-256 of a file."""
    source.seek(0)
    digest = hashlib.sha256()
    while block := source.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()
