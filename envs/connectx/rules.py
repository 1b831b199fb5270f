"""Connect X on 64-bit boards, as kernels. Axes: `A` actions = columns.

A set of cells is one `uint64`: bit `column * (rows + 1) + height`, height 0 at the bottom. The cell
above each column, its sentinel, never holds a disc, so lines cannot run from one column into the
next. `discs` is such a set of one player, `occupied` of both, `mine` of the player to move.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import config, njit, types, uint64
from numba.extending import intrinsic

from envs.base import EnvOptionError, Rules

_NONE, _ONE = np.uint64(0), np.uint64(1)
_WORD = 64


class Geometry(NamedTuple):
    """Size of the board and what follows from it; the `params` of the rules."""

    columns: int
    """Columns, `A`."""
    rows: int
    """Cells in a column."""
    inarow: int
    """Discs in a line that win."""
    bottom: np.uint64
    """The lowest cell of every column."""
    full: np.uint64
    """All cells that can hold a disc."""


@cache
def geometry(columns: int, rows: int, inarow: int) -> Geometry:
    """Gives the geometry of a board.

    Raises:
        EnvOptionError: when a number is below 1 or the board does not fit in 64 bits.
    """
    if min(columns, rows, inarow) < 1:
        raise EnvOptionError(
            f"a Connect X board of {columns}x{rows}x{inarow} (columns x rows x in-a-row) does not "
            "exist; each number must be at least 1"
        )
    if (rows + 1) * columns > _WORD:
        raise EnvOptionError(
            f"a board of {columns} columns and {rows} rows is too large: (rows + 1) * columns is "
            f"{(rows + 1) * columns}, the limit is {_WORD}; choose fewer rows or columns"
        )
    bottom = sum(1 << column * (rows + 1) for column in range(columns))
    return Geometry(columns, rows, inarow, np.uint64(bottom), np.uint64(bottom * ((1 << rows) - 1)))


@intrinsic
def _ctpop(typingctx: Any, x: Any) -> Any:
    """Gives the hardware's count of ones, since Numba knows no `np.bitwise_count`."""
    return types.uint64(types.uint64), lambda context, builder, sig, args: builder.ctpop(args[0])


if config.DISABLE_JIT:  # type: ignore[attr-defined]

    def _ones(x: Any) -> Any:
        return np.bitwise_count(x)
else:

    @njit(cache=True, inline="always")
    def _ones(x: Any) -> Any:
        return _ctpop(uint64(x))  # type: ignore[call-arg]


@njit(cache=True)
def popcount(x: Any) -> Any:
    """Gives the number of cells in a set, `int64`."""
    return np.int64(_ones(x))


@njit(cache=True)
def column_mask(g: Any, column: Any) -> Any:
    """Gives the playable cells of one column."""
    return ((_ONE << np.uint64(g.rows)) - _ONE) << np.uint64(column * (g.rows + 1))


@njit(cache=True)
def playable(g: Any, occupied: Any) -> Any:
    """Gives the cells where the next disc of each open column would land."""
    return (occupied + g.bottom) & g.full


@njit(cache=True)
def is_legal(g: Any, occupied: Any, column: Any) -> Any:
    """Says whether a column exists and is open, whoever may have won already."""
    return 0 <= column < g.columns and playable(g, occupied) & column_mask(g, column) != _NONE


@njit(cache=True)
def drop(g: Any, occupied: Any, column: Any) -> Any:
    """Gives the cell where a disc in `column` lands, the empty set if the column is full."""
    return playable(g, occupied) & column_mask(g, column)


@njit(cache=True)
def column_of(g: Any, bit: Any) -> Any:
    """Gives the column of a single cell, `int64`."""
    return popcount(bit - _ONE) // (g.rows + 1)


@njit(cache=True)
def mirror(g: Any, discs: Any) -> Any:
    """Gives the set with left and right swapped."""
    height = np.uint64(g.rows + 1)
    low = (_ONE << np.uint64(g.rows)) - _ONE
    out = discs & low
    for _ in range(g.columns - 1):
        discs >>= height
        out = (out << height) | (discs & low)
    return out


@njit(cache=True)
def key(g: Any, mine: Any, occupied: Any) -> Any:
    """Gives a number that no other position has: the mover's discs and the column heights.

    Source: http://blog.gamesolver.org/solving-connect-four/06-bitboard/.
    """
    return mine + occupied + g.bottom


@njit(cache=True)
def canonical_key(g: Any, mine: Any, occupied: Any) -> Any:
    """Gives the smaller key of a position and its mirror image."""
    return min(key(g, mine, occupied), key(g, mirror(g, mine), mirror(g, occupied)))


@njit(cache=True, inline="always")
def _has_run(discs: Any, shift: Any, length: Any) -> Any:
    """Says whether `length` discs lie `shift` bits apart; each turn doubles the runs looked for."""
    width = 1
    while width < length:
        more = min(width, length - width)
        discs &= discs >> np.uint64(more * shift)
        width += more
    return discs != _NONE


