"""Benchmark: beside the PyPI package ``fer``, in an environment of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from fer import artifacts
from fer.bench.pictures import pictures
from fer.bench.record import Plan, Section, Table
from fer.bench.timing import Times
from fer.classifier import FacialExpressionModel
from fer.errors import FerError
from fer.faces import create_detector
from fer.paths import PROJECT
from fer.pipeline import Analyzer
from fer.types import FACE_SIZE, Image

PEER: Final = "fer"
VERSION: Final = "25.10.3"

#: Kept between runs, for the package brings TensorFlow and PyTorch along.
_ENVIRONMENT: Final = PROJECT / ".venv-peers"

_INSTALL_S: Final = 600

#: Runs in the other environment: loads, then answers each line of commands with milliseconds
#: (wall, processor) and the number of faces. It times nothing but its own calls.
_WORKER: Final = """
import json, os, sys, time
answer = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)  # what the libraries print must not get between the answers
import cv2, numpy as np
from fer.fer import FER
makers = {"haar": lambda: FER(), "mtcnn": lambda: FER(mtcnn=True)}
made = {}
faces = np.random.default_rng(0).random((10, 64, 64), np.float32)
for line in sys.stdin:
    kind, what = json.loads(line)
    if kind not in made:
        made[kind] = makers[kind if kind in makers else "haar"]()
    peer = made[kind]
    image = cv2.imread(what) if what else None
    wall, used = time.perf_counter(), time.process_time()
    if image is None:
        count = len(peer._classify_emotions(faces))
    else:
        count = len(peer.detect_emotions(image))
    times = [(time.perf_counter() - wall) * 1000, (time.process_time() - used) * 1000]
    answer.write(json.dumps([*times, count]) + chr(10))
"""


def peers(plan: Plan) -> Section:
    """Compare the classifiers, and whole pictures from file to faces, in turns.

    Raises:
        FerError: if the peer cannot be installed or run.
    """
    shown = pictures(plan.media)[: 3 if plan.quick else None]
    with tempfile.TemporaryDirectory() as folder, _worker(_python()) as ask:
        classifiers = _classifiers(ask, rounds=3 if plan.quick else 30)
        pipelines = _pipelines(ask, shown, Path(folder), rounds=1 if plan.quick else 2)
    references = artifacts.read_references().set_index("name")
    accuracy = {PEER: float(references["accuracy"].to_dict()[PEER])}
    run = artifacts.load_run(artifacts.default_run())
    accuracy[run.name] = run.metrics["test"]["all"]["accuracy"]
    ours, theirs = classifiers[run.name], classifiers[PEER]
    better = theirs.processor_ms < ours.processor_ms and accuracy[PEER] > accuracy[run.name]
    labels = {run.name: f"this project, {run.name}", PEER: f"{PEER} {VERSION}, its default"}
    rows = [
        (labels[name], times.ms, times.processor_ms, accuracy[name])
        for name, times in classifiers.items()
    ]
    columns = ("classifier", "ms per face, wall", "ms per face, processor", "accuracy on 7,178")
    return Section(
        tables=(Table("One face, cropped already", columns, tuple(rows)), pipelines),
        figures={
            "peers_better": float(better),
            "peer_classifier_ratio": theirs.processor_ms / ours.processor_ms,
        },
        notes=(
            "Each runs in its own process, in turns of a few milliseconds.",
            f"Accuracy: models/references.csv for {PEER}, the run's record for this project.",
            "True faces in the pictures were counted by eye; frames of clips are every 40th.",
        ),
    )


def _classifiers(ask: Any, rounds: int) -> dict[str, Times]:
    model = FacialExpressionModel.load()
    faces = np.random.default_rng(0).integers(0, 256, (10, FACE_SIZE, FACE_SIZE), dtype=np.uint8)
    found: dict[str, list[tuple[float, float]]] = {model.run.name: [], PEER: []}
    for number in range(rounds + 2):
        ours = _timed(lambda: len(model.predict(faces)))
        theirs = ask("classify", None)
        if number >= 2:
            found[model.run.name].append((ours[0] / 10, ours[1] / 10))
            found[PEER].append((theirs[0] / 10, theirs[1] / 10))
    return {name: Times(*np.array(pairs).T) for name, pairs in found.items()}


def _pipelines(ask: Any, shown: list[tuple[str, Image, int]], folder: Path, rounds: int) -> Table:
    """Whole pictures: find all faces and read them."""
    analyzer = Analyzer(create_detector(), FacialExpressionModel.load())
    labels = (f"this project, {analyzer.detector.name}", f"{PEER}, Haar", f"{PEER}, MTCNN")
    times: dict[str, list[tuple[float, float]]] = {label: [] for label in labels}
    found = dict.fromkeys(labels, 0)
    for number, (_, image, _) in enumerate(shown):
        path = folder / f"{number}.png"
        cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        for turn in range(rounds + 1):
            answers = (
                _timed(lambda image=image: len(analyzer.analyze(image).predictions)),
                ask("haar", str(path)),
                ask("mtcnn", str(path)),
            )
            for label, (wall, used, count) in zip(labels, answers, strict=True):
                if turn:
                    times[label].append((wall, used))
                elif turn == 0:
                    found[label] += count
    total = sum(faces for _, _, faces in shown)
    rows = [
        (label, *np.mean(times[label], axis=0).tolist(), found[label], total) for label in labels
    ]
    columns = ("whole pictures", "ms per picture, wall", "ms, processor", "faces answered")
    return Table(f"{len(shown)} pictures", (*columns, "true faces"), tuple(rows))


def _timed(function: Any) -> tuple[float, float, int]:
    from time import perf_counter, process_time

    wall, used = perf_counter(), process_time()
    count = int(function())
    return (perf_counter() - wall) * 1000, (process_time() - used) * 1000, count


@contextmanager
def _worker(python: Path) -> Iterator[Any]:
    process = subprocess.Popen(  # noqa: S603 the interpreter that was just made, our own script
        [python, "-I", "-c", _WORKER],  # isolated: its "fer" is another one than this
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )

    def ask(kind: str, what: str | None) -> tuple[float, float, int]:
        if process.stdin is None or process.stdout is None:
            raise FerError("The peer's process has no pipes.")
        process.stdin.write(json.dumps([kind, what]) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            raise FerError(f"{PEER} {VERSION} ended while answering.")
        wall, used, count = json.loads(line)
        return wall, used, count

    try:
        yield ask
    finally:
        process.kill()
        process.wait()


def _python() -> Path:
    """The other environment's interpreter; the environment is made the first time."""
    python = _ENVIRONMENT / "bin" / "python"
    if (_ENVIRONMENT / "complete").exists():
        return python
    commands = (
        [sys.executable, "-m", "venv", "--clear", str(_ENVIRONMENT)],
        [str(python), "-m", "pip", "install", "--quiet", f"{PEER}=={VERSION}"],
    )
    for command in commands:
        try:
            subprocess.run(  # noqa: S603 our own commands
                command, check=True, capture_output=True, text=True, timeout=_INSTALL_S
            )
        except (subprocess.SubprocessError, OSError) as exc:
            raise FerError(
                f"{PEER} {VERSION} could not be installed into {_ENVIRONMENT.name}, "
                f"which needs a network: {exc}"
            ) from exc
    (_ENVIRONMENT / "complete").touch()
    return python
