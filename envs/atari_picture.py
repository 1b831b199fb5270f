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

    tops: NDArray[np.int32]
    """`[screen]`, first row of the screen under each row of the picture."""
    heights: NDArray[np.float32]
    """`[taps, screen]`, shares of the rows from there on; those that add nothing are 0."""
    lefts: NDArray[np.int32]
    """`[screen]`, first column of the screen under each column of the picture."""
    widths: NDArray[np.float32]
    """`[3, screen]`, shares of the columns from there on."""


def lens(height: int, width: int, screen: int) -> Lens:
    """Gives the lens from screens `[height, width]` to pictures `[screen, screen]`.

    A picture is at least half as wide as the screen, so that three columns cover each of its own.
    """
    assert screen < width <= 2 * screen
    return Lens(*_shares(height, screen), *_shares(width, screen))


def _shares(size: int, small: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Gives where each of `small` cells over `size` pixels begins, and the share of each pixel."""
    scale = size / small
    taps = ceil(scale) + 1
    firsts, shares = np.zeros(small, np.int32), np.zeros((taps, small), np.float32)
    for cell in range(small):
        begin, end = cell * scale, min((cell + 1) * scale, size)
        first, last = ceil(begin - 1e-3), floor(end + 1e-3)
        parts = [(pixel, 1.0) for pixel in range(first, last)]
        if first - begin > 1e-3:
            parts.insert(0, (first - 1, first - begin))
        if end - last > 1e-3:
            parts.append((last, end - last))
        firsts[cell] = min(parts[0][0], size - taps)
        for pixel, part in parts:
            shares[pixel - firsts[cell], cell] = part / (end - begin)
    return firsts, shares


class Greys(NamedTuple):
    """The luminance of colours, as far as they have been seen."""

    of: NDArray[np.uint8]
    """`[256]`, by the number of the colour."""
    known: NDArray[np.bool_]
    """`[256]`."""


def no_greys() -> Greys:
    """Gives a table that knows no colour."""
    return Greys(np.zeros(256, np.uint8), np.zeros(256, np.bool_))


def learn(greys: Greys, frame: NDArray[np.uint8], grey: NDArray[np.uint8]) -> None:
    """Notes the colours of `frame`, `[H, W]`, of which `grey`, `[H, W]`, is the luminance."""
    greys.of[frame] = grey
    greys.known[frame] = True


class Eye:
    """Looks at the last two frames of an emulator, and only at lines that changed since."""

    def __init__(self, greys: Greys, height: int, width: int, screen: int) -> None:
        """Makes an eye for screens `[height, width]` and pictures `[screen, screen]`."""
        self._greys, self._lens = greys, lens(height, width, screen)
        self._new, self._old = (np.zeros((2, height, width), np.uint8) for _ in range(2))
        self._joined = np.zeros((height, width), np.uint8)
        self._means = np.zeros((height, screen), np.float32)
        self._fresh = False  # whether `_joined` and `_means` are those of `_old`

    def begin(self, grey: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
        """Writes the picture of a first frame, given as luminance, `[H, W]`, into `out`."""
        self._joined[:], self._fresh = grey, False
        narrow(self._lens, self._joined, self._means)
        lower(self._lens, self._means, out)

    def capture(self, emulator: Any, left: int) -> None:
        """Keeps what an emulator shows `left` frames, 1 or 0, before the end of an action."""
        frame = self._new[left]
        emulator.getScreen(frame)
        if not knows(self._greys, frame, self._old[left], self._fresh):
            learn(self._greys, frame, emulator.getScreenGrayscale())

    def see(self, out: NDArray[np.uint8]) -> None:
        """Writes the picture of the two frames captured into `out`, `uint8[screen, screen]`."""
        join(self._greys, self._lens, self._new, self._old, self._fresh, self._joined, self._means)
        lower(self._lens, self._means, out)
        self._new, self._old, self._fresh = self._old, self._new, True

    def see_end(self, left: int, out: NDArray[np.uint8]) -> None:
        """Writes the picture where a game ended `left` frames before the end of an action.

        It is the one before, joined with the last frame but one if that was captured, as every
        other wrapper has it.
        """
        if not left:
            self._joined = np.maximum(self._joined, self._greys.of[self._new[1]])
        self.begin(self._joined, out)


@njit(cache=True)
def _equal(one: Any, other: Any) -> Any:
    """Tells whether two lines, `uint8[W]`, are equal; all at once, which is the quickest."""
    different = 0
    for column in range(one.size):
        different |= one[column] ^ other[column]
    return different == 0


@njit(cache=True)
def knows(greys: Any, frame: Any, old: Any, fresh: Any) -> Any:
    """Tells whether all colours of `frame`, `uint8[H, W]`, are known, as those of `old` are."""
    known = True
    for line in range(frame.shape[0]):
        if not (fresh and _equal(frame[line], old[line])):
            for column in range(frame.shape[1]):
                known &= greys.known[frame[line, column]]
    return known


@njit(cache=True)
def join(greys: Any, lens: Any, new: Any, old: Any, fresh: Any, joined: Any, means: Any) -> None:
    """Writes the luminance of two frames, the lighter of each two pixels, and its lines' means.

    Args:
        greys: a table that knows all colours.
        lens: of the picture.
        new: the frames in colours, `uint8[2, H, W]`.
        old: those from which `joined` and `means` were made.
        fresh: False if they were not.
        joined: `uint8[H, W]`.
        means: `float32[H, screen]`.
    """
    for line in range(joined.shape[0]):
        if fresh and _equal(new[0, line], old[0, line]) and _equal(new[1, line], old[1, line]):
            continue
        for column in range(joined.shape[1]):
            one, other = greys.of[new[0, line, column]], greys.of[new[1, line, column]]
            joined[line, column] = max(one, other)
        narrow(lens, joined[line : line + 1], means[line : line + 1])


@njit(cache=True)
def narrow(lens: Any, lines: Any, out: Any) -> None:
    """Writes the means along lines, `uint8[N, W]`, into `out`, `float32[N, screen]`."""
    pixels = np.zeros(lines.shape[1], np.float32)
    for line in range(lines.shape[0]):
        for column in range(pixels.size):
            pixels[column] = np.float32(lines[line, column])
        for column in range(out.shape[1]):
            left = lens.lefts[column]
            out[line, column] = (
                lens.widths[0, column] * pixels[left]
                + lens.widths[1, column] * pixels[left + 1]
                + lens.widths[2, column] * pixels[left + 2]
            )


@njit(cache=True)
def lower(lens: Any, means: Any, out: Any) -> None:
    """Writes the means over lines, `float32[H, screen]`, rounded into `uint8[screen, screen]`."""
    sums = np.zeros(out.shape[1], np.float32)
    for row in range(out.shape[0]):
        sums[:] = 0
        for tap in range(lens.heights.shape[0]):
            share, line = lens.heights[tap, row], lens.tops[row] + tap
            if share != 0:
                for column in range(out.shape[1]):
                    sums[column] += share * means[line, column]
        for column in range(out.shape[1]):
            out[row, column] = np.uint8(np.rint(sums[column]))
