"""The walls of the house: who may import what. See CONTRIBUTING.md for the reasons."""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "fer"
PAGES = [ROOT / "streamlit_app.py", *sorted((ROOT / "pages").rglob("*.py"))]

#: Rows from the ground up: a module imports from its own row or those before it, never later ones.
LAYERS = (
    ("types", "errors", "provenance", "memory"),
    (
        "quality",
        "cuts",
        "frame_log",
        "segments",
        "background",
        "views",
        "video_settings",
        "operator",
    ),
    ("confinement", "decoder_program", "private_files", "http_guard"),
    ("decoder_client",),
    (
        "preprocessing",
        "images",
        "photo_formats",
        "metrics",
        "calibration",
        "artifacts",
        "recipes",
        "checkpoint",
        "latency",
    ),
    ("architecture",),
    (
        "dataset_sources",
        "dataset",
        "duplicates",
        "ferplus",
        "faces",
        "network",
        "augmentation",
        "optimisation",
        "video_pictures",
        "video_duration",
        "video_seek",
        "video_reader",
        "sound",
        "video_writer",
        "conversion",
    ),
    ("facts", "classifier", "tracking", "annotate", "sample"),
    ("decoder", "restricted"),
    ("restricted_sound",),
    ("moments", "summary", "captions"),
    ("pipeline", "privacy", "face_search"),
    (
        "live_settings",
        "live_labels",
        "live_meter",
        "live_seats",
        "live_servers",
        "live_check",
        "live_recording",
        "live_relay",
    ),
    ("live_picture", "live_session", "live_html"),
    ("video_output", "photo"),
    ("account", "model_card"),
    ("serving", "looks", "evaluation", "robustness", "training", "export", "video", "report"),
    ("ensemble",),
    ("live",),
    ("live_summary",),
    ("timeline_picture",),
    ("bundle", "photo_bundle"),
    (
        "chart_style",
        "charts",
        "model_charts",
        "confusion_charts",
        "data_charts",
        "robustness_chart",
    ),
    ("timeline",),
    ("console",),
    ("video_results",),
    ("archive",),
    ("bench_record", "bench_timing", "bench_pictures", "bench_process", "server_process"),
    (
        "bench_classifier",
        "bench_peers",
        "bench_detector",
        "bench_stages",
        "bench_video",
        "bench_app",
        "bench_training",
        "bench_growth",
        "bench_viewers",
    ),
    ("bench", "video_command", "photo_command"),
    ("app_uploads",),
    ("app_session",),
    ("app", "__main__"),
    ("app_consent",),
)
RANK = {module: rank for rank, row in enumerate(LAYERS) for module in row}
MODULES = sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__")

STREAMLIT = {"app", "app_uploads", "app_session", "app_consent"}
# live.py derives from its frame processor, live_relay.py replaces its queues.
STREAMLIT_WEBRTC = {"app", "live", "live_relay"}
TENSORFLOW = {"conversion", "network", "augmentation", "optimisation", "training", "export"}
TENSORFLOW_WITHIN_FUNCTIONS = {"classifier", "bench_classifier", "bench_training"}


def imports(node: ast.AST) -> Iterator[str]:
    """Every module that the code below ``node`` imports, within functions too."""
    for part in ast.walk(node):
        if isinstance(part, ast.Import):
            yield from (alias.name for alias in part.names)
        elif isinstance(part, ast.ImportFrom) and part.module == "fer":
            yield from (f"fer.{alias.name}" for alias in part.names)
        elif isinstance(part, ast.ImportFrom):
            yield part.module or ""


def module_level_imports(tree: ast.Module) -> Iterator[str]:
    """What is imported as soon as the module is: not within functions, not for types alone."""
    for statement in tree.body:
        for_types = isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.dump(statement.test)
        if not for_types and not isinstance(statement, ast.FunctionDef):
            yield from imports(statement)


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def libraries(names: Iterator[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def siblings(module: str) -> set[str]:
    """Modules of the package that ``module`` imports."""
    names = imports(parse(PACKAGE / f"{module}.py"))
    return {name.split(".")[1] for name in names if name.startswith("fer.")}


def test_every_module_has_its_place() -> None:
    assert set(MODULES) == set(RANK)


@pytest.mark.parametrize("module", MODULES)
def test_imports_never_point_backwards(module: str) -> None:
    above = {name for name in siblings(module) if RANK[name] > RANK[module]}
    assert not above, f"fer/{module}.py imports from a later row: {above}"


def test_imports_form_no_circle() -> None:
    order = graphlib.TopologicalSorter({module: siblings(module) for module in MODULES})
    order.prepare()  # raises CycleError


@pytest.mark.parametrize("module", MODULES)
def test_streamlit_stays_in_its_corner(module: str) -> None:
    used = libraries(imports(parse(PACKAGE / f"{module}.py")))
    assert "streamlit" not in used or module in STREAMLIT
    assert "streamlit_webrtc" not in used or module in STREAMLIT_WEBRTC


@pytest.mark.parametrize("module", MODULES)
def test_tensorflow_stays_in_its_corner(module: str) -> None:
    tree = parse(PACKAGE / f"{module}.py")
    heavy = {"tensorflow", "keras"}
    if module not in TENSORFLOW:
        assert not heavy & libraries(module_level_imports(tree))
    if module not in TENSORFLOW | TENSORFLOW_WITHIN_FUNCTIONS:
        assert not heavy & libraries(imports(tree))


def test_served_app_loads_neither_tensorflow_nor_scipy() -> None:
    """Import all that the pages import and classify a face, in a process of its own."""
    needed = sorted({name for page in PAGES for name in imports(parse(page))})
    script = f"""
import importlib, sys
for name in {needed}:
    parent, _, last = name.rpartition(".")
    if not (parent and hasattr(importlib.import_module(parent), last)):
        importlib.import_module(name)
import numpy as np
from fer.classifier import FacialExpressionModel
FacialExpressionModel.load().predict(np.zeros((1, 48, 48), np.uint8))
print(sorted({{"tensorflow", "keras", "torch", "scipy"}} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_command_line_starts_without_heavy_libraries() -> None:
    heavy = {"tensorflow", "cv2", "av", "pandas", "ai_edge_litert"}
    script = f"import sys, fer.__main__; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
