from __future__ import annotations

import json
from pathlib import Path

import pytest

from fer import artifacts
from fer.errors import ModelError
from fer.evaluation.architecture import read_layers
from fer.training.network import NetworkBuilder, compact_cnn, multiply_adds, seed_cnn
from fer.types import FACE_SIZE
from tests.made_up_runs import NETWORK


def write(folder: Path, text: str) -> Path:
    (folder / artifacts.ARCHITECTURE).write_text(text, encoding="utf-8")
    return folder


def test_layers_counted_by_hand(tmp_path: Path) -> None:
    layers = read_layers(write(tmp_path, json.dumps(NETWORK)))
    assert [(layer.kind, layer.output) for layer in layers] == [
        ("InputLayer", (48, 48, 1)),
        ("Conv2D", (24, 24, 8)),
        ("Flatten", (24 * 24 * 8,)),
        ("Dense", (7,)),
    ]
    assert [layer.parameters for layer in layers] == [0, 80, 0, 24 * 24 * 8 * 7 + 7]
    assert [layer.multiply_adds for layer in layers] == [0, 24 * 24 * 72, 0, 24 * 24 * 8 * 7]
    assert [layer.inputs for layer in layers] == [(), ("input",), ("conv",), ("flat",)]
    assert layers[1].detail == "3x3, step 2"


@pytest.mark.parametrize(
    ("build", "side"), [(seed_cnn, FACE_SIZE), (compact_cnn, FACE_SIZE), (compact_cnn, None)]
)
def test_the_real_networks_are_read_as_keras_reads_them(
    tmp_path: Path, build: NetworkBuilder, side: int | None
) -> None:
    model = build(0, FACE_SIZE)
    layers = read_layers(write(tmp_path, build(0, side).to_json()))
    assert sum(layer.parameters for layer in layers) == model.count_params()
    assert sum(layer.multiply_adds for layer in layers) == multiply_adds(model)
    kinds = [layer.kind for layer in layers if layer.kind != "InputLayer"]
    built = [layer for layer in model.layers if type(layer).__name__ != "InputLayer"]
    assert kinds == [type(layer).__name__ for layer in built]
    mine = [layer.output for layer in layers if layer.kind != "InputLayer"]
    assert mine == [tuple(layer.output.shape[1:]) for layer in built]


def test_a_shortcut_is_seen(tmp_path: Path) -> None:
    layers = read_layers(write(tmp_path, compact_cnn(0, FACE_SIZE).to_json()))
    sums = [layer for layer in layers if layer.kind == "Add"]
    assert sums
    assert all(len(layer.inputs) == 2 for layer in sums)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"class_name": "Sequential", "config": 3}'])
def test_what_describes_no_network_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ModelError, match="describes no network"):
        read_layers(write(tmp_path, text))


def test_an_unknown_layer_is_named(tmp_path: Path) -> None:
    other = json.dumps(NETWORK).replace('"Flatten"', '"Rotate"')
    with pytest.raises(ModelError, match="'flat' is a Rotate"):
        read_layers(write(tmp_path, other))
