"""Read a network's layers from ``model.json``: shapes, parameters, multiply-adds, without Keras.

The served app has no TensorFlow, and the file says everything: each layer's settings and what it
is connected to. Shapes follow from them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from fer.artifacts import ARCHITECTURE
from fer.errors import ModelError

#: Shape of one face's values: (height, width, channels) or (units,).
Shape = tuple[int, ...]

#: Output shape, parameters and multiply-adds of a layer, from its settings and input shape.
Count = Callable[[Mapping[str, Any], Shape], tuple[Shape, int, int]]


@dataclass(frozen=True)
class Layer:
    """One layer of a network.

    Attributes:
        name: its own name.
        kind: Keras's name of the class, such as ``"Conv2D"``.
        inputs: names of the layers that it reads.
        output: shape of what it puts out for one face.
        parameters: weights and biases, those that are not trained included.
        multiply_adds: multiplications for one face, of convolutions and dense layers.
        detail: its main setting in words, such as ``"3x3"``; empty if there is none.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    output: Shape
    parameters: int
    multiply_adds: int
    detail: str


def read_layers(folder: Path) -> tuple[Layer, ...]:
    """Read the layers of a run, in the order of the file.

    Raises:
        ModelError: if the file cannot be read, or holds a layer unknown here.
    """
    try:
        model = json.loads((folder / ARCHITECTURE).read_text(encoding="utf-8"))
        return _layers(model["class_name"] == "Sequential", model["config"]["layers"])
    except (OSError, ValueError, KeyError, TypeError, IndexError) as exc:
        raise ModelError(f"{folder.name}/{ARCHITECTURE} describes no network: {exc}.") from exc


def _layers(sequential: bool, described: list[dict[str, Any]]) -> tuple[Layer, ...]:
    found: dict[str, Layer] = {}
    previous: tuple[str, ...] = ()
    for layer in described:
        kind, config = layer["class_name"], layer["config"]
        inputs = previous if sequential else tuple(_sources(layer.get("inbound_nodes", [])))
        if kind == "InputLayer":
            # An open side is served at the size that every face has.
            output = tuple(side or 48 for side in config["batch_shape"][1:])
            parameters = multiply_adds = 0
        elif kind in _COUNTS:
            # Where layers are added, their shapes are all the same.
            source = found[inputs[0]].output
            output, parameters, multiply_adds = _COUNTS[kind](config, source)
        else:
            raise ModelError(f"The layer {config['name']!r} is a {kind}, which is unknown here.")
        name = config["name"]
        detail = _detail(kind, config)
        found[name] = Layer(name, kind, inputs, output, parameters, multiply_adds, detail)
        previous = (name,)
    return tuple(found.values())


def _sources(node: Any) -> list[str]:
    """Names of the layers that the tensors in a node's arguments come from."""
    if isinstance(node, dict):
        if node.get("class_name") == "__keras_tensor__":
            return [node["config"]["keras_history"][0]]
        return [name for part in node.values() for name in _sources(part)]
    if isinstance(node, list):
        return [name for part in node for name in _sources(part)]
    return []


def _windows(config: Mapping[str, Any], size: str, source: Shape) -> Shape:
    """Height and width after a window has moved over the input."""
    sides = zip(source[:2], config[size], config["strides"], strict=True)
    if config["padding"] == "same":
        return tuple(math.ceil(side / step) for side, _, step in sides)
    return tuple((side - window) // step + 1 for side, window, step in sides)


def _convolution(config: Mapping[str, Any], source: Shape) -> tuple[Shape, int, int]:
    height, width = _windows(config, "kernel_size", source)
    filters = config["filters"]
    kernel = math.prod(config["kernel_size"]) * source[2] // config.get("groups", 1) * filters
    # Each output position applies the whole kernel once.
    return (
        (height, width, filters),
        kernel + filters * config["use_bias"],
        height * width * kernel,
    )


def _dense(config: Mapping[str, Any], source: Shape) -> tuple[Shape, int, int]:
    kernel = source[-1] * config["units"]
    return (config["units"],), kernel + config["units"] * config["use_bias"], kernel


def _normalisation(config: Mapping[str, Any], source: Shape) -> tuple[Shape, int, int]:
    # Mean and variance, and what it learns to scale and shift by.
    return source, source[-1] * (2 + config["scale"] + config["center"]), 0


def _pooling(config: Mapping[str, Any], source: Shape) -> tuple[Shape, int, int]:
    return (*_windows(config, "pool_size", source), source[2]), 0, 0


def _same(_: Mapping[str, Any], source: Shape) -> tuple[Shape, int, int]:
    return source, 0, 0


_COUNTS: Final[Mapping[str, Count]] = MappingProxyType(
    {
        "Conv2D": _convolution,
        "Dense": _dense,
        "BatchNormalization": _normalisation,
        "MaxPooling2D": _pooling,
        "AveragePooling2D": _pooling,
        "GlobalAveragePooling2D": lambda _, source: ((source[-1],), 0, 0),
        "Flatten": lambda _, source: ((math.prod(source),), 0, 0),
        "ReLU": _same,
        "Activation": _same,
        "Dropout": _same,
        "Add": _same,
    }
)


def _detail(kind: str, config: Mapping[str, Any]) -> str:
    if kind == "Conv2D" or kind.endswith("Pooling2D"):
        window = config.get("kernel_size") or config.get("pool_size")
        if not window:
            return ""
        step = "" if config["strides"][0] == 1 else f", step {config['strides'][0]}"
        return "x".join(str(side) for side in window) + step
    if kind == "Dropout":
        return f"{config['rate']:.0%} dropped"
    return str(config.get("activation") or "") if kind in ("Dense", "Activation") else ""
