"""A recorded episode as an animated PNG. Axes: `F` frames, `H` pixels down, `W` across."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from arena import replaying
from arena.board import apng
from arena.board.frames import Palette
from arena.match_record import MatchRecord
from envs import registry
from envs.base import Env, TimeStep

_MOST, _MOST_DRAWN = 900, 60
"""Frames of an emulator, and of envs that draw themselves; of longer episodes some are shown."""
_FRAMES_S = 60
_MOVE_MS, _DRAWN_MS, _END_MS = 700, 100, 2_500
"""How long a move on a board, another picture, and the end of any episode is shown."""
_CELL = 40
_LEVELS = 4
"""Of an edge, from the board's colour to a disc's."""
_BOARD = (43, 89, 181)
_DISCS = ((243, 239, 231), (226, 66, 66), (250, 200, 56))
"""Of no disc, of the first and of the second player."""
_RING = 0xFFFFFF

Picture = NDArray[np.uint8]
Draw = Callable[[Env, TimeStep], Picture]
"""Gives a moment as numbers of colours, `uint8[H, W]`."""


def animated(record: MatchRecord) -> bytes | None:
    """Gives an episode as far as it can be played again; None where not even its start can.

    Raises:
        ForeignRecordError: when it was recorded with another ROM or emulator.
    """
    skip = int(registry.spec(record.env).options.get("frame_skip", 0))
    most = _MOST if skip else _MOST_DRAWN
    every = max(-(-len(record.actions) // most), 1)
    board, palette = _is_board(record.env), Palette()
    draw = Board() if board else _emulated(palette) if skip else _drawn(palette)
    frames, place = list[Picture](), 0

    def take(env: Env, step: TimeStep) -> None:
        nonlocal place
        if place % every == 0 or step.last:
            frames.append(draw(env, step))
        place += 1

    replaying.difference(record, take)
    if not frames:
        return None
    lasts = _MOVE_MS if board else round(1_000 * skip / _FRAMES_S) if skip else _DRAWN_MS
    shown = [lasts] * (len(frames) - 1) + [_END_MS]
    return apng.encode(np.stack(frames), _colours() if board else palette.colours, shown)


def _is_board(env: str) -> bool:
    """Gives whether two players put discs on a board, each seen as a plane."""
    spec = registry.spec(env)
    return spec.num_players == 2 and len(spec.observation_shape) == 3


def _emulated(palette: Palette) -> Draw:
    return lambda env, step: palette.index(env.render())


def _drawn(palette: Palette) -> Draw:
    """Draws with at most 64 colours, whatever shades the edges of the picture have."""
    return lambda env, step: palette.index(env.render() & np.uint8(0xC0) | np.uint8(0x20))


class Board:
    """Draws the moments of one game, the last disc with a ring."""

    def __init__(self) -> None:
        """Begins with a game of which nothing is known."""
        self._before = np.zeros(0, np.uint8)

    def __call__(self, env: Env, step: TimeStep) -> Picture:
        """Gives a moment as numbers of colours, `uint8[H, W]`."""
        mine, theirs = step.observation[:2]
        first, second = (mine, theirs) if step.to_play == 0 else (theirs, mine)
        discs = (first > 0) + 2 * (second > 0).astype(np.uint8)
        tiles = _tiles()[discs]  # rows, columns, pixels down, pixels across
        if self._before.shape == discs.shape:
            for row, column in np.argwhere(self._before != discs).tolist():
                tiles[row, column][_ring()] = 1 + _LEVELS * len(_DISCS)
        self._before = discs
        rows, columns = discs.shape
        joined = tiles.transpose(0, 2, 1, 3).reshape(rows * _CELL, columns * _CELL)
        return np.asarray(np.pad(joined, _CELL // 8))


@cache
def _tiles() -> NDArray[np.uint8]:
    """Gives a square with no disc, with the first's and with the second's, `uint8[3, H, W]`."""
    covered = _within(0.4 * _CELL)
    return np.stack([np.where(covered, covered + _LEVELS * kind, 0) for kind in range(len(_DISCS))])


@cache
def _ring() -> NDArray[np.bool_]:
    """Gives where a square has the ring of the last disc, `bool[H, W]`."""
    middle = _LEVELS // 2
    return (_within(0.25 * _CELL) >= middle) & (_within(0.19 * _CELL) < middle)


def _within(radius: float) -> NDArray[np.uint8]:
    """Gives how much of each pixel of a square a disc covers, in `_LEVELS` steps."""
    away = np.arange(_CELL) + 0.5 - _CELL / 2
    inside = radius + 0.5 - np.hypot(away[:, None], away)
    return np.asarray((inside.clip(0, 1) * _LEVELS).round(), np.uint8)


def _colours() -> list[int]:
    """Gives the board's colour, four for each kind of square, and the ring's."""
    board, colours = np.array(_BOARD), [_BOARD]
    for disc in _DISCS:
        for level in range(1, _LEVELS + 1):
            mixed = board + (np.array(disc) - board) * level / _LEVELS
            colours.append(tuple(mixed.round().astype(int).tolist()))
    return [red << 16 | green << 8 | blue for red, green, blue in colours] + [_RING]
