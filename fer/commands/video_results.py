"""Analyse one video and write what came of it into a folder, as the command line does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from fer.commands.console import complain, prepare

if TYPE_CHECKING:
    from fer.pipeline import Analyzer
    from fer.types import VideoReport
    from fer.video.analysis import Progress
    from fer.video.settings import VideoSettings


def analyze_one(
    source: Path, folder: Path, analyzer: Analyzer, settings: VideoSettings, *, bundle: bool
) -> VideoReport:
    """Analyse one video and write what came of it into a folder.

    Args:
        source: the video.
        folder: of the results; made if it is missing.
        analyzer: for this video alone.
        settings: how to analyse it.
        bundle: write one zip instead of single files.

    Raises:
        MediaError: if the video cannot be read or a result not be written.
    """
    from fer.video.analysis import analyze_video, probe
    from fer.video.bundle import ANNOTATED, make_parts, write_zip
    from fer.video.moments import Moments

    probe(source)  # what cannot be read leaves no empty folder behind
    annotated = folder / ANNOTATED
    prepare(annotated, source)
    moments = Moments()
    with tqdm(unit="frame", desc=source.name, disable=None) as bar:

        def show(progress: Progress) -> None:
            bar.total = progress.total
            bar.update(progress.done - bar.n)

        report = analyze_video(
            source,
            analyzer,
            name=source.name,
            settings=settings,
            annotated=annotated,
            moments=moments,
            on_progress=show,
        )
    parts = make_parts(report, moments)
    if bundle:
        target = folder / f"{source.stem}.zip"
        with target.open("wb") as file:
            write_zip(file, parts, annotated)
        annotated.unlink()
        written = target.name
    else:
        names = [ANNOTATED]
        for name, pieces in parts:
            (folder / name).parent.mkdir(exist_ok=True)
            with (folder / name).open("wb") as file:
                file.writelines(pieces)
            names.append(name)
        written = ", ".join(name for name in names if "/" not in name)
    if (broken_at := report.settings.get("broken_at_s")) is not None:
        complain(f"{source.name} is damaged after {broken_at} s; what comes before was analysed.")
    tqdm.write(f"{len(report.frames)} frames: {written} in {folder}")
    return report
