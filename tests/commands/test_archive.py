"""An archive on a real local cluster: one worker killed, equal to one machine, resumed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from pathlib import Path
from types import ModuleType

import pytest

from fer import artifacts
from fer.classifier import FacialExpressionModel
from fer.commands import archive
from fer.commands.archive import MARK, Job, Outcome, analyze_archive
from fer.commands.video_results import analyze_one
from fer.errors import EngineError
from fer.faces import create_detector
from fer.media.sample import make_sample_clip
from fer.pipeline import Analyzer
from fer.video.report import format_csv, videos_table
from fer.video.settings import VideoSettings

distributed = pytest.importorskip(
    "distributed", reason="no Dask: pip install -r requirements-scale.txt"
)

SETTINGS = VideoSettings(end_s=0.5)


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
    del report["created"]
    return files | {"report.json": json.dumps(report).encode()}


@pytest.fixture(autouse=True)
def no_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """Page tests leave the app behind as the main program, and every worker would run that."""
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))


def test_a_worker_does_what_one_machine_does_bit_for_bit(tmp_path: Path, clip: Path) -> None:
    (job,) = jobs_of(tmp_path, clip, 1)
    outcome = archive.work(job)
    alone = tmp_path / "alone"
    analyzer = Analyzer(create_detector(), FacialExpressionModel.load())
    report = analyze_one(job.source, alone, analyzer, SETTINGS, bundle=False)
    assert contents(job.folder) == contents(alone)
    assert outcome == Outcome(job, format_csv(videos_table([report])))
    assert archive.finished(job) == outcome


def test_a_worker_that_is_killed_costs_nothing(tmp_path: Path, clip: Path) -> None:
    jobs = jobs_of(tmp_path, clip, 3)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    jobs.append(Job(broken, tmp_path / "out" / "broken", jobs[0].run, SETTINGS))
    told: list[Outcome] = []

    def kill_one(outcome: Outcome) -> None:
        told.append(outcome)
        if len(told) == 1:  # the others are under way or wait
            workers = distributed.get_client().run(os.getpid)
            os.kill(next(iter(workers.values())), signal.SIGKILL)

    outcomes = analyze_archive(jobs, workers=2, on_done=kill_one)
    assert [outcome.job for outcome in outcomes] == jobs
    # Nothing lost, nothing twice, nothing half done.
    assert sorted(o.job.source.name for o in told) == ["a.mp4", "b.mp4", "broken.mp4", "c.mp4"]
    assert [outcome.problem is None for outcome in outcomes] == [True, True, True, False]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a", "b", "c"]
    first, *others = (contents(job.folder) for job in jobs[:3])
    for other in others:
        assert other["annotated.mp4"] == first["annotated.mp4"]
        assert other["frames.csv"] == first["frames.csv"]

    # Asked again, nothing is analysed: at this address no cluster would answer.
    again = analyze_archive(jobs[:3], scheduler="tcp://127.0.0.1:1")
    assert [outcome.table for outcome in again] == [outcome.table for outcome in outcomes[:3]]


def test_other_settings_or_another_video_are_done_again(tmp_path: Path, clip: Path) -> None:
    (job,) = jobs_of(tmp_path, clip, 1)
    job.folder.mkdir(parents=True)
    (job.folder / MARK).write_text(json.dumps({"key": archive._key(job), "table": "a\n1\n"}))
    assert archive.finished(job) == Outcome(job, "a\n1\n")
    other = Job(job.source, job.folder, job.run, VideoSettings(end_s=2.0))
    assert archive.finished(other) is None
    job.source.write_bytes(b"another video")
    assert archive.finished(job) is None


def test_a_scheduler_that_does_not_answer_is_told(
    tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fer.commands.archive.ANSWER_S", 0.2)
    with pytest.raises(EngineError, match="does not answer"):
        analyze_archive(jobs_of(tmp_path, clip, 1), scheduler="tcp://127.0.0.1:1")
