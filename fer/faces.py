"""Face detectors of OpenCV behind one interface: YuNet, and Haar cascades where YuNet is missing.

YuNet is a small network (Wu, Peng, Yu: "YuNet: A Tiny Millisecond-level Face Detector", 2023)
whose file is fetched once from OpenCV Zoo. The Haar cascades (Viola, Jones, 2001) ship inside
OpenCV, so that the first start works offline too. ``docs/detectors.md`` compares them.

Every ``Face.box`` that leaves this module follows YuNet's convention: from the top of the
forehead to the chin, about 1.3 times as high as wide. ``images.crop_face`` relies on it.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import cv2
import cv2.data
import numpy as np
import pooch
from numpy.typing import NDArray

from fer.artifacts import models_dir
from fer.errors import DetectorError
from fer.types import Detector, Face, Image

YUNET_FILE: Final = "face_detection_yunet_2023mar.onnx"
YUNET_SHA256: Final = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
#: OpenCV Zoo keeps the file in Git LFS, and this is the address that serves LFS files.
YUNET_URL: Final = (
    "https://media.githubusercontent.com/media/opencv/opencv_zoo/main/models/"
    f"face_detection_yunet/{YUNET_FILE}"
)

#: A start without a network must not hang: after this long the fallback takes over.
DOWNLOAD_WAIT_S: Final = 3.0

#: Detectors see a copy whose longer side has this many pixels (see docs/detectors.md).
YUNET_SIDE: Final = 480
HAAR_SIDE: Final = 480

#: Where nothing is found, a smaller copy is searched: a face that fills the picture is too
#: large for the network on the larger one.
YUNET_CLOSE_SIDE: Final = 192

#: Twice YuNet's largest stride, in pixels.
_LEAST_SIDE: Final = 64

#: Overlap (IoU) above which two boxes of the cascades are the same face: low, because the
#: profile cascade likes to find half a frontal face once more.
HAAR_OVERLAP: Final = 0.15

logger = logging.getLogger(__name__)


class YuNetDetector:
    """YuNet. Holds its input size as state: use one per stream.

    Where nothing is found, a copy of ``YUNET_CLOSE_SIDE`` is searched as well.

    Args:
        model_path: the ONNX file.
        score_threshold: faces below this score are dropped; 0.9, OpenCV's default, loses many.
        side: longer side in pixels of the copy that is searched; the cost grows with its
            square, and faces smaller than about 1/30 of it are missed.

    Raises:
        DetectorError: if the file cannot be loaded.
    """

    name: Final = "YuNet"

    def __init__(
        self, model_path: Path, *, score_threshold: float = 0.6, side: int = YUNET_SIDE
    ) -> None:
        sides = [side] if side <= YUNET_CLOSE_SIDE else [side, YUNET_CLOSE_SIDE]
        try:
            # One for each side: to change the size of one takes as long as a search.
            self._networks = {
                side: cv2.FaceDetectorYN.create(str(model_path), "", (side, side), score_threshold)
                for side in sides
            }
        except cv2.error as exc:
            raise DetectorError(
                f"The face detector {model_path} is damaged or missing. Delete it, or download "
                f"it again from {YUNET_URL}"
            ) from exc

    def detect(self, image: Image) -> tuple[Face, ...]:
        """Find the faces of an RGB uint8 image (H, W, 3), largest first; may be empty."""
        found: tuple[Face, ...] = ()
        for side in self._networks:
            if found := self._search(image, side):
                break
        return found

    def _search(self, image: Image, side: int) -> tuple[Face, ...]:
        small = _scaled(image, side)
        height, width = small.shape[:2]
        # Where its deepest layer has one row or column only, the network reads memory that
        # nobody has written: phantom faces, or boxes that are no numbers. Black costs nothing.
        below, right = max(0, _LEAST_SIDE - height), max(0, _LEAST_SIDE - width)
        padded = cv2.copyMakeBorder(small, 0, below, 0, right, cv2.BORDER_CONSTANT)
        network = self._networks[side]
        network.setInputSize((width + right, height + below))
        # OpenCV's stubs do not tell that no face is None.
        _, found = cast(
            "tuple[int, NDArray[np.float32] | None]",
            network.detect(cv2.cvtColor(padded, cv2.COLOR_RGB2BGR)),
        )
        if found is None:
            return ()
        found = found[np.isfinite(found).all(axis=1)]
        # One row per face: x, y, width, height, five landmarks (x, y), score.
        scale = np.array([image.shape[1] / width, image.shape[0] / height], np.float32)
        points = found[:, :14].reshape(-1, 7, 2) * scale
        scores = found[:, 14].clip(0.0, 1.0)
        return _faces(points[:, 0], points[:, 1], scores, points[:, 2:], image)


class HaarDetector:
    """Haar cascades for frontal faces and for profiles in both directions, merged.

    Raises:
        DetectorError: if OpenCV's own files are missing.
    """

    name: Final = "Haar cascades"

    def __init__(self) -> None:
        self._frontal = _Cascade(FRONTAL)
        self._profile = _Cascade(PROFILE)

    def detect(self, image: Image) -> tuple[Face, ...]:
        """Find the faces of an RGB uint8 image (H, W, 3), largest first; may be empty."""
        small = _scaled(image, HAAR_SIDE)
        grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
        mirrored = self._profile.search(np.ascontiguousarray(grey[:, ::-1]))
        mirrored[:, 0] = grey.shape[1] - mirrored[:, 0] - mirrored[:, 2]
        found = np.concatenate([self._frontal.search(grey), self._profile.search(grey), mirrored])
        # The same face may be found three times: keep the box with most votes.
        keep = cv2.dnn.NMSBoxes(found[:, :4].tolist(), found[:, 4].tolist(), 0.0, HAAR_OVERLAP)
        found = found[np.asarray(keep, dtype=np.intp)]
        scale = np.array([image.shape[1] / grey.shape[1], image.shape[0] / grey.shape[0]])
        return _faces(found[:, :2] * scale, found[:, 2:4] * scale, found[:, 4], None, image)


@dataclass(frozen=True)
class _CascadeSettings:
    """How to use one of OpenCV's cascades.

    Attributes:
        file: its file inside OpenCV.
        min_votes: overlapping windows that must agree on a face.
        width: from the cascade's square to YuNet's box, as parts of the square's side.
        height: the same.
        right: how far the box's centre lies to the right of the square's.
        down: how far it lies lower.
    """

    file: str
    min_votes: int
    width: float
    height: float
    right: float
    down: float


#: Votes: the lowest without a false face in the sampled media. Geometry: median over the
#: faces that YuNet found too (docs/detectors.md).
FRONTAL: Final = _CascadeSettings("haarcascade_frontalface_alt2.xml", 3, 0.80, 1.08, 0.0, 0.02)
PROFILE: Final = _CascadeSettings("haarcascade_profileface.xml", 5, 0.68, 0.92, -0.07, 0.05)


class _Cascade:
    """A Haar cascade that answers with boxes in YuNet's convention."""

    def __init__(self, settings: _CascadeSettings) -> None:
        path = Path(cv2.data.haarcascades) / settings.file
        self._cascade = cv2.CascadeClassifier(str(path))
        if self._cascade.empty():
            raise DetectorError(
                f"OpenCV's own file {settings.file} is missing. Install the requirements "
                "again: pip install --force-reinstall -r requirements.txt"
            )
        self._settings = settings

    def search(self, grey: Image) -> NDArray[np.float64]:
        """Return (N, 5): x, y, width, height in pixels, and a score of 0 to 1."""
        use = self._settings
        squares, votes = self._cascade.detectMultiScale2(
            grey, scaleFactor=1.1, minNeighbors=use.min_votes, minSize=(24, 24)
        )
        found = np.reshape(squares, (-1, 4)).astype(np.float64)
        side = found[:, 2:3]
        sizes = side * (use.width, use.height)
        starts = found[:, :2] + side * (0.5 + use.right, 0.5 + use.down) - sizes / 2
        # Votes are no probability; this only puts them in order between 0 and 1.
        counts = np.reshape(votes, (-1, 1)).astype(np.float64)
        return np.hstack([starts, sizes, counts / (counts + 3.0)])


