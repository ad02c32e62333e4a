"""The walls of the house: who may import what. See CONTRIBUTING.md for the reasons."""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fer.paths import PROJECT

PACKAGE = PROJECT / "fer"
PAGES = [PROJECT / "streamlit_app.py", *sorted((PROJECT / "pages").rglob("*.py"))]

#: Rows from the ground up, of modules and of whole packages: one imports from its own row or those
#: before it, never from later ones.
LAYERS = (
    ("paths", "types", "errors", "provenance", "memory"),
    ("operator", "preprocessing", "images", "quality", "metrics", "calibration", "artifacts"),
    ("faces", "classifier", "tracking", "annotate"),
    ("pipeline",),
    ("fer2013", "media"),
    ("evaluation", "sandbox"),
    ("training", "video"),
    ("photo", "live", "charts"),
    ("commands", "app"),
    ("bench",),
    ("__main__",),
)
RANK = {part: rank for rank, row in enumerate(LAYERS) for part in row}
MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.stem != "__init__"
}

STREAMLIT = {"app.common", "app.consent", "app.session", "app.uploads"}
# The processor derives from its frame processor, the relay replaces its queues.
STREAMLIT_WEBRTC = {"live.processor", "live.relay"}
TENSORFLOW = {
    f"training.{module}"
    for module in ("network", "augmentation", "optimisation", "fit", "conversion", "export")
}
TENSORFLOW_WITHIN_FUNCTIONS = {"classifier", "bench.classifier", "bench.training"}


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
    """Modules of ``fer`` that ``module`` imports."""
    found = set()
    for node in ast.walk(parse(MODULES[module])):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "fer":
            parent = (node.module or "").removeprefix("fer").removeprefix(".")
            names = {f"{parent}.{alias.name}".removeprefix(".") for alias in node.names}
            found |= names & set(MODULES) or {parent}
    return found


def rank(module: str) -> int:
    return RANK[module.partition(".")[0]]


def test_every_module_and_package_has_its_place() -> None:
    assert {module.partition(".")[0] for module in MODULES} == set(RANK)


@pytest.mark.parametrize("module", MODULES)
def test_imports_never_point_backwards(module: str) -> None:
    above = {name for name in siblings(module) if rank(name) > rank(module)}
    assert not above, f"fer.{module} imports from a later row: {above}"


def test_imports_form_no_circle() -> None:
    order = graphlib.TopologicalSorter({module: siblings(module) for module in MODULES})
    order.prepare()  # raises CycleError


@pytest.mark.parametrize("module", MODULES)
def test_streamlit_stays_in_its_corner(module: str) -> None:
    used = libraries(imports(parse(MODULES[module])))
    assert "streamlit" not in used or module in STREAMLIT
    assert "streamlit_webrtc" not in used or module in STREAMLIT_WEBRTC


@pytest.mark.parametrize("module", MODULES)
def test_tensorflow_stays_in_its_corner(module: str) -> None:
    tree = parse(MODULES[module])
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
        [sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_command_line_starts_without_heavy_libraries() -> None:
    heavy = {"tensorflow", "cv2", "av", "pandas", "ai_edge_litert"}
    script = f"import sys, fer.__main__; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
