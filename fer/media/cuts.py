"""See where a video cuts to another scene, from pictures the size of a stamp."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from fer.types import Image

#: Width and height of what is compared.
STAMP: Final = (64, 36)

#: A cut changes both: where the light is (mean difference of grey levels, 0 to 255), and
#: which colours there are (half the sum of differences of their shares, 0 to 1). Camera
#: movement changes the first alone. On real clips cuts have at least 27 and 0.16; all other
#: neighbours at most 20 and 0.08, a fast pan included.
_MOVED: Final = 12.0
_RECOLOURED: Final = 0.12


class CutFinder:
    """Compares every picture with the one before. Use one per stream."""

    def __init__(self) -> None:
        self._before: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None

    def is_cut(self, stamp: Image) -> bool:
        """Whether a new scene begins with this picture.

        Args:
            stamp: RGB uint8, the picture scaled down to ``STAMP``.
        """
        colours = cv2.calcHist([stamp], [0, 1, 2], None, [8, 8, 8], [0, 256] * 3).ravel()
        now = stamp.astype(np.float32), np.asarray(colours / colours.sum(), np.float32)
        before, self._before = self._before, now
        if before is None:
            return False
        moved = float(np.abs(now[0] - before[0]).mean())
        recoloured = float(np.abs(now[1] - before[1]).sum()) / 2
        return moved > _MOVED and recoloured > _RECOLOURED