def _scaled(image: Image, side: int) -> Image:
    """Return a copy whose longer side has ``side`` pixels."""
    height, width = image.shape[:2]
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(image, size, interpolation=method).astype(np.uint8, copy=False)


def _faces(
    corners: NDArray[np.floating],
    sizes: NDArray[np.floating],
    scores: NDArray[np.floating],
    landmarks: NDArray[np.float32] | None,
    image: Image,
) -> tuple[Face, ...]:
    """Make faces, largest first, of N detections: boxes rounded to pixels and clipped."""
    limits = np.array([image.shape[1], image.shape[0]])
    starts = np.rint(corners).clip(0, limits).astype(int)
    ends = np.rint(corners + sizes).clip(0, limits).astype(int)
    faces = [
        Face(
            box=(int(x0), int(y0), int(x1), int(y1)),
            score=float(scores[i]),
            landmarks=None if landmarks is None else landmarks[i],
        )
        for i, ((x0, y0), (x1, y1)) in enumerate(zip(starts, ends, strict=True))
        if x0 < x1 and y0 < y1
    ]
    return tuple(sorted(faces, key=lambda face: face.width * face.height, reverse=True))


@dataclass(frozen=True)
class DetectorStatus:
    """Which detector is active.

    Attributes:
        name: as ``Detector.name``.
        is_fallback: whether a better one could be had.
        message: for the user: which one is active and how to get the better one.
    """

    name: str
    is_fallback: bool
    message: str


