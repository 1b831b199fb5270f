"""Pong from its pictures, as kernels: where the ball comes down, and which way to send it back.

Figures were measured in the emulator, in points and frames. The paddle sends a ball back at one of
five slopes, by the fifth of it that is hit. The other side follows the ball, a little slower than
the steepest one flies.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from agents.paddle import (
    FRAMES,
    HEIGHT,
    KNOB,
    PLACE,
    SPEED,
    STICK,
    edges,
    fold,
    inner,
    paddle,
    spot,
    steer,
)

_FIELD = (14, 77)
"""Rows of pixels between the walls."""
_GROUND = np.where((np.arange(84) < 11) | (np.arange(84) > 72), np.inf, 87.0)
_OWN, _OWN_LIGHT = 74, 60.0
"""Column of the own paddle, and its light over the ground."""
_OTHER, _OTHER_LIGHT = 9, 37.0
_TOP, _BOTTOM = 33.0, 194.5
"""Where the middle of a ball turns back."""
_BOUNCED = 12.0
"""Points from there within which it may just have done so."""
_LEFT, _RIGHT = 20.0, 140.0
"""Where it is hit, by the other side and by this one."""
_NEAR = 130.0
"""A ball this far is not before the own paddle."""
_LENGTH = 16.0
_FIFTHS = np.array([3.0, 2.75, 3.25])
"""Points between the parts of a paddle, one ball after the other; they are 4 apart, but its ends
are easily missed."""
_CUT = 0.75
"""Points that halving whole numbers costs in an action."""
_SLACK, _STICKY_SLACK = 0.5, 4.0
"""Points by which the part may be missed, and more of them the more actions stick: many turns would
miss by more."""
_MIDDLE = -0.5
"""Where the middle part is, from the paddle's middle."""
_LOW_MISS, _HIGH_MISS = -15.0, 8.0
"""Beyond these, ball less paddle, the other side misses."""
_PACE = 1.75
"""Points a frame at which it follows."""
_CENTRE = 114.0
_FIRST, _TURNS = KNOB + 1, KNOB + 2
"""Places in the memory: the first frame of an action in which the paddle moves, from 0, and how
often a ball came or went."""
MEMORY = (0.0, np.nan, np.nan, 0.0, 0.0)
"""What is known of a row at first."""
_SOON = 40.0
"""Frames in which the paddle is to be where balls are likely to come, while one flies away."""


@inner
def _edges(picture: Any, column: Any, full: Any, out: Any) -> Any:
    """Writes the top and the bottom of a paddle, nan where there is none; tells if it is seen."""
    line = np.empty(_FIELD[1] - _FIELD[0])
    for place in range(line.size):
        line[place] = picture[_FIELD[0] + place, column] - 87.0
    seen = edges(line, full, HEIGHT, out)
    out += _FIELD[0] * HEIGHT if seen else np.nan
    return seen


@inner
def _own(pictures: Any, memory: Any, clear: Any) -> Any:
    """Notes in `memory` where the own paddle and its knob are; tells if it is seen.

    Where it is not `clear`, a ball may be before the paddle.

    The paddle moves in every second frame. Where these are the third and first of an action, both
    frames of a picture show it in one place, and how far it went since the picture before must tell
    where its knob is.
    """
    now = np.zeros(2)
    before, own = memory[PLACE], memory[PLACE : KNOB + 1]
    if not _edges(pictures[3], _OWN, _OWN_LIGHT, now):
        own[:] = np.nan
        return False
    if now[1] - now[0] < _LENGTH - 1:  # partly behind a wall
        own[:] = now[1] - _LENGTH / 2 if now[0] < _CENTRE else now[0] + _LENGTH / 2
        return True
    paddle(now, _LENGTH, memory[STICK], own)
    if clear and now[1] - now[0] > _LENGTH + 1:
        memory[_FIRST] = 1
    elif memory[_FIRST] == 0 and not np.isnan(before):
        sent = SPEED * memory[STICK]
        own[1] = (own[0] + _CUT - before / 4 - sent) * 4 / 3 + FRAMES * sent
        if abs(own[1] - own[0]) < _CUT:
            own[1] = own[0]
    return True


