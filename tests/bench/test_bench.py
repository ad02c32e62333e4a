"""What the benchmarks do with their figures; never how large those are."""

from __future__ import annotations

import json
import os
import time
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from fer.__main__ import main
from fer.bench.process import Watch, busy_share, loads, memory_mb, processor_s, tree
from fer.bench.record import GOALS, Plan, Section, Table, read
from fer.bench.suite import SECTIONS, measure
from fer.bench.timing import in_turns, line
from fer.errors import MediaError


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return Plan(quick=True, media=tmp_path, output=tmp_path)


def test_every_section_has_its_function_and_every_goal_its_section() -> None:
    for name in SECTIONS:
        assert callable(getattr(import_module(f"fer.bench.{name}"), name))
    assert {section for _, section, *_ in GOALS} <= set(SECTIONS)


def test_a_section_that_fails_is_reported_and_the_others_stand(plan: Plan) -> None:
    def works(_: Plan) -> Section:
        table = Table("A caption", ("what", "ms"), (("a row", 1.23456), ("none", None)))
        return Section((table,), {"times_floor": 1.5}, ("A note.",), ("growth.svg",))

    def fails(_: Plan) -> Section:
        raise MediaError("There is no media.")

    def breaks(_: Plan) -> Section:
        raise ValueError("odd")

    assert measure("classifier", plan, works)
    assert not measure("peers", plan, fails)
    assert not measure("video", plan, breaks)
    sections = read(plan.output)["sections"]
    assert sections["classifier"]["figures"] == {"times_floor": 1.5}
    assert sections["peers"]["error"] == "There is no media."
    assert sections["video"]["error"] == "ValueError: odd"
    page = (plan.output / "benchmarks.md").read_text(encoding="utf-8")
    assert "| a row | 1.23 |" in page
    assert "| none |  |" in page
    assert "![growth.svg](growth.svg)" in page
    assert "Not measured: There is no media." in page
    assert "quick trial" in page
    # Measured and met; and not measured at all.
    assert "| Classifier: times the floor of its arithmetic | 2  | 1.5  | yes |" in page
    assert "| Memory when idle | 250 MB |  | not measured |" in page


def test_a_missed_goal_is_shown_as_such(plan: Plan) -> None:
    assert measure("app", plan, lambda _: Section((), {"idle_mb": 251.0}))
    page = (plan.output / "benchmarks.md").read_text(encoding="utf-8")
    assert "| Memory when idle | 250 MB | 251 MB | **no** |" in page


def test_a_section_measured_anew_replaces_itself_alone(plan: Plan) -> None:
    measure("classifier", plan, lambda _: Section((), {"x": 1.0}))
    measure("video", plan, lambda _: Section((), {"y": 3.0}))
    measure("classifier", plan, lambda _: Section((), {"x": 2.0}))
    found = json.loads((plan.output / "benchmarks.json").read_text())
    assert found["sections"]["classifier"]["figures"] == {"x": 2.0}
    assert found["sections"]["video"]["figures"] == {"y": 3.0}
    assert found["versions"].keys() >= {"python", "numpy"}


def test_what_one_core_serves_follows_from_the_figures(plan: Plan) -> None:
    viewers = {"cores_per_viewer": 0.35, "mb_start": 256.0, "mb_per_viewer": 10.24}
    measure("viewers", plan, lambda _: Section((), viewers))
    measure("video", plan, lambda _: Section((), {"ms_per_frame": 8.0}))
    page = (plan.output / "benchmarks.md").read_text(encoding="utf-8")
    assert "| viewers of Live per core | 2 |" in page
    assert "| cores for 1,000 viewers at a time | 500 |" in page
    # 62.5 replicas of 256 MB and 1,000 viewers of 10.24 MB.
    assert "| memory for them in GB, 8 cores a replica | 25.6 |" in page
    assert "per core and day | 120 |" in page
    assert "| core-hours for 10,000 hours of video | 2000 |" in page


def test_an_unknown_section_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as left:
        main(["bench", "nonsense", "-o", str(tmp_path)])
    assert left.value.code == 2


def test_work_is_timed_in_turns() -> None:
    order: list[str] = []

    def busy() -> None:
        order.append("busy")
        deadline = time.process_time() + 0.004
        while time.process_time() < deadline:
            pass

    def idle() -> None:
        order.append("idle")
        time.sleep(0.004)

    times = in_turns({"busy": busy, "idle": idle}, rounds=3, per=2)
    assert order == ["busy", "idle"] * 4  # one round to warm up
    assert times["busy"].processor.shape == (3,)
    assert times["busy"].processor_ms >= 2  # 4 ms for two
    assert times["idle"].ms >= 2
    assert times["busy"].over(times["idle"]) > 1


def test_a_line_is_fitted() -> None:
    assert line(np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, 5.0])) == pytest.approx((1.0, 2.0))


def test_a_process_is_watched() -> None:
    pid = os.getpid()
    with Watch(pid) as watch:
        ballast = np.ones(40_000_000, np.uint8)
        time.sleep(0.25)
    assert watch.peak_mb > 40
    assert memory_mb(pid) > 20
    assert processor_s(pid) > 0
    assert tree(pid)[0] == pid
    assert 0 <= busy_share(0.05) <= 1
    assert loads(pid, "numpy")
    assert not loads(pid, "no_such_library")
    assert ballast.sum() == 40_000_000
