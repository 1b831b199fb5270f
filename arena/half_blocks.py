"""Pictures in a terminal: each cell shows two pixels, one above the other.

Off a terminal, or without colour, a cell shows how light they are. Axes: `H`, `W` the picture's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_LUMINANCE = np.array([0.299, 0.587, 0.114])
"""Weights of red, green and blue, https://www.itu.int/rec/R-REC-BT.601/."""
_SHADES = " .:-=+*#%@"
_RESET = "\x1b[0m"


def fitted(height: int, width: int, lines: int, columns: int) -> tuple[int, int]:
    """Gives the largest size in cells, lines and columns, that a picture fits in undistorted.

    A cell is taken to be twice as high as wide. A picture is never made larger than one pixel a
    column, and never smaller than one cell.
    """
    scale = min(columns / width, 2 * lines / height, 1.0)
    return max(round(height * scale / 2), 1), max(round(width * scale), 1)


def shrunk(picture: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Gives a picture of `height` x `width`, every pixel the mean of what it covers.

    Args:
        picture: `uint8[H, W, 3]`.
        height: of the result, at least 1.
        width: of the result, at least 1.

    Returns:
        `uint8[height, width, 3]`.
    """
    rows = _shares(picture.shape[0], height)
    columns = _shares(picture.shape[1], width)
    mean = np.einsum("yh,hwc,xw->yxc", rows, picture.astype(np.float64), columns, optimize=True)
    return np.asarray(mean.round(), dtype=np.uint8)


def _shares(many: int, few: int) -> NDArray[np.float64]:
    """Gives which share each of `many` places has in each of `few`, `float64[few, many]`."""
    begins, ends = np.arange(many), np.arange(1, many + 1)
    low = np.arange(few)[:, None] * many / few
    high = low + many / few
    covered = np.minimum(ends, high) - np.maximum(begins, low)
    return np.asarray(np.maximum(covered, 0.0) * few / many)


def coloured(picture: NDArray[np.uint8], lines: int, columns: int) -> list[str]:
    """Gives a picture as so many lines of half blocks in 24-bit colour, each line on its own.

    A colour is written where it changes, so that plain screens are short.
    """
    pixels = shrunk(picture, 2 * lines, columns)
    return [_line(*pixels[row : row + 2].tolist()) for row in range(0, 2 * lines, 2)]


def _line(upper: list[list[int]], lower: list[list[int]]) -> str:
    parts: list[str] = []
    front = back = None
    for above, below in zip(upper, lower, strict=True):
        if above != front:
            parts.append(f"\x1b[38;2;{above[0]};{above[1]};{above[2]}m")
            front = above
        if below != back:
            parts.append(f"\x1b[48;2;{below[0]};{below[1]};{below[2]}m")
            back = below
        parts.append("▀")
    return "".join(parts) + _RESET


def plain(picture: NDArray[np.uint8], lines: int, columns: int) -> list[str]:
    """Gives a picture as so many lines of characters; the commonest shade, the ground, is blank.

    The more a pixel differs from the ground in light, the fuller its character is.
    """
    light = (shrunk(picture, lines, columns) @ _LUMINANCE).round()
    values, counts = np.unique(light, return_counts=True)
    contrast = np.abs(light - values[counts.argmax()])
    shades = np.ceil(contrast / max(float(contrast.max()), 1.0) * (len(_SHADES) - 1)).astype(int)
    return ["".join(_SHADES[shade] for shade in row).rstrip() for row in shades.tolist()]
