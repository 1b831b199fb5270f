from fractions import Fraction

import numpy as np
import pytest

from envs.atari_picture import join, lens, shrink


def mean(frame, row, column, size):
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


@pytest.mark.parametrize("height", [210, 214, 220, 230, 250])
def test_small_pixels_are_means_of_their_areas(height):
    rng = np.random.default_rng(height)
    frame = rng.integers(0, 256, (height, 160), np.uint8)
    out = np.zeros((84, 84), np.uint8)
    shrink(lens(height, 160, 84), frame, out)
    for row, column in [(0, 0), (83, 83), (0, 83), *rng.integers(0, 84, (40, 2)).tolist()]:
        assert abs(mean(frame, row, column, 84) - int(out[row, column])) <= Fraction(501, 1000)


def test_equal_lines_are_as_good_as_others():
    frame = np.repeat(np.arange(210, dtype=np.uint8) // 7, 160).reshape(210, 160)
    out = np.zeros((84, 84), np.uint8)
    shrink(lens(210, 160, 84), frame, out)
    assert (out == out[:, :1]).all()
    assert [mean(frame, row, 0, 84) for row in (0, 5, 80)] == pytest.approx(out[[0, 5, 80], 0], 0.5)


def test_flickering_things_are_seen():
    frame, before = np.zeros((210, 160), np.uint8), np.zeros((210, 160), np.uint8)
    frame[3], before[5], before[3] = 9, 8, 1
    join(frame, before)
    assert (frame.max(1)[:7] == [0, 0, 0, 9, 0, 8, 0]).all()
