"""Model files: known ones only, with the right hashes, and nothing in them that runs."""

from __future__ import annotations

import ast
import json
import marshal
import shutil
from base64 import b64encode
from pathlib import Path

import pytest

from fer import artifacts
from fer.classifier import load_keras
from fer.errors import ModelError
from fer.paths import PROJECT

#: Libraries that run what they read.
UNSAFE = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "torch"}


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


@pytest.mark.parametrize("folder", ["fer", "pages"])
def test_nothing_is_read_that_could_run(folder: str) -> None:
    for path in (PROJECT / folder).rglob("*.py"):
        assert not imports(path) & UNSAFE, path
        text = path.read_text(encoding="utf-8")
        assert "allow_pickle=True" not in text, path
        assert "safe_mode=False" not in text, path
        assert "enable_unsafe_deserialization" not in text, path


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A copy of the served run."""
    folder = tmp_path / "copy"
    shutil.copytree(artifacts.run_folder(artifacts.default_run()), folder)
    return folder


def test_a_copy_is_as_good(run: Path) -> None:
    assert artifacts.load_run(run).files


@pytest.mark.parametrize("name", artifacts.HASHED)
def test_a_file_that_was_changed_is_refused(run: Path, name: str) -> None:
    file = run / name
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(bytes(data))
    with pytest.raises(ModelError, match=name.replace(".", r"\.")):
        artifacts.load_run(run)


def test_a_file_that_nobody_knows_is_not_looked_at(run: Path) -> None:
    for name in ("model.pkl", "model.keras", "sitecustomize.py", "model.pt"):
        (run / name).write_bytes(b"cposix\nsystem\n(S'false'\ntR.")
    assert "model.pkl" not in artifacts.load_run(run).files


def test_a_network_that_brings_code_is_refused(run: Path, tmp_path: Path) -> None:
    """A Lambda layer holds Python's own bytecode; Keras's safe mode does not load it."""
    canary = tmp_path / "canary"
    code = compile(f"open({str(canary)!r}, 'w')", "x", "eval")
    layer = {
        "module": "keras.layers",
        "class_name": "Lambda",
        "config": {
            "name": "evil",
            "function": {
                "class_name": "__lambda__",
                "config": {
                    "code": b64encode(marshal.dumps(code)).decode(),
                    "defaults": None,
                    "closure": None,
                },
            },
        },
    }
    architecture = {
        "module": "keras",
        "class_name": "Sequential",
        "config": {"name": "s", "layers": [layer], "build_input_shape": [None, 48, 48, 1]},
    }
    (run / artifacts.ARCHITECTURE).write_text(json.dumps(architecture), encoding="utf-8")
    with pytest.raises(ModelError):
        load_keras(run)
    assert not canary.exists()


def test_a_name_cannot_leave_the_folder_of_models() -> None:
    for name in ("../secrets", "/etc", "a/../../b"):
        with pytest.raises(ModelError):
            artifacts.load_run(name)
