"""Breakout from its pictures, as kernels: where the ball comes down, and firing the next one.

Figures were measured in the emulator, in points and frames.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from agents.paddle import (
    FRAMES,
    KNOB,
    PLACE,
    STICK,
    WIDTH,
    edges,
    fold,
    inner,
    paddle,
    spot,
    steer,
)

_FIELD = (38, 75)
"""Rows of pixels between the bricks and the paddle."""
_ABOVE = (13, 22)
"""Rows between the upper wall and the bricks."""
_SOON = 12.0
"""Frames until the paddle is to be below a ball that does not come down yet."""
_COLUMNS = (5, 79)
"""Columns of pixels between the walls."""
_GROUND = np.full(84, np.inf)
_GROUND[4:80] = 0.0
_GROUND[[4, 79]] = 28.0  # a fifth of these pixels is wall
_OWN, _OWN_LIGHT = 76, 110.0
"""Row of the paddle, and its light."""
_LEFT, _RIGHT = 7.5, 152.5
"""Where the middle of a ball turns back."""
_DOWN = 188.0
"""Where it is hit."""
_LONG, _SHORT = 16.0, 12.0
"""Lengths of the paddle, before and after the ball has met the upper wall."""
_MARGIN = 5.0
"""Points from the paddle's end at which a ball is safe."""
_MOST_SHORT = 18.5
"""A short paddle in full run shows less."""
_SEEN = (10.0, 149.0)
"""A paddle within these is seen whole."""
_CENTRE = 80.0
_REACH = (16.0, 144.0)
"""How far the paddle's middle goes."""
_LENGTH = KNOB + 1
"""Place in the memory of the paddle's length."""
MEMORY = (0.0, np.nan, np.nan, _LONG)
"""What is known of a row at first."""
FIRE = 2
"""In place of a direction: bring the next ball into play."""


@inner
def _own_edges(picture: Any, out: Any) -> Any:
    """Writes the edges of the paddle, nan where there is none; tells if it is seen."""
    line = np.empty(_COLUMNS[1] - _COLUMNS[0])
    for place in range(line.size):
        line[place] = picture[_OWN, _COLUMNS[0] + place]
    seen = edges(line, _OWN_LIGHT, WIDTH, out)
    out += _COLUMNS[0] * WIDTH if seen else np.nan
    return seen


@inner
def _own(pictures: Any, memory: Any) -> Any:
    """Notes in `memory` where the paddle and its knob are, and its length; tells if it is seen."""
    now, own = np.zeros(2), memory[PLACE : KNOB + 1]
    if not _own_edges(pictures[3], now):
        own[:] = np.nan
        return False
    if now[1] - now[0] > _MOST_SHORT:
        memory[_LENGTH] = _LONG
    elif now[1] - now[0] < _LONG - 1 and _SEEN[0] < now[0] and now[1] < _SEEN[1]:
        memory[_LENGTH] = _SHORT
    if now[1] - now[0] < memory[_LENGTH] - 1:  # partly before a wall
        half = memory[_LENGTH] / 2
        own[:] = now[1] - half if now[0] < _CENTRE else now[0] + half
    else:
        paddle(now, memory[_LENGTH], memory[STICK], own)
    return True


@inner
def _flight(pictures: Any, out: Any) -> Any:
    """Writes x and y of the ball and their changes a frame; gives how many pictures show it."""
    at = np.zeros((4, 2))
    seen = np.zeros(4, np.bool_)
    for age in range(4):
        seen[age] = spot(pictures[age], _FIELD, _GROUND, at[age])
    out[:] = 0.0
    if seen[3]:
        out[:2] = at[3]
        if seen[2]:
            out[2:] = (at[3] - at[2]) / FRAMES
            before = (at[2] - at[1]) / FRAMES
            if seen[1] and out[3] * before[1] > 0 and abs(before[0]) > abs(out[2]) + 0.2:
                # It has met a wall in between, and shows its pace one picture before.
                out[2] = abs(before[0]) if at[3, 0] < _CENTRE else -abs(before[0])
    return seen.sum()


@inner
def _direction(pictures: Any, memory: Any, sticky: Any) -> Any:
    """Gives -1 for left, 0, 1 for right or FIRE."""
    ball = np.zeros(4)
    count = _flight(pictures, ball)
    if ball[1] == 0 and not spot(pictures[3], _ABOVE, _GROUND, ball[:2]) and count == 0:
        memory[_LENGTH] = _LONG
        return FIRE
    if not _own(pictures, memory):
        return 0
    due, goal = _SOON, _CENTRE
    if ball[1] > 0:
        goal = ball[0]
        if ball[3] > 0.1:
            frames = (_DOWN - ball[1]) / ball[3]
            due = max(frames - 0.5, 1.0)
            goal = fold(ball[0] + ball[2] * frames, _LEFT, _RIGHT)
    goal = min(max(goal, _REACH[0]), _REACH[1])
    return steer(memory, goal, due, (sticky, 1, 0, memory[_LENGTH] / 2 - _MARGIN))


@njit(cache=True)
def directions(pictures: Any, rows: Any, memory: Any, sticky: Any, out: Any) -> None:
    """Writes for each row the direction to hold: -1 left, 0, 1 right, or FIRE.

    Args:
        pictures: `uint8[R, 4, 84, 84]`, the newest last.
        rows: `int64[R]`.
        memory: `float64[B, 4]`, what is known of each row, at first `MEMORY`; changes.
        sticky: the chance that an action sticks.
        out: `int64[R]`.
    """
    for place in range(rows.size):
        row = memory[rows[place]]
        out[place] = _direction(pictures[place], row, sticky)
        row[STICK] = 0 if out[place] == FIRE else out[place]
