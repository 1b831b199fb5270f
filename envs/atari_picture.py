"""What a player sees of a screen: two frames joined and made smaller. Axes: `H`, `W` the screen's.

The result is bit by bit that of OpenCV's `INTER_AREA`, which every other Atari wrapper uses: each
small pixel is the mean of the area that it covers, summed in the same order in 32-bit floats
(https://docs.opencv.org/4.x/da/d54/group__imgproc__transform.html).
"""

from __future__ import annotations

from math import ceil, floor
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray


class Lens(NamedTuple):
    """Which pixels of a screen make up each pixel of a picture, along both axes, and how much."""

    tops: NDArray[np.int64]
    """First row of the screen under each row of the picture."""
    heights: NDArray[np.float32]
    """`[screen, taps]`, shares of the rows from there on; those that add nothing are 0."""
    lefts: NDArray[np.int64]
    """First column of the screen under each column of the picture."""
    widths: NDArray[np.float32]
    """`[screen, taps]`, shares of the columns from there on."""


def lens(height: int, width: int, screen: int) -> Lens:
    """Gives the lens from screens `[height, width]` to pictures `[screen, screen]`."""
    return Lens(*_shares(height, screen), *_shares(width, screen))


def _shares(size: int, small: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Gives where each of `small` cells over `size` pixels begins, and the share of each pixel."""
    scale = size / small
    taps = ceil(scale) + 1
    firsts, shares = np.zeros(small, np.int64), np.zeros((small, taps), np.float32)
    for cell in range(small):
        begin, end = cell * scale, min((cell + 1) * scale, size)
        first, last = ceil(begin - 1e-3), floor(end + 1e-3)
        edges = [(pixel, 1.0) for pixel in range(first, last)]
        if first - begin > 1e-3:
            edges.insert(0, (first - 1, first - begin))
        if end - last > 1e-3:
            edges.append((last, end - last))
        firsts[cell] = min(edges[0][0], size - taps)
        for pixel, part in edges:
            shares[cell, pixel - firsts[cell]] = part / (end - begin)
    return firsts, shares


@njit(cache=True, nogil=True)
def join(frame: Any, before: Any) -> None:
    """Writes into `frame`, `uint8[H, W]`, the lighter pixel of it and of the frame before it."""
    for row in range(frame.shape[0]):
        for column in range(frame.shape[1]):
            frame[row, column] = max(frame[row, column], before[row, column])


@njit(cache=True, nogil=True)
def shrink(lens: Any, frame: Any, out: Any) -> None:
    """Writes the picture of `frame`, `uint8[H, W]`, into `out`, `uint8[screen, screen]`."""
    size, width = out.shape[0], frame.shape[1]
    line, sums = np.zeros(size, np.float32), np.zeros(size, np.float32)
    known = -1  # the row that `line` was made from
    for row in range(size):
        sums[:] = 0
        for tap in range(lens.heights.shape[1]):
            share = lens.heights[row, tap]
            if share == 0:
                continue
            source = lens.tops[row] + tap
            fresh = known < 0
            if not fresh and source != known:
                for column in range(width):
                    if frame[source, column] != frame[known, column]:
                        fresh = True
                        break
            if fresh:
                _shrink_line(lens, frame[source], line)
            known = source
            for column in range(size):
                sums[column] += share * line[column]
        for column in range(size):
            out[row, column] = np.uint8(np.rint(sums[column]))


@njit(cache=True, nogil=True)
def _shrink_line(lens: Any, pixels: Any, out: Any) -> None:
    """Writes the means along one row, `float32[screen]`."""
    for column in range(out.size):
        left, total = lens.lefts[column], np.float32(0)
        for tap in range(lens.widths.shape[1]):
            total += lens.widths[column, tap] * np.float32(pixels[left + tap])
        out[column] = total
