"""Rectangles painted over pictures that are learned from, each of one grey. Axes: `L` rows.

What a picture shows once must not matter more than what it always shows. On Pong a network that
had seen own scores to 19 took the first "20" for another game: it expected to lose every point,
stopped moving, lost, and so learned that it was right. Painted over somewhere in a quarter of the
moments, it goes by what moves. Source: random erasing, https://arxiv.org/abs/1708.04896.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NUMBERS = 6
"""Numbers of chance that a row takes."""
_SMALLEST, _LARGEST = 1 / 21, 1 / 4
"""Sides of a rectangle, of those of the picture."""


def erase(pictures: NDArray[np.uint8], share: float, chance: NDArray[np.float64]) -> None:
    """Paints over a rectangle in about `share` of the rows, the same one in all pictures of a row.

    Args:
        pictures: `uint8[L, ..., H, W]`, changed in place.
        share: of rows, from 0 to 1.
        chance: `float64[L, NUMBERS]` in `[0, 1)`: whether, grey, height, width, top, left.
    """
    sides = np.array(pictures.shape[-2:])
    least = np.maximum(1, np.rint(sides * _SMALLEST))
    most = np.maximum(least, np.rint(sides * _LARGEST) - 1)
    size = (least + chance[:, 2:4] * (most - least + 1)).astype(np.int64)
    first = (chance[:, 4:6] * (sides - size + 1)).astype(np.int64)
    for row in np.flatnonzero(chance[:, 0] < share):
        (top, left), (bottom, right) = first[row], first[row] + size[row]
        pictures[row, ..., top:bottom, left:right] = np.uint8(256 * chance[row, 1])
