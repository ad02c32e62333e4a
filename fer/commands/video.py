"""The command ``video``: one video, several, or a folder of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from tqdm import tqdm

from fer.commands.console import ModelOption, OutputOption, complain, sentence
from fer.commands.video_results import analyze_one
from fer.errors import FerError, MediaError

if TYPE_CHECKING:
    from fer.commands.archive import Job, Outcome
    from fer.types import VideoReport

VIDEO_EXAMPLES: Final = (
    "Examples: python -m fer video talk.mp4 -o results; "
    "python -m fer video talk.mp4 -o results --from 60 --to 90 --blur --keep 1; "
    "python -m fer video 'recordings/*.mp4' -o results --jobs 2; "
    "python -m fer video archive/ -o results --engine dask --scheduler tcp://host:8786"
)

#: What is looked for in a folder.
SUFFIXES: Final = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".gif")

_SECONDS = "SECONDS"


class Engine(StrEnum):
    """What spreads several videos over processors."""

    THREADS = "threads"
    DASK = "dask"


def analyze_videos(
    context: typer.Context,
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="IN", help="Video files, folders of them, or patterns such as 'a*.mp4'."
        ),
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
    search: Annotated[
        float,
        typer.Option(min=0, metavar=_SECONDS, help="Search for faces so often; 0: every frame."),
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
    engine: Annotated[
        Engine, typer.Option(help="dask: processes, here or on many machines; can be resumed.")
    ] = Engine.THREADS,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Of a Dask cluster; else one here.")
    ] = None,
) -> None:
    """Analyse videos frame by frame.

    Writes annotated.mp4, frames.csv (one row per face and frame), segments.csv, captions.vtt,
    report.json, timeline.png and pictures of key moments. With several videos, or a folder, each
    gets a folder of its own, and videos.csv has one row per video; a video that cannot be read is
    reported and left out, and the exit code is then 1.
    """
    from fer.video.report import format_csv, videos_table
    from fer.video.settings import VideoSettings

    settings = VideoSettings(
        smoothing_s=smoothing,
        dwell_s=dwell,
        least_confidence=confidence,
        search_s=search,
        fps=fps,
        start_s=start,
        end_s=end,
        drawn=not plain,
        blurred=blur,
        keep=tuple(keep or ()),
    )

    def analyze(source: Path, folder: Path) -> VideoReport:
        return analyze_one(source, folder, context.obj(model), settings, bundle=bundle)

    if engine is Engine.DASK:
        from fer.artifacts import default_run
        from fer.commands.archive import Job

        run = model or default_run()
        # Whole paths, for workers have working folders of their own.
        spread = [
            Job(file.resolve(), output.resolve() / file.stem, run, settings, bundle)
            for file in _files(sources)
        ]
        _spread(spread, output, scheduler, jobs)
        return
    if len(sources) == 1 and not sources[0].is_dir() and not _is_pattern(sources[0]):
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


def _spread(jobs: Sequence[Job], output: Path, scheduler: str | None, workers: int) -> None:
    """Let a Dask cluster analyse the videos; what was done before is left alone."""
    from fer.commands.archive import analyze_archive

    with tqdm(total=len(jobs), unit="video", disable=None) as bar:

        def show(outcome: Outcome) -> None:
            bar.update()
            if outcome.problem is not None:
                complain(f"{outcome.job.source.name}: {outcome.problem}")

        outcomes = analyze_archive(jobs, scheduler=scheduler, workers=workers, on_done=show)
    tables = [outcome.table for outcome in outcomes if outcome.table is not None]
    if tables:
        lines = [line for table in tables for line in table.splitlines(keepends=True)[1:]]
        header = tables[0].splitlines(keepends=True)[0]
        (output / "videos.csv").write_text(header + "".join(lines), encoding="utf-8")
    typer.echo(f"{len(tables)} videos: videos.csv and a folder for each in {output}")
    if len(tables) < len(jobs):
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
    if source.is_dir():
        yield from sorted(file for file in source.iterdir() if file.suffix.lower() in SUFFIXES)
    elif _is_pattern(source):
        start = Path(source.anchor)
        yield from sorted(start.glob(str(source.relative_to(start))))
    else:
        yield source


def _is_pattern(source: Path) -> bool:
    """Whether this names many files, where the shell has not put their names already."""
    return any(letter in str(source) for letter in "*?[") and not source.exists()