@njit(cache=True, inline="always")
def _runs_of_four(discs: Any, shift: Any) -> Any:
    """Gives the lowest cell of every four discs `shift` bits apart."""
    s = np.uint64(shift)
    pairs = discs & (discs >> s)
    return pairs & (pairs >> (s + s))


@njit(cache=True)
def has_line(g: Any, discs: Any) -> Any:
    """Says whether `discs` hold a winning line."""
    if g.inarow == 4 and g.columns >= 4:
        runs = _runs_of_four(discs, 1) | _runs_of_four(discs, g.rows)
        runs |= _runs_of_four(discs, g.rows + 1) | _runs_of_four(discs, g.rows + 2)
        return runs != _NONE
    if g.inarow <= g.rows and _has_run(discs, 1, g.inarow):
        return True
    if g.inarow <= g.columns and _has_run(discs, g.rows + 1, g.inarow):
        return True
    if g.inarow > min(g.rows, g.columns):
        return False
    return _has_run(discs, g.rows, g.inarow) or _has_run(discs, g.rows + 2, g.inarow)


@njit(cache=True, inline="always")
def _gaps_of_four(discs: Any, shift: Any) -> Any:
    """Gives the cells that three discs `shift` bits apart make a line of four with."""
    s = np.uint64(shift)
    above = (discs << s) & (discs << (s + s))
    below = (discs >> s) & (discs >> (s + s))
    spots = above & ((discs << (s + s + s)) | (discs >> s))
    return spots | (below & ((discs >> (s + s + s)) | (discs << s)))


@njit(cache=True, inline="always")
def _gaps(discs: Any, shift: Any, length: Any) -> Any:
    """Gives the cells that `length - 1` discs `shift` bits apart make a line of `length` with."""
    s = np.uint64(shift)
    spots = _NONE
    before = ~_NONE
    for passed in range(length):
        after = ~_NONE
        for _ in range(length - 1 - passed):
            after = (after & discs) >> s
        spots |= before & after
        before = (before & discs) << s
    return spots


@njit(cache=True)
def winning_spots(g: Any, discs: Any) -> Any:
    """Gives all cells, empty or not, where one more disc would complete a line with `discs`."""
    if g.inarow == 4 and g.columns >= 4:
        spots = _gaps_of_four(discs, 1) | _gaps_of_four(discs, g.rows)
        spots |= _gaps_of_four(discs, g.rows + 1) | _gaps_of_four(discs, g.rows + 2)
        return spots & g.full
    spots = _NONE
    if g.inarow <= g.rows:
        spots |= _gaps(discs, 1, g.inarow)
    if g.inarow <= g.columns:
        spots |= _gaps(discs, g.rows + 1, g.inarow)
    if g.inarow <= min(g.rows, g.columns):
        spots |= _gaps(discs, g.rows, g.inarow) | _gaps(discs, g.rows + 2, g.inarow)
    return spots & g.full


@njit(cache=True)
def state(g: Any, observation: Any, out: Any) -> None:
    """Writes the state, `uint64[2]`: `mine` and `occupied`, of an observation."""
    mine, occupied = _NONE, _NONE
    for column in range(g.columns):
        for height in range(g.rows):
            bit = _ONE << np.uint64(column * (g.rows + 1) + height)
            if observation[0, g.rows - 1 - height, column]:
                mine |= bit
                occupied |= bit
            elif observation[1, g.rows - 1 - height, column]:
                occupied |= bit
    out[0] = mine
    out[1] = occupied


@njit(cache=True)
def legal(g: Any, state: Any, out: Any) -> None:
    """Writes `bool[A]`: the open columns; all False once somebody has a line."""
    mine, occupied = state[0], state[1]
    over = has_line(g, mine ^ occupied) or has_line(g, mine)
    for column in range(g.columns):
        out[column] = not over and is_legal(g, occupied, column)


@njit(cache=True)
def step(g: Any, state: Any, action: Any, out: Any) -> Any:
    """Writes the state after a legal `action`; gives the mover's reward and whether it ended."""
    mine, occupied = state[0], state[1]
    bit = drop(g, occupied, action)
    out[0] = mine ^ occupied
    out[1] = occupied | bit
    won = has_line(g, mine | bit)
    return (1.0 if won else 0.0), won or out[1] == g.full


@njit(cache=True)
def observe(g: Any, state: Any, out: Any) -> None:
    """Writes the observation, `uint8[2, rows, columns]`: the mover's discs first, top row first."""
    mine, theirs = state[0], state[0] ^ state[1]
    for column in range(g.columns):
        for height in range(g.rows):
            place = np.uint64(column * (g.rows + 1) + height)
            out[0, g.rows - 1 - height, column] = (mine >> place) & _ONE
            out[1, g.rows - 1 - height, column] = (theirs >> place) & _ONE


@njit(cache=True)
def state_key(g: Any, state: Any) -> Any:
    """Gives the canonical key of a state."""
    return canonical_key(g, state[0], state[1])


def rules(g: Geometry) -> Rules:
    """Gives the rules for searches; a state is `mine` and `occupied`."""
    return Rules(g, 2, state, legal, step, observe, state_key)
