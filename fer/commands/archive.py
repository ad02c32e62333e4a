"""Analyse an archive of videos on a Dask cluster: a task for each video.

A video is the smallest task: tracks and smoothing run through it from the first frame to the last,
so only whole videos give what one machine gives, bit for bit. Workers read the videos and write
the results where the same paths lead for all: on one machine, or on a shared disk. A result
appears whole or not at all, so whatever dies is simply done again, and what is done is not.
"""

from __future__ import annotations

import functools
import glob
import hashlib
import json
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fer.artifacts import load_run, write_text
from fer.commands.console import sentence
from fer.commands.video_results import analyze_one
from fer.errors import EngineError, FerError
from fer.video.settings import VideoSettings

if TYPE_CHECKING:
    from distributed import Client

    from fer.classifier import FacialExpressionModel

#: Tells that a folder of results is complete, and of what.
MARK: Final = "done.json"

#: Seconds in which a scheduler must answer.
ANSWER_S: Final = 10.0

#: How often a video may take its worker down, or fail for other reasons than its own content,
#: before it is given up.
_TRIES: Final = 3


@dataclass(frozen=True)
class Job:
    """One video to analyse.

    Attributes:
        source: the video.
        folder: of its results.
        run: name of the run that reads it.
        settings: how it is analysed.
        bundle: one zip instead of single files.
    """

    source: Path
    folder: Path
    run: str
    settings: VideoSettings
    bundle: bool = False


@dataclass(frozen=True)
class Outcome:
    """What came of a video.

    Attributes:
        job: the video.
        table: its line of ``videos.csv`` under the header; None if it could not be analysed.
        problem: why not.
    """

    job: Job
    table: str | None
    problem: str | None = None


def analyze_archive(
    jobs: Sequence[Job],
    *,
    scheduler: str | None = None,
    workers: int = 1,
    on_done: Callable[[Outcome], None] | None = None,
) -> list[Outcome]:
    """Analyse videos, each once; those with a complete result of the same kind are left alone.

    Args:
        jobs: what to do; no two with the same folder.
        scheduler: address of a Dask scheduler, such as ``tcp://host:8786``; None starts a
            cluster on this machine.
        workers: processes of that cluster.
        on_done: called after each video, on the calling thread.

    Returns:
        An outcome per job, in their order. A video that cannot be read, or that took
        three workers down, has a problem.

    Raises:
        EngineError: if Dask is not installed, or the scheduler does not answer.
    """
    found: dict[Path, Outcome] = {}

    def note(outcome: Outcome) -> None:
        found[outcome.job.folder] = outcome
        if on_done is not None:
            on_done(outcome)

    waiting = []
    for job in jobs:
        done = finished(job)
        if done is None:
            waiting.append(job)
        else:
            note(done)
    if waiting:
        with _client(scheduler, min(workers, len(waiting))) as client:
            for outcome in _spread(client, waiting):
                note(outcome)
    return [found[job.folder] for job in jobs]


def finished(job: Job) -> Outcome | None:
    """What came of a video earlier, if that was complete and of the same kind."""
    try:
        mark = json.loads((job.folder / MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return Outcome(job, mark["table"]) if mark.get("key") == _key(job) else None


def work(job: Job) -> Outcome:
    """Analyse one video, in a worker."""
    from fer.faces import create_detector
    from fer.pipeline import Analyzer
    from fer.video.report import format_csv, videos_table

    part = job.folder.with_name(f".{job.folder.name}.{uuid.uuid4().hex}.part")
    try:
        analyzer = Analyzer(create_detector(), _model(job.run))
        report = analyze_one(job.source, part, analyzer, job.settings, bundle=job.bundle)
        table = format_csv(videos_table([report]))
        write_text(part / MARK, json.dumps({"key": _key(job), "table": table}))
        # Should a worker that was given up for dead have finished meanwhile, its result stays.
        if (earlier := finished(job)) is not None:
            return earlier
        shutil.rmtree(job.folder, ignore_errors=True)
        part.rename(job.folder)
    except FerError as exc:  # it would fail again
        return Outcome(job, None, sentence(exc))
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Outcome(job, table)


def _spread(client: Client, jobs: list[Job]) -> Iterator[Outcome]:
    """Let the workers do it; outcomes come as they are done."""
    from distributed import as_completed

    futures = {
        client.submit(work, job, key=f"{job.source.name}-{_key(job)}", retries=_TRIES - 1): job
        for job in jobs
    }
    for future in as_completed(futures):
        job = futures[future]
        # Of workers that died over it.
        for leftover in job.folder.parent.glob(f".{glob.escape(job.folder.name)}.*.part"):
            shutil.rmtree(leftover, ignore_errors=True)
        if future.status == "finished":
            yield future.result()
        else:
            reason = " ".join(str(future.exception()).split())
            yield Outcome(job, None, f"It failed {_TRIES} times, last so: {reason}")


@contextmanager
def _client(scheduler: str | None, workers: int) -> Iterator[Client]:
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError as exc:
        raise EngineError(
            "Dask is not installed. Install it with: pip install -r requirements-scale.txt"
        ) from exc
    options = {"distributed.scheduler.allowed-failures": _TRIES - 1}
    try:
        with dask.config.set(options):
            if scheduler is not None:
                with Client(scheduler, timeout=ANSWER_S) as client:
                    yield client
                return
            with (
                LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,  # one video at a time: the analysis has its own threads
                    host="127.0.0.1",
                    dashboard_address=None,
                    memory_limit=0,
                ) as cluster,
                Client(cluster) as client,
            ):
                yield client
    except OSError as exc:
        raise EngineError(f"The Dask scheduler {scheduler} does not answer: {exc}") from exc


@functools.cache
def _model(run: str) -> FacialExpressionModel:
    """The run, loaded once by each worker."""
    from fer.classifier import FacialExpressionModel

    return FacialExpressionModel.load(run)


def _key(job: Job) -> str:
    """Changes when the video, the run or the settings do."""
    status = job.source.stat()
    run = load_run(job.run)
    facts: dict[str, Any] = {
        "source": [job.source.name, status.st_size, status.st_mtime_ns],
        "run": [run.name, dict(run.files)],
        "settings": asdict(job.settings),
        "bundle": job.bundle,
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
