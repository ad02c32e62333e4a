"""The command ``video``: one video, several, or a folder of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from tqdm import tqdm

from fer.console import ModelOption, OutputOption, complain, prepare, sentence
from fer.errors import FerError, MediaError

if TYPE_CHECKING:
    from fer.pipeline import Analyzer
    from fer.types import VideoReport
    from fer.video import Progress
    from fer.video_settings import VideoSettings

VIDEO_EXAMPLES: Final = (
    "Examples: python -m fer video talk.mp4 -o results; "
    "python -m fer video talk.mp4 -o results --from 60 --to 90 --blur --keep 1; "
    "python -m fer video recordings/ -o results --jobs 2"
)

#: What is looked for in a folder.
SUFFIXES: Final = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".gif")

_SECONDS = "SECONDS"


def analyze_videos(
    context: typer.Context,
    sources: Annotated[
        list[Path], typer.Argument(metavar="IN", help="Video files, or folders of them.")
    ],
    output: OutputOption,
    *,
    model: ModelOption = None,
    smoothing: Annotated[
        float,
        typer.Option(min=0, metavar=_SECONDS, help="Smooth each face's probabilities; 0: not."),
    ] = 0.3,
    dwell: Annotated[
        float, typer.Option(min=0, metavar=_SECONDS, help="What lasts less is no decision.")
    ] = 0.5,
    confidence: Annotated[
        float, typer.Option(min=0, max=1, metavar="P", help="Less sure faces are flagged.")
    ] = 0.4,
    fps: Annotated[
        float | None, typer.Option(metavar="N", help="Frames to analyse per second; else all.")
    ] = None,
    start: Annotated[float, typer.Option("--from", min=0, metavar=_SECONDS)] = 0.0,
    end: Annotated[float | None, typer.Option("--to", min=0, metavar=_SECONDS)] = None,
    blur: Annotated[bool, typer.Option("--blur", help="Make faces unrecognisable.")] = False,
    keep: Annotated[
        list[int] | None, typer.Option(metavar="TRACK", help="With --blur: not this face.")
    ] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Draw no boxes and labels.")] = False,
    bundle: Annotated[bool, typer.Option("--zip", help="Write one zip, not single files.")] = False,
    jobs: Annotated[int, typer.Option(min=1, metavar="N", help="Videos at a time.")] = 1,
) -> None:
    """Analyse videos frame by frame.

    Writes annotated.mp4, frames.csv (one row per face and frame), segments.csv, captions.vtt,
    report.json, timeline.png and pictures of key moments. With several videos, or a folder, each
    gets a folder of its own, and videos.csv has one row per video; a video that cannot be read is
    reported and left out, and the exit code is then 1.
    """
    from fer.report import format_csv, videos_table
    from fer.video_settings import VideoSettings

    settings = VideoSettings(
        smoothing_s=smoothing,
        dwell_s=dwell,
        least_confidence=confidence,
        fps=fps,
        start_s=start,
        end_s=end,
        drawn=not plain,
        blurred=blur,
        keep=tuple(keep or ()),
    )

    def analyze(source: Path, folder: Path) -> VideoReport:
        return _analyze(source, folder, context.obj(model), settings, bundle=bundle)

    if len(sources) == 1 and not sources[0].is_dir():
        analyze(sources[0], output)
        return
    files = _files(sources)
    with ThreadPoolExecutor(jobs) as pool:
        running = [(file, pool.submit(analyze, file, output / file.stem)) for file in files]
        reports = []
        for file, result in running:
            try:
                reports.append(result.result())
            except (FerError, OSError) as exc:
                complain(f"{file.name}: {sentence(exc)}")
    if reports:
        table = format_csv(videos_table(reports))
        (output / "videos.csv").write_text(table, encoding="utf-8")
    if len(reports) < len(files):
        raise typer.Exit(1)


def _files(sources: list[Path]) -> list[Path]:
    files = [file for source in sources for file in _within(source)]
    if not files:
        raise MediaError(f"No video was found: looked for {', '.join(SUFFIXES)}.")
    for stem, times in Counter(file.stem for file in files).items():
        if times > 1:
            raise MediaError(f"Several videos are called {stem}: rename them, or go one by one.")
    return files


def _within(source: Path) -> Iterator[Path]:
    if not source.is_dir():
        yield source
        return
    yield from sorted(file for file in source.iterdir() if file.suffix.lower() in SUFFIXES)


def _analyze(
    source: Path, folder: Path, analyzer: Analyzer, settings: VideoSettings, *, bundle: bool
) -> VideoReport:
    """Analyse one video and write what came of it into a folder."""
    from fer.bundle import ANNOTATED, make_parts, write_zip
    from fer.moments import Moments
    from fer.video import analyze_video

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
        for name, data in parts.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(data)
        written = ", ".join([ANNOTATED, *(name for name in parts if "/" not in name)])
    if (broken_at := report.settings.get("broken_at_s")) is not None:
        complain(f"{source.name} is damaged after {broken_at} s; what comes before was analysed.")
    tqdm.write(f"{len(report.frames)} frames: {written} in {folder}")
    return report
