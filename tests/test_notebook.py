"""The notebook, executed from top to bottom on a small made-up data set."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from fer import artifacts
from fer.fer2013.dataset import import_dataset
from fer.paths import PROJECT
from tests.tiny_fer2013 import tiny_dataset, write_zip

NOTEBOOK = PROJECT / "notebooks" / "train_and_evaluate.ipynb"


def test_the_committed_notebook_holds_no_outputs() -> None:
    # Outputs would show people's faces.
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code
    assert all(not cell.outputs and cell.execution_count is None for cell in code)


@pytest.mark.filterwarnings("default")  # Jupyter's libraries warn of each other
def test_the_notebook_tells_its_story_to_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_zip(tiny_dataset(per_class=8), tmp_path / "fer2013.zip")
    import_dataset(source, target=tmp_path / "data" / "fer2013.npz")
    for variable, folder in (("FER_DATA", "data"), ("FER_MODELS", "models"), ("FER_RUNS", "runs")):
        monkeypatch.setenv(variable, str(tmp_path / folder))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    (settings,) = [cell for cell in notebook.cells if "settings" in cell.metadata.get("tags", [])]
    settings.source = settings.source.replace("EPOCHS = 15", "EPOCHS = 2")
    settings.source = settings.source.replace("BATCH_SIZE = 64", "BATCH_SIZE = 8")
    resources = {"metadata": {"path": str(NOTEBOOK.parent)}}
    done = NotebookClient(notebook, timeout=300, resources=resources).execute(env=dict(os.environ))
    run = artifacts.load_run("notebook-cnn")
    assert run.metrics["test"]["all"]["images"] == 14
    shown = "".join(str(cell.get("outputs", "")) for cell in done.cells)
    for needed in ("Total params", "model.json", "model.weights.h5", "largest difference"):
        assert needed in shown
    assert "epoch 2 of 2" in shown
    assert "vega-lite" in shown
