"""What a player sees of a screen: two frames joined and made smaller. Axes: `H`, `W` the screen's.

The result is bit by bit that of OpenCV's `INTER_AREA`, which every other Atari wrapper uses: each
small pixel is the mean of the area that it covers, summed in the same order in 32-bit floats
(https://docs.opencv.org/4.x/da/d54/group__imgproc__transform.html).
"""

from __future__ import annotations

import threading
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


class _Scratch(threading.local):
    """A frame for each height of screens, shared by all eyes of a thread, so that it stays near."""

    def __init__(self) -> None:
        self.frames: dict[int, NDArray[np.uint8]] = {}


_SCRATCH = _Scratch()


class Eye:
    """Looks at the last two frames of an emulator, and only at lines that changed since."""

    def __init__(self, greys: Greys, height: int, width: int, screen: int) -> None:
        """Makes an eye for screens `[height, width]` and pictures `[screen, screen]`."""
        self._greys, self._lens = greys, lens(height, width, screen)
        self._frames = np.zeros((2, height, width), np.uint8)  # the last one first, in colours
        self._changed = np.zeros(height, np.bool_)  # lines since `_joined` and `_means` were made
        self._joined = np.zeros((height, width), np.uint8)
        self._means = np.zeros((height, screen), np.float32)
        self._anew = True  # whether nothing is known of the frames before

    def begin(self, grey: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
        """Writes the picture of a first frame, given as luminance, `[H, W]`, into `out`."""
        self._joined[:], self._anew, self._changed[:] = grey, True, True
        narrow(self._lens, self._joined, self._means)
        lower(self._lens, self._means, self._changed, out, out)

    def capture(self, emulator: Any, left: int) -> None:
        """Keeps what an emulator shows `left` frames, 1 or 0, before the end of an action."""
        height, width = self._joined.shape
        frame = _SCRATCH.frames.get(height)
        if frame is None:
            frame = _SCRATCH.frames[height] = np.zeros((height, width), np.uint8)
        emulator.getScreen(frame)
        kept = self._frames[left]
        if not keep(self._greys.known, frame, self._anew, kept, self._changed):
            learn(self._greys, kept, emulator.getScreenGrayscale())

    def see(self, before: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
        """Writes the picture of the two frames captured into `out`, `uint8[screen, screen]`.

        `before` is the picture that was written last.
        """
        join(self._greys.of, self._lens, self._frames, self._changed, self._joined, self._means)
        lower(self._lens, self._means, self._changed, before, out)
        self._anew = False

    def see_end(self, left: int, out: NDArray[np.uint8]) -> None:
        """Writes the picture where a game ended `left` frames before the end of an action.

        It is the one before, joined with the last frame but one if that was captured, as every
        other wrapper has it.
        """
        if not left:
            self._joined = np.maximum(self._joined, self._greys.of[self._frames[1]])
        self.begin(self._joined, out)


@njit(cache=True)
def keep(known: Any, frame: Any, anew: Any, kept: Any, changed: Any) -> Any:
    """Keeps the lines of a frame that changed; tells whether all of their colours are known.

    Args:
        known: `bool[256]`, colours.
        frame: `uint8[H, W]`, in colours.
        anew: True if all lines are to be kept.
        kept: `uint8[H, W]`, the frame kept before.
        changed: `bool[H]`, set where a line was kept.
    """
    all_known = True
    for line in range(frame.shape[0]):
        different = 0
        for column in range(frame.shape[1]):  # all of them at once, which is the quickest
            different |= frame[line, column] ^ kept[line, column]
        if anew or different != 0:
            changed[line] = True
            for column in range(frame.shape[1]):
                kept[line, column] = frame[line, column]
                all_known &= known[frame[line, column]]
    return all_known


@njit(cache=True)
def join(of: Any, lens: Any, frames: Any, changed: Any, joined: Any, means: Any) -> None:
    """Writes the luminance of two frames, the lighter of each two pixels, and its lines' means.

    Args:
        of: `uint8[256]`, luminance of colours.
        lens: of the picture.
        frames: `uint8[2, H, W]`, in colours.
        changed: `bool[H]`, the lines to be written.
        joined: `uint8[H, W]`.
        means: `float32[H, screen]`.
    """
    for line in range(joined.shape[0]):
        if changed[line]:
            for column in range(joined.shape[1]):
                one, other = of[frames[0, line, column]], of[frames[1, line, column]]
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
def lower(lens: Any, means: Any, changed: Any, before: Any, out: Any) -> None:
    """Writes the means over lines into the picture `out`, `uint8[screen, screen]`.

    Args:
        lens: of the picture.
        means: `float32[H, screen]`.
        changed: `bool[H]`, lines whose means are not those of `before`; all False afterwards.
        before: an older picture.
        out: the new one.
    """
    sums = np.zeros(out.shape[1], np.float32)
    for row in range(out.shape[0]):
        top, taps = lens.tops[row], lens.heights.shape[0]
        if not changed[top : top + taps].any():
            out[row] = before[row]
            continue
        sums[:] = 0
        for tap in range(taps):
            share = lens.heights[tap, row]
            if share != 0:
                for column in range(out.shape[1]):
                    sums[column] += share * means[top + tap, column]
        for column in range(out.shape[1]):
            out[row, column] = np.uint8(np.rint(sums[column]))
    changed[:] = False