def find_yunet(*, download: bool = True) -> Path | None:
    """Find YuNet's file, and fetch it once if it is missing.

    The order: the file that the environment variable ``FER_YUNET_MODEL`` names,
    ``models/detector/``, OpenCV Zoo.

    Args:
        download: whether the network may be tried: once per process, for
            ``DOWNLOAD_WAIT_S`` seconds at most.

    Returns:
        The file, of which the hash has been checked, or None.

    Raises:
        DetectorError: if ``FER_YUNET_MODEL`` names a missing or altered file.
    """
    if given := os.environ.get("FER_YUNET_MODEL"):
        if not _is_yunet(Path(given)):
            raise DetectorError(
                f"FER_YUNET_MODEL names {given}, which is missing or is not an unaltered "
                f"{YUNET_FILE}. Download it from {YUNET_URL} or unset the variable."
            )
        return Path(given)
    path = models_dir() / "detector" / YUNET_FILE
    if not _is_yunet(path) and download:
        _download_yunet(path)
    return path if _is_yunet(path) else None


def _is_yunet(path: Path) -> bool:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == YUNET_SHA256
    except OSError:
        return False


@functools.cache
def _download_yunet(path: Path) -> None:
    """Fetch YuNet's file; give up silently, for the fallback is announced.

    A thread of its own, because no timeout of a request covers a name server that does not
    answer. A download that is merely slow ends in peace, and the next stream uses it.
    """

    def fetch() -> None:
        try:
            pooch.retrieve(
                YUNET_URL,
                known_hash=YUNET_SHA256,
                fname=path.name,
                path=path.parent,
                downloader=pooch.HTTPDownloader(timeout=DOWNLOAD_WAIT_S),
            )
        except (OSError, ValueError) as exc:  # no network, no right to write; another hash
            logger.info("YuNet's file could not be fetched: %s", exc)

    pooch.get_logger().setLevel(logging.WARNING)  # not a line on every command's error stream
    thread = threading.Thread(target=fetch, name="fetch-yunet", daemon=True)
    thread.start()
    thread.join(DOWNLOAD_WAIT_S)


def create_detector() -> Detector:
    """Make the best detector that is available; one per stream.

    Raises:
        DetectorError: if a file is damaged.
    """
    path = find_yunet()
    return HaarDetector() if path is None else YuNetDetector(path)


def detector_status() -> DetectorStatus:
    """Tell which detector ``create_detector`` makes.

    Raises:
        DetectorError: if ``FER_YUNET_MODEL`` names a missing or altered file.
    """
    if find_yunet() is not None:
        return DetectorStatus(YuNetDetector.name, False, "Faces are found by YuNet.")
    return DetectorStatus(
        HaarDetector.name,
        True,
        "Faces are found by OpenCV's Haar cascades, which miss turned and small faces. "
        f"For the better detector, connect to the internet and restart, or save {YUNET_URL} "
        "in models/detector/.",
    )
