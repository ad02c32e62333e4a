"""One image in, one ``FrameResult`` out: the path that every page and command shares."""

from __future__ import annotations

import numpy as np

from fer.images import crop_face
from fer.quality import face_flags, with_doubt
from fer.types import Classifier, Detector, Face, FacePrediction, FrameResult, Image


class Analyzer:
    """Finds the faces of an image and reads their expressions.

    A detector may hold state, so use one analyzer per stream; the classifier
    may be shared between them.

    Args:
        detector: finds faces.
        classifier: reads expressions.
    """

    def __init__(self, detector: Detector, classifier: Classifier) -> None:
        self.detector = detector
        self.classifier = classifier

    def analyze(self, image: Image, index: int = 0, time_s: float = 0.0) -> FrameResult:
        """Analyse one image.

        Args:
            image: RGB uint8 (H, W, 3).
            index: number of the frame in its stream, from 0.
            time_s: seconds from the stream's own clock.

        Returns:
            One prediction per face, in the detector's order (largest first);
            none when there is no face.

        Raises:
            ValueError: if the image is not RGB uint8.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ValueError(f"image must be RGB uint8 (H, W, 3), got {image.shape} {image.dtype}")
        return self.read(image, self.detector.detect(image), index, time_s)

    def read(
        self, image: Image, faces: tuple[Face, ...], index: int = 0, time_s: float = 0.0
    ) -> FrameResult:
        """Read the expressions of faces that were found already.

        Args:
            image: RGB uint8 (H, W, 3).
            faces: where they are in it.
            index: number of the frame in its stream, from 0.
            time_s: seconds from the stream's own clock.

        Returns:
            One prediction per face, in the same order.
        """
        height, width = image.shape[:2]
        if not faces:
            return FrameResult(index, time_s, width, height)
        # One crop per face: (N, 48, 48)
        crops = np.stack([crop_face(image, face.box, face.landmarks) for face in faces])
        probabilities = self.classifier.predict(crops)  # (N, 7), one batch for all faces
        predictions = tuple(
            FacePrediction(face, row, quality=with_doubt(face_flags(face, crop), row))
            for face, crop, row in zip(faces, crops, probabilities, strict=True)
        )
        return FrameResult(index, time_s, width, height, predictions)
