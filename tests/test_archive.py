"""An archive on a real local cluster: one worker killed, equal to one machine, resumed."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest

from fer import artifacts
from fer.archive import MARK, Job, Outcome, analyze_archive
from fer.classifier import FacialExpressionModel
from fer.errors import EngineError
from fer.faces import create_detector
from fer.pipeline import Analyzer
from fer.sample import make_sample_clip
from fer.video_results import analyze_one
from fer.video_settings import VideoSettings

distributed = pytest.importorskip(
    "distributed", reason="no Dask: pip install -r requirements-scale.txt"
)

SETTINGS = VideoSettings(end_s=1.0)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    make_sample_clip(path)
    return path


def jobs_of(folder: Path, clip: Path, number: int) -> list[Job]:
    sources = [folder / f"{letter}.mp4" for letter in "abcdefgh"[:number]]
    for source in sources:
        shutil.copy(clip, source)
    run = artifacts.default_run()
    return [Job(source, folder / "out" / source.stem, run, SETTINGS) for source in sources]


def contents(folder: Path) -> dict[str, bytes]:
    """What one analysis wrote, without the moment at which it did."""
    files = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != MARK
    }
    report = json.loads(files["report.json"])
    del report["settings"]["created"]
    return files | {"report.json": json.dumps(report).encode()}


def test_a_killed_worker_costs_nothing_and_the_results_are_one_machines(
    tmp_path: Path, clip: Path
) -> None:
    jobs = jobs_of(tmp_path, clip, 5)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    jobs.append(Job(broken, tmp_path / "out" / "broken", jobs[0].run, SETTINGS))
    told: list[Outcome] = []

    def kill_the_first(outcome: Outcome) -> None:
        told.append(outcome)
        if len(told) == 1:  # the others are under way or wait
            workers = distributed.get_client().run(os.getpid)
            os.kill(next(iter(workers.values())), signal.SIGKILL)

    outcomes = analyze_archive(jobs, workers=2, on_done=kill_the_first)
    assert [outcome.job for outcome in outcomes] == jobs
    assert sorted(str(o.job.source) for o in told) == sorted(str(j.source) for j in jobs)
    assert [outcome.problem is None for outcome in outcomes] == [True] * 5 + [False]
    assert "broken.mp4" in str(outcomes[-1].problem) or "video" in str(outcomes[-1].problem)
    # Nothing half done is left.
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == list("abcde")

    alone = tmp_path / "alone"
    analyzer = Analyzer(create_detector(), FacialExpressionModel.load())
    analyze_one(jobs[0].source, alone, analyzer, SETTINGS, bundle=False)
    assert contents(jobs[0].folder) == contents(alone)
    for job in jobs[1:5]:
        assert contents(job.folder)["annotated.mp4"] == contents(alone)["annotated.mp4"]
        assert contents(job.folder)["frames.csv"] == contents(alone)["frames.csv"]

    # Asked again, nothing is analysed: no cluster would come up with this address.
    changed = (jobs[0].folder / MARK).stat().st_mtime_ns
    again = analyze_archive(jobs[:5], scheduler="tcp://127.0.0.1:1")
    assert [outcome.table for outcome in again] == [outcome.table for outcome in outcomes[:5]]
    assert (jobs[0].folder / MARK).stat().st_mtime_ns == changed


def test_other_settings_or_another_video_are_done_again(tmp_path: Path, clip: Path) -> None:
    (job,) = jobs_of(tmp_path, clip, 1)
    job.folder.mkdir(parents=True)
    from fer import archive

    (job.folder / MARK).write_text(json.dumps({"key": archive._key(job), "table": "a\n1\n"}))
    assert archive.finished(job) == Outcome(job, "a\n1\n")
    other = Job(job.source, job.folder, job.run, VideoSettings(end_s=2.0))
    assert archive.finished(other) is None
    job.source.write_bytes(b"another video")
    assert archive.finished(job) is None


def test_a_scheduler_that_does_not_answer_is_told(
    tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fer.archive.ANSWER_S", 0.2)
    with pytest.raises(EngineError, match="does not answer"):
        analyze_archive(jobs_of(tmp_path, clip, 1), scheduler="tcp://127.0.0.1:1")