@inner
def _flight(pictures: Any, out: Any) -> Any:
    """Writes the ball's x and y and their changes a frame, whole numbers; tells if it is seen."""
    at = np.zeros((4, 2))
    seen = np.zeros(4, np.bool_)
    for age in range(1, 4):
        seen[age] = spot(pictures[age], _FIELD, _GROUND, at[age])
    if not (seen[2] and seen[3]):
        return False
    now, before = (at[3] - at[2]) / FRAMES, (at[2] - at[1]) / FRAMES
    near = min(at[3, 1] - _TOP, _BOTTOM - at[3, 1]) < _BOUNCED
    if near and seen[1] and now[0] * before[0] > 0 and abs(before[1]) > abs(now[1]) + 0.25:
        # It has met a wall in between, and shows how steep it flies one picture before.
        now[1] = abs(before[1]) if at[3, 1] < _CENTRE else -abs(before[1])
    out[:2] = at[3]
    out[2], out[3] = np.round(now[0]), np.round(now[1])
    return True


@inner
def _lead(y: Any, slope: Any, pace: Any, other: Any) -> Any:
    """Gives by how much the other side misses a ball, in points, below 0 where it does not.

    Args:
        y: where the ball is sent back.
        slope: change of y a frame.
        pace: change of x a frame.
        other: where the other side's paddle is then.
    """
    for _ in range(int((_RIGHT - _LEFT) / pace)):
        y += slope
        if y < _TOP or y > _BOTTOM:
            y, slope = fold(y, _TOP, _BOTTOM), -slope
        other += min(max(y + 6 - other, -_PACE), _PACE)
    return max(y - other - _HIGH_MISS, _LOW_MISS - (y - other))


@inner
def _aim(picture: Any, y: Any, due: Any, pace: Any) -> Any:
    """Gives which slope is to be given to a ball that comes down at y, from -2 to 2."""
    at = np.zeros(2)
    other = (at[0] + at[1]) / 2 if _edges(picture, _OTHER, _OTHER_LIGHT, at) else _CENTRE
    other += min(max(y + 6 - other, -_PACE * due), _PACE * due)
    most, best = -np.inf, 0
    for slope in range(-2, 3):
        lead = _lead(y, float(slope), pace, other)
        if lead > most:
            most, best = lead, slope
    return best


@inner
def _direction(pictures: Any, memory: Any, sticky: Any) -> Any:
    """Gives -1 for up, 0 or 1 for down."""
    ball = np.zeros(4)
    seen = _flight(pictures, ball)
    if not _own(pictures, memory, seen and ball[0] < _NEAR):
        return 0
    due, goal = _SOON, _CENTRE
    if seen != (memory[_TURNS] % 2 == 1):
        memory[_TURNS] += 1
    if seen:
        goal = (ball[1] + _CENTRE) / 2
        if ball[2] > 0:
            # It is seen where it was half a frame ago.
            frames = (_RIGHT - ball[0]) / ball[2]
            due = max(frames - 0.5, 1.0)
            y = fold(ball[1] + ball[3] * frames, _TOP, _BOTTOM)
            # Without sticky actions all balls are alike: one that is lost must not be lost again.
            fifth = _FIFTHS[int(memory[_TURNS]) // 2 % _FIFTHS.size]
            goal = y - _aim(pictures[3], y, due, ball[2]) * fifth - _MIDDLE
    slack = _SLACK + _STICKY_SLACK * sticky
    return steer(memory, goal, due, (sticky, 2, memory[_FIRST], slack))


@njit(cache=True)
def directions(pictures: Any, rows: Any, memory: Any, sticky: Any, out: Any) -> None:
    """Writes for each row the direction to hold: -1 up, 0 or 1 down.

    Args:
        pictures: `uint8[R, 4, 84, 84]`, the newest last.
        rows: `int64[R]`.
        memory: `float64[B, 5]`, what is known of each row, at first `MEMORY`; changes.
        sticky: the chance that an action sticks.
        out: `int64[R]`.
    """
    for place in range(rows.size):
        row = memory[rows[place]]
        row[STICK] = out[place] = _direction(pictures[place], row, sticky)
