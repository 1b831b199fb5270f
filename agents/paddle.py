"""What players of ball games share: seeing a ball and a paddle, and steering, as kernels.

A game's screen has 210 x 160 points, a picture `uint8[84, 84]`; places are in points, from the top
left. Each pixel is the lighter one of the last two frames, so what moves is seen twice.

A paddle has inertia: the stick moves a knob, by `SPEED` points a frame, and the paddle goes half of
the way to the knob at a time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

FRAMES = 4
"""That an action lasts."""
SPEED = 5.75
"""Points that the stick moves the knob in a frame; measured, the same in Pong and in Breakout."""
HEIGHT, WIDTH = 210 / 84, 160 / 84
"""Points of a pixel."""

_PLANNED = 5
"""Actions thought of ahead: enough to cross the field."""
_SETTLED = 12.0
"""Frames after which a paddle rests where its knob is."""
_EARLY = 0.01
"""Points at the goal that one is worth on the way there, for each frame."""
_UNSURE = 0.5
"""Frames by which a ball may come sooner or later."""
_MENDED = 10.0
"""Frames in which the paddle can be sent elsewhere, should an action have stuck."""
_LEAST_LIGHT = 60.0
"""What a ball sheds at least, over the ground; one alone sheds more than 200."""
_LEAST_PIXEL = 5.0

STICK, PLACE, KNOB = 0, 1, 2
"""Places in what is remembered of a row: the direction held last, and where the paddle's middle and
its knob are, nan = not known."""

inner = njit(cache=True, no_cpython_wrapper=True)  # type: ignore[call-overload]
"""Compiles what only kernels call, in half the time."""


@inner
def spot(picture: Any, rows: Any, ground: Any, out: Any) -> Any:
    """Writes x and y of the middle of what is lighter than the ground; tells if there is a ball.

    Args:
        picture: `uint8[84, 84]`.
        rows: the first row and the one after the last.
        ground: `float[84]`, what each column shows without a ball; inf = do not look.
        out: `float[2]`.
    """
    light = x = y = 0.0
    for column in range(ground.size):
        if ground[column] == np.inf:
            continue
        for row in range(rows[0], rows[1]):
            over = picture[row, column] - ground[column]
            if over > _LEAST_PIXEL:
                light += over
                x += over * column
                y += over * row
    if light < _LEAST_LIGHT:
        return False
    out[0], out[1] = (x / light + 0.5) * WIDTH, (y / light + 0.5) * HEIGHT
    return True


@inner
def edges(line: Any, full: Any, size: Any, out: Any) -> Any:
    """Writes where a paddle begins and ends along a line of pixels; tells if there is one.

    Args:
        line: `float[N]`, light over the ground.
        full: what a pixel shows that the paddle fills.
        size: points of a pixel.
        out: `float[2]`, points from the line's begin.
    """
    light = middle = 0.0
    for place in range(line.size):
        if line[place] > _LEAST_PIXEL:
            over = min(line[place], full)
            light += over
            middle += over * place
    if light == 0.0:
        return False
    middle, half = (middle / light + 0.5) * size, light / full * size / 2
    out[0], out[1] = middle - half, middle + half
    return True


@inner
def paddle(edges: Any, length: Any, stick: Any, out: Any) -> None:
    """Writes where the middle of a paddle is, and where its knob is.

    A paddle is seen in two frames at once: what is longer than it tells how far it went, and the
    way that it went is the one that agrees with where its knob must be by now.

    Args:
        edges: `float[2]`, of what is seen.
        length: of the paddle, points.
        stick: direction held in the last action, -1, 0 or 1.
        out: `float[2]`, written as one action before; its knob is read, nan = not known.
    """
    middle, way = (edges[0] + edges[1]) / 2, max(edges[1] - edges[0] - length, 0.0)
    expected = middle if np.isnan(out[1]) else out[1] + FRAMES * SPEED * stick
    nearest = np.inf
    for ahead in (-1.0, 1.0):
        knob = middle + ahead * way * 1.5 + SPEED * stick
        if abs(knob - expected) < nearest:
            nearest = abs(knob - expected)
            out[0], out[1] = middle + ahead * way / 2, knob


@inner
def fold(place: Any, low: Any, high: Any) -> Any:
    """Gives where a ball is that flew to `place` as if there were no walls."""
    way = (place - low) % (2 * (high - low))
    return low + min(way, 2 * (high - low) - way)


@inner
def _cost(memory: Any, sticks: Any, goal: Any, due: Any, how: Any) -> Any:
    """Gives how far from its goal a paddle is expected to be when it is due, in points.

    What counts too, a little: to be near early, since that can be mended.

    Args:
        memory: as for `steer`.
        sticks: `int64[N + 1]`, directions, that of the last action first.
        goal: where to.
        due: frames from now.
        how: the chance that an action sticks, frames from one move of the paddle to the next, the
            first of them, from 0, and points from the goal that are as good as the goal.
    """
    sticky, every, first, slack = how
    place, knob = memory[PLACE], memory[KNOB]
    held, pace, way = float(sticks[0]), 0.0, 0.0
    frame = 0
    while frame < due:
        step = frame // FRAMES + 1
        wanted = float(sticks[step]) if step < sticks.size else 0.0
        held += (1 - sticky) * (wanted - held)
        if frame % every == first:
            pace = (knob - place) / 2
            place += pace * min(due - frame, 1.0)
        knob += SPEED * held
        way += max(abs(place - goal) - slack, 0.0)
        frame += 1
    error = max(abs(place - goal) - slack, 0.0) ** 2 + (pace / every * _UNSURE) ** 2
    late = SPEED * np.sqrt(sticky) / (1 - sticky)
    for step in range(1, sticks.size):
        left = due - FRAMES * step + 2
        if 0 < left < _MENDED:
            error += (late * (sticks[step] - sticks[step - 1]) * (1 - 0.5 ** (left / every))) ** 2
    return np.sqrt(error) + _EARLY * way


@inner
def steer(memory: Any, goal: Any, due: Any, how: Any) -> Any:
    """Gives the direction to hold now so that a paddle's middle is at `goal` when it is due.

    Every plan of a few actions is tried; the best comes near and depends little on which actions
    stick.

    Args:
        memory: the direction held last, the paddle's place and its knob's.
        goal: where to.
        due: frames from now.
        how: see `_cost`.

    Returns:
        -1 towards 0, 0 or 1.
    """
    size = max(min(int(np.ceil(due / FRAMES)), _PLANNED), 1)
    due = min(due, FRAMES * _PLANNED + _SETTLED)
    sticks = np.zeros(size + 1, np.int64)
    sticks[0] = int(memory[STICK])
    best, first = np.inf, 0
    for plan in range(3**size):
        rest = plan
        for step in range(1, size + 1):
            sticks[step] = (rest + 1) % 3 - 1  # the first plan is to rest
            rest //= 3
        cost = _cost(memory, sticks, goal, due, how)
        if cost < best:
            best, first = cost, sticks[1]
    return first
