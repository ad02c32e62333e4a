"""Read facial expressions, and say how far the reading can be trusted.

    from pathlib import Path
    from fer import Analyzer, FacialExpressionModel, create_detector, decode_image

    analyzer = Analyzer(create_detector(), FacialExpressionModel.load())
    result = analyzer.analyze(decode_image(Path("photo.jpg").read_bytes()))
    for prediction in result.predictions:
        print(prediction.face.box, prediction.label, f"{prediction.confidence:.0%}")

A result says what a face looks like to the people who labelled the training data,
not what anybody feels. Modules are loaded when a name is first used, so that
``import fer`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fer.annotate import blur_faces, draw
    from fer.classifier import FacialExpressionModel
    from fer.errors import DatasetError, DetectorError, FerError, MediaError, ModelError
    from fer.faces import create_detector
    from fer.images import crop_face
    from fer.media.photo_formats import decode_image
    from fer.pipeline import Analyzer
    from fer.tracking import Tracker
    from fer.types import COLORS, EMOTIONS, Face, FacePrediction, FrameResult, VideoReport
    from fer.video.analysis import analyze_video, read_frames
    from fer.video.report import to_json, to_table

#: Where each public name lives.
_MODULES = {
    "annotate": ("blur_faces", "draw"),
    "classifier": ("FacialExpressionModel",),
    "errors": ("DatasetError", "DetectorError", "FerError", "MediaError", "ModelError"),
    "faces": ("create_detector",),
    "images": ("crop_face",),
    "media.photo_formats": ("decode_image",),
    "pipeline": ("Analyzer",),
    "video.report": ("to_json", "to_table"),
    "tracking": ("Tracker",),
    "types": ("COLORS", "EMOTIONS", "Face", "FacePrediction", "FrameResult", "VideoReport"),
    "video.analysis": ("analyze_video", "read_frames"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "COLORS",
    "EMOTIONS",
    "Analyzer",
    "DatasetError",
    "DetectorError",
    "Face",
    "FacePrediction",
    "FacialExpressionModel",
    "FerError",
    "FrameResult",
    "MediaError",
    "ModelError",
    "Tracker",
    "VideoReport",
    "analyze_video",
    "blur_faces",
    "create_detector",
    "crop_face",
    "decode_image",
    "draw",
    "read_frames",
    "to_json",
    "to_table",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'fer' has no attribute {name!r}")
    return getattr(import_module(f"fer.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
