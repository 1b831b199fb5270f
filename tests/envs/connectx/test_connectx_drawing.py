import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs import registry
from envs.connectx import drawing
from envs.connectx.env import ConnectX

ANSI = re.compile(r"\x1b\[[0-9;]*m")

RUNNING = """\
│ ·  ·  ·  ·  · │
│ ·  ·  ·  ·  · │
│ ·  ·  ●  ·  · │
│ ● (○) ○  ·  · │
╰───────────────╯
  1  2  3  4  5
 ● first to move"""

WON = """\
│ ·  ·  ·  · │
│ ·  ·  ·  · │
│ ○  ○  ·  · │
│ ◆  ◆ (◆) · │
╰────────────╯
  1  2  3  4
 ● first has won"""

DRAWN = """\
│ ○ (○)│
│ ●  ● │
╰──────╯
  1  2
 a draw"""


def played(moves, *size):
    env = ConnectX(*size)
    for move in moves:
        env.step(move)
    return env


@pytest.mark.parametrize(
    ("size", "moves", "expected"),
    [
        ((5, 4, 4), [0, 2, 2, 1], RUNNING),
        ((4, 4, 3), [0, 0, 1, 1, 2], WON),
        ((2, 2, 3), [0, 0, 1, 1], DRAWN),
    ],
)
def test_text(size, moves, expected):
    env = played(moves, *size)
    assert env.text() == expected
    assert ANSI.sub("", env.text(colour=True)) == expected
    assert registry.draw(env.spec.id)(moves, False) == expected


def test_the_second_player_may_win():
    assert registry.draw("connectx-3x3x2")([0, 1, 2, 1], False).endswith(" ○ second has won")


def test_colours_tell_the_seats_apart():
    red, yellow = "\x1b[1;91m●\x1b[0m", "\x1b[1;93m○\x1b[0m"
    text = played([0, 1], 3, 1, 3).text(colour=True)
    assert red in text
    assert f"({yellow})" in text


@pytest.mark.parametrize(
    ("size", "shape"),
    [((7, 6, 4), (416, 480, 3)), ((1, 1, 1), (96, 96, 3)), ((10, 5, 5), (352, 672, 3))],
)
def test_pictures_have_a_quarter_cell_of_margin(size, shape):
    picture = ConnectX(*size).render()
    assert picture.shape == shape
    assert picture.dtype == np.uint8


def colour_at(picture, column, height, rows, right=0.33):
    """Gives the colour right of the middle of a cell, outside the ring of a last move."""
    return picture[16 + 64 * (rows - 1 - height) + 32, int(16 + 64 * column + 32 + 64 * right)]


def test_discs_have_the_colours_of_their_seats():
    picture = played([0, 1, 1], 3, 2, 3).render()
    red, yellow, empty = (
        colour_at(picture, *place, 2).astype(int) for place in ((0, 0), (1, 0), (2, 0))
    )
    assert red[0] > 200 > 100 > red[1]
    assert yellow[0] > 200 and yellow[1] > 160 > 100 > yellow[2]
    assert empty.min() > 200
    assert (colour_at(picture, 1, 1, 2) == colour_at(picture, 0, 0, 2)).all()


def test_the_last_move_has_a_ring_and_only_it():
    g = ConnectX(3, 2, 3).geometry
    bare, ringed = drawing.rgb(g, 1, 8), drawing.rgb(g, 1, 8, last_move=1)
    changed = np.argwhere((bare != ringed).any(2))
    assert changed.min(0).tolist() > [80, 80]
    assert changed.max(0).tolist() < [144, 144]


def test_a_winning_line_is_struck_white_from_end_to_end():
    env = played([0, 0, 1, 1, 2], 3, 3, 3)
    picture = env.render()
    row = 16 + 64 * 2 + 32
    assert (picture[row, 16 + 32 : 16 + 64 * 2 + 32] > 240).all()


def test_winning_lines_are_given_whole():
    env = played([0, 0, 1, 1, 3, 3, 2], 7, 6, 3)
    first = env._discs()[0]
    assert drawing.winning_lines(env.geometry, first) == [[(0, 0), (1, 0), (2, 0), (3, 0)]]


@given(st.lists(st.integers(0, 6), max_size=42), st.sampled_from([8, 16, 64]))
@settings(max_examples=20, deadline=None)
def test_mirrored_moves_give_a_mirrored_picture(picks, cell):
    env, other = ConnectX(), ConnectX()
    moment = env.reset(0)
    for pick in picks:
        legal = np.flatnonzero(moment.action_mask)
        if not legal.size:
            break
        move = int(legal[pick % legal.size])
        moment = env.step(move)
        other.step(6 - move)
    one, two = (drawing.rgb(e.geometry, *e._discs(), e._last_move, cell) for e in (env, other))
    assert np.abs(one.astype(int) - two[:, ::-1]).max() <= 1
