from fractions import Fraction

import numpy as np
import pytest

from envs.atari_picture import Eye, no_greys

COLOURS = np.random.default_rng(9).permutation(256).astype(np.uint8)
"""A luminance for every colour."""


class Screens:
    """An emulator as far as an eye looks at it."""

    def __init__(self, height):
        self.shown = np.zeros((height, 160), np.uint8)
        self.asked = 0

    def getScreen(self, out):
        out[:] = self.shown

    def getScreenGrayscale(self):
        self.asked += 1
        return COLOURS[self.shown]


def mean(frame, row, column, size=84):
    """Gives the exact mean of the area under a small pixel."""
    shares = []
    for length, cell in ((frame.shape[0], row), (frame.shape[1], column)):
        scale = Fraction(length, size)
        edges = [(max(p, cell * scale), min(p + 1, (cell + 1) * scale)) for p in range(length)]
        shares.append([max(end - begin, 0) / scale for begin, end in edges])
    rows, columns = shares
    return sum(
        r * c * int(frame[y, x])
        for y, r in enumerate(rows)
        if r
        for x, c in enumerate(columns)
        if c
    )


def assert_means(frame, picture, rng):
    for row, column in [(0, 0), (83, 83), (0, 83), *rng.integers(0, 84, (25, 2)).tolist()]:
        assert abs(mean(frame, row, column) - int(picture[row, column])) <= Fraction(501, 1000)


@pytest.mark.parametrize("height", [210, 214, 220, 230, 250])
def test_small_pixels_are_means_of_their_areas(height):
    rng, picture = np.random.default_rng(height), np.zeros((84, 84), np.uint8)
    frame = rng.integers(0, 256, (height, 160), np.uint8)
    Eye(no_greys(), height, 160, 84).begin(frame, picture)
    assert_means(frame, picture, rng)


def test_an_eye_that_looks_at_changes_sees_what_a_new_one_sees():
    rng, screens, greys = np.random.default_rng(0), Screens(210), no_greys()
    eye, picture, alone = Eye(greys, 210, 160, 84), *np.zeros((2, 84, 84), np.uint8)
    eye.begin(np.zeros((210, 160), np.uint8), picture)
    frames = []
    for step in range(30):
        for left in (1, 0):
            lines = rng.integers(0, 210, step % 5)
            screens.shown = screens.shown.copy()
            screens.shown[lines] = rng.integers(0, 256, (len(lines), 1))
            screens.shown[lines, 7] = step
            eye.capture(screens, left)
            frames.append(screens.shown)
        eye.see(picture.copy(), picture)
        joined = np.maximum(COLOURS[frames[-1]], COLOURS[frames[-2]])
        Eye(greys, 210, 160, 84).begin(joined, alone)
        assert np.array_equal(picture, alone)
    assert_means(joined, picture, rng)
    assert screens.asked < 60  # most colours were known


def test_the_end_shows_what_was_seen_before():
    screens, eye = Screens(210), Eye(no_greys(), 210, 160, 84)
    before, picture, alone = np.zeros((3, 84, 84), np.uint8)
    eye.begin(np.full((210, 160), 100, np.uint8), before)
    for left, shown, expected in [(3, 0, 100), (0, COLOURS.argmax(), 255)]:
        screens.shown[:] = shown
        if left < 1:
            eye.capture(screens, 1)
        eye.see_end(left, picture)
        eye.begin(np.full((210, 160), expected, np.uint8), alone)
        assert np.array_equal(picture, alone)
        eye.begin(np.full((210, 160), 100, np.uint8), before)
