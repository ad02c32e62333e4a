"""What travels between modules: the label order, and frozen dataclasses checked when made.

Inside ``fer`` an image is RGB uint8 of shape (height, width, 3); a face ready for
the model is grey uint8 of shape (48, 48). BGR exists only beside the cv2 call
that wants it. A frame without a face has an empty tuple of predictions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Probabilities = NDArray[np.float32]

#: The only label order: FER2013's own numbering, 0 to 6.
EMOTIONS: Final = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")

#: The only colours of the expressions (Okabe and Ito's palette, told apart by
#: colour-blind readers, legible on light and dark; neutral is grey).
COLORS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "angry": "#D55E00",
        "disgust": "#009E73",
        "fear": "#CC79A7",
        "happy": "#E69F00",
        "sad": "#0072B2",
        "surprise": "#56B4E9",
        "neutral": "#8C8C8C",
    }
)

#: Side in pixels of the grey square that the model sees (FER2013's own size).
FACE_SIZE: Final = 48

#: How far a sum of seven float32 probabilities may be from 1.
_SUM_TOLERANCE: Final = 1e-3


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


@dataclass(frozen=True, eq=False)
class Split:
    """Part of FER2013: faces with their labels.

    Attributes:
        images: (N, 48, 48) uint8, grey.
        labels: (N,) int64, positions in ``EMOTIONS``.
        rows: (N,) int64, row in the original ``fer2013.csv`` (or, where the
            source does not tell, the position in the imported order).
    """

    images: Image
    labels: NDArray[np.int64]
    rows: NDArray[np.int64]

    def __post_init__(self) -> None:
        n = len(self.images)
        _require(
            self.images.shape == (n, FACE_SIZE, FACE_SIZE) and self.images.dtype == np.uint8,
            f"images must be (N, {FACE_SIZE}, {FACE_SIZE}) uint8, "
            f"got {self.images.shape} {self.images.dtype}",
        )
        _require(self.labels.shape == (n,), f"labels must be ({n},), got {self.labels.shape}")
        _require(self.rows.shape == (n,), f"rows must be ({n},), got {self.rows.shape}")
        _require(
            n == 0 or (0 <= self.labels.min() and self.labels.max() < len(EMOTIONS)),
            "labels must be positions in EMOTIONS",
        )

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True, eq=False)
class Face:
    """A face in one image.

    Attributes:
        box: (x0, y0, x1, y1) integer pixels, x1 and y1 exclusive, inside the image.
        score: detector's confidence, 0 to 1.
        landmarks: (5, 2) float32 pixels (x, y): the person's right eye, left
            eye, nose tip, right and left mouth corner; None if the detector
            finds none.
        track: number that a tracker gave this face, or None. It means nothing
            outside one video or one live session.
    """

    box: tuple[int, int, int, int]
    score: float
    landmarks: NDArray[np.float32] | None = None
    track: int | None = None

    def __post_init__(self) -> None:
        x0, y0, x1, y1 = self.box
        _require(0 <= x0 < x1 and 0 <= y0 < y1, f"box must be x0<x1, y0<y1, got {self.box}")
        _require(0.0 <= self.score <= 1.0, f"score must be 0 to 1, got {self.score}")
        _require(
            self.landmarks is None or self.landmarks.shape == (5, 2),
            "landmarks must be (5, 2)",
        )

    @property
    def width(self) -> int:
        """Width of the box in pixels."""
        return self.box[2] - self.box[0]

    @property
    def height(self) -> int:
        """Height of the box in pixels."""
        return self.box[3] - self.box[1]


@dataclass(frozen=True, eq=False)
class FacePrediction:
    """A face and what the model says of it.

    Attributes:
        face: where it is.
        probabilities: (7,) float32 in ``EMOTIONS`` order, summing to 1.
        quality: reasons to trust the prediction less, of ``quality.FLAGS``;
            empty when nothing speaks against it.
        raw: (7,) float32, what the model said of this frame alone, where
            ``probabilities`` have been smoothed along a track; else None.
    """

    face: Face
    probabilities: Probabilities
    quality: tuple[str, ...] = ()
    raw: Probabilities | None = None

    def __post_init__(self) -> None:
        _require(
            self.probabilities.shape == (len(EMOTIONS),),
            f"probabilities must be ({len(EMOTIONS)},), got {self.probabilities.shape}",
        )
        _require(
            bool(np.all(self.probabilities >= 0))
            and abs(float(self.probabilities.sum()) - 1.0) < _SUM_TOLERANCE,
            "probabilities must be at least 0 and sum to 1",
        )

    @property
    def label(self) -> str:
        """The most probable expression."""
        return EMOTIONS[int(self.probabilities.argmax())]

    @property
    def confidence(self) -> float:
        """Probability of ``label``, 0 to 1."""
        return float(self.probabilities.max())

    @property
    def unsmoothed(self) -> Probabilities:
        """(7,) float32: what the model said of this frame alone."""
        return self.probabilities if self.raw is None else self.raw


@dataclass(frozen=True)
class FrameResult:
    """Everything found in one image or video frame.

    Attributes:
        index: number of the frame in its stream, from 0.
        time_s: seconds from the stream's own clock.
        width: image width in pixels.
        height: image height in pixels.
        predictions: one per face; empty when there is none.
    """

    index: int
    time_s: float
    width: int
    height: int
    predictions: tuple[FacePrediction, ...] = ()

    def __post_init__(self) -> None:
        _require(self.index >= 0, f"index must be at least 0, got {self.index}")
        _require(self.width > 0 and self.height > 0, "width and height must be positive")
        for prediction in self.predictions:
            _, _, x1, y1 = prediction.face.box
            _require(
                x1 <= self.width and y1 <= self.height,
                f"box {prediction.face.box} leaves the image of {self.width}x{self.height}",
            )


@dataclass(frozen=True)
class VideoReport:
    """A video that has been analysed.

    Attributes:
        source: what to call the file; never its path on the server.
        model: name of the run that classified the faces.
        model_hash: SHA-256 of the run's serving file.
        detector: name of the face detector.
        settings: what else shaped the numbers, ready for JSON.
        frames: one result per analysed frame, in order, empty ones included.
    """

    source: str
    model: str
    model_hash: str
    detector: str
    frames: Sequence[FrameResult]
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """A trained model as its folder under ``models/`` describes it.

    Attributes:
        name: folder name.
        labels: must equal ``EMOTIONS``.
        input_shape: (48, 48, 1).
        preprocessing: as ``preprocessing.describe`` tells it.
        metrics: measured figures, by name.
        commit: commit of the training code.
        seed: random seed of the training.
        files: SHA-256 by file name.
        details: everything else in ``meta.json`` (recipe, versions, machine, protocol).
    """

    name: str
    labels: tuple[str, ...]
    input_shape: tuple[int, int, int]
    preprocessing: Mapping[str, Any]
    metrics: Mapping[str, Any]
    commit: str
    seed: int
    files: Mapping[str, str]
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def members(self) -> tuple[str, ...]:
        """Names of the runs whose answers it averages; empty for a network of its own."""
        return tuple(self.details.get("members", ()))


class Detector(Protocol):
    """Finds faces. May hold state, so use one per stream."""

    @property
    def name(self) -> str:
        """Name for reports."""

    def detect(self, image: Image) -> tuple[Face, ...]:
        """Find the faces of an RGB uint8 image (H, W, 3), largest first; may be empty."""


class Classifier(Protocol):
    """Reads expressions. Safe to share between threads."""

    @property
    def run(self) -> Run:
        """The run that is being served."""

    def predict(self, faces: Image) -> Probabilities:
        """Classify grey uint8 faces (N, 48, 48), N may be 0, into (N, 7) probabilities."""
