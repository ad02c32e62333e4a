"""Benchmark: the classifier's files, batches and threads, against the floor of its arithmetic."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fer import artifacts
from fer.bench.record import Plan, Section, Table
from fer.bench.timing import Times, in_turns
from fer.types import FACE_SIZE

_BATCHES: Final = (1, 4, 16)
_SIDE: Final = 1024  # of the matrices whose product shows the peak

#: Prints billions of multiply-adds per second of processor time, the best of several products.
#: In a process of its own: OpenBLAS reads its settings once, and some machines carry settings
#: for old processors.
_MATRIX_PRODUCT: Final = """
import time, numpy as np
a = np.random.rand(2048, 2048).astype(np.float32); b = a.T.copy(); best = 9.0
for _ in range(8):
    used = time.process_time(); a @ b; best = min(best, time.process_time() - used)
print(2048 ** 3 / best / 1e9)
"""

_FLOOR: Final = (
    "Floor: multiply-adds over the most that one core of this machine was seen to do in large "
    "matrix products (NumPy's OpenBLAS and LiteRT, the faster of both), in billions per second:"
)

Pass = Callable[[NDArray[np.float32]], object]


def classifier(plan: Plan) -> Section:
    """Time every run's files, and the default run by batch, threads and runtime."""
    rounds = 3 if plan.quick else 60
    peaks = {"float32": peak_float32(), "int8": _peak_int8(rounds)}
    peaks["float32"] = max(peaks["float32"], _peak_litert_float32(rounds))
    run = artifacts.load_run(artifacts.default_run())
    served = "int8" if artifacts.served_file(run) == artifacts.QUANTISED else "float32"
    runs, single = _by_run(rounds, peaks)
    floor_ms = run.metrics["multiply_adds"] / peaks[served] / 1e6
    served_ms = single[run.name, served].processor_ms
    return Section(
        tables=(
            runs,
            _by_batch(run.name, rounds),
        ),
        figures={
            "ms_per_face": served_ms,
            "times_floor": served_ms / floor_ms,
            "peak_float32": peaks["float32"],
            "peak_int8": peaks["int8"],
        },
        notes=(
            f"{_FLOOR} {peaks['float32']:.0f} in float32, {peaks['int8']:.0f} in int8.",
            f"Served by default: {run.name}, {served}.",
        ),
    )


def _by_run(rounds: int, peaks: dict[str, float]) -> tuple[Table, dict[tuple[str, str], Times]]:
    passes: dict[tuple[str, str], Pass] = {}
    for name in artifacts.list_runs():
        folder = artifacts.run_folder(name)
        # A combined run has no file of its own: it costs what its members cost, twice.
        for kind, file in (("float32", artifacts.SERVING), ("int8", artifacts.QUANTISED)):
            if (folder / file).exists():
                passes[name, kind] = _litert(folder / file, batch=1, threads=1)
    faces = _faces(1)
    times = in_turns(
        {f"{name} {kind}": _ten(each, faces) for (name, kind), each in passes.items()},
        rounds,
        per=10,
    )
    single = {key: times[f"{key[0]} {key[1]}"] for key in passes}
    rows = []
    for (name, kind), taken in single.items():
        work = artifacts.load_run(name).metrics["multiply_adds"] / 1e6
        floor = work / peaks[kind]
        against = taken.over(single[name, "float32"])
        spent = (taken.ms, taken.processor_ms, against)
        rows.append((name, kind, round(work), *spent, floor, taken.processor_ms / floor))
    columns = ("run", "file", "M multiply-adds", "ms, wall", "ms, processor", "of its float32")
    against_floor = ("floor, ms", "times the floor")
    table = Table("One face at a time, one thread", (*columns, *against_floor), tuple(rows))
    return table, single


def _by_batch(name: str, rounds: int) -> Table:
    folder = artifacts.run_folder(name)
    rows: list[tuple[Any, ...]] = []
    for batch in _BATCHES:
        passes: dict[str, Pass] = {}
        for kind, file in (("float32", artifacts.SERVING), ("int8", artifacts.QUANTISED)):
            for threads in (1, 2):
                if (folder / file).exists():
                    label = f"LiteRT {kind}, {threads} thread{'s' * (threads > 1)}"
                    passes[label] = _litert(folder / file, batch, threads)
        passes["Keras (TensorFlow), all threads"] = _keras(folder)
        faces = _faces(batch)
        found = in_turns(
            {label: partial(each, faces) for label, each in passes.items()},
            max(rounds // 2, 2),
            per=batch,
        )
        rows += [(label, batch, times.ms, times.processor_ms) for label, times in found.items()]
    rows.sort(key=lambda row: row[0])
    columns = ("runtime", "faces per call", "ms per face, wall", "ms per face, processor")
    return Table(f"The default run, {name}, by batch and threads", columns, tuple(rows))


def _faces(number: int) -> NDArray[np.float32]:
    # A network takes the same time for noise as for faces.
    noise = np.random.default_rng(0).standard_normal((number, FACE_SIZE, FACE_SIZE, 1))
    return noise.astype(np.float32)


def _ten(each: Pass, faces: NDArray[np.float32]) -> Callable[[], None]:
    def call() -> None:
        for _ in range(10):
            each(faces)

    return call


def _litert(path: Path, batch: int, threads: int) -> Pass:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path), num_threads=threads)
    source = interpreter.get_input_details()[0]
    interpreter.resize_tensor_input(source["index"], (batch, *source["shape"][1:]))
    interpreter.allocate_tensors()
    target = interpreter.get_output_details()[0]["index"]

    def forward(faces: NDArray[np.float32]) -> object:
        interpreter.set_tensor(source["index"], faces)
        interpreter.invoke()
        return interpreter.get_tensor(target)

    return forward


def _keras(folder: Path) -> Pass:
    from fer.classifier import load_keras

    model = load_keras(folder)
    return lambda faces: model(faces, training=False).numpy()


def peak_float32() -> float:
    """Measure what one core does in a large product of matrices.

    Returns:
        Billions of multiply-adds per second.
    """
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}
    done = subprocess.run(  # noqa: S603 our own interpreter and script
        [sys.executable, "-c", _MATRIX_PRODUCT],
        env=clean | {"OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def _peak_litert_float32(rounds: int) -> float:
    return _peak_of(_product_file(quantised=False), rounds)


def _peak_int8(rounds: int) -> float:
    return _peak_of(_product_file(quantised=True), rounds)


def _product_file(*, quantised: bool) -> bytes:
    """A LiteRT file whose work is a product of square matrices, several times over."""
    import keras

    from fer.training.conversion import DYNAMIC, FLOAT32, convert

    source = keras.Input((_SIDE,))
    x = source
    for _ in range(3):
        x = keras.layers.Dense(_SIDE, use_bias=False, kernel_initializer="random_uniform")(x)
    way = DYNAMIC if quantised else FLOAT32
    sample = np.ones((1, _SIDE), np.float32)
    return convert(keras.Model(source, x), sample, [way])[way]


def _peak_of(content: bytes, rounds: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "product.tflite"
        path.write_bytes(content)
        forward = _litert(path, batch=_SIDE, threads=1)
        rows = np.random.default_rng(0).standard_normal((_SIDE, _SIDE)).astype(np.float32)
        times = in_turns({"product": lambda: forward(rows)}, max(rounds // 4, 3))["product"]
    return float(3 * _SIDE**3 / times.processor.min() / 1e6)
