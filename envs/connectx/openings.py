"""Connect X positions by ply: fair openings, and counts that prove the rules.

Axes: `N` positions of a ply, `M` moves from them, `K` plies.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from envs.base import EnvOptionError
from envs.connectx.rules import (
    Geometry,
    canonical_key,
    drop,
    has_line,
    is_legal,
    key,
    playable,
    winning_spots,
)

DEEPEST = 8
"""Most plies of an opening: there are some 90,000 positions of 8 plies on the standard board."""

_NONE = np.uint64(0)


class Count(NamedTuple):
    """What `perft` counts after so many plies, ended games among them."""

    positions: int
    """Distinct positions; mirror images count apart."""
    sequences: int
    """Sequences of moves."""


@njit(cache=True)
def _expand(g: Any, states: Any) -> Any:
    """Gives every legal move: next states, `uint64[M, 2]`, parents and columns, both `int64[M]`.

    A state is `mine` and `occupied`, as in the rules.
    """
    size = states.shape[0] * g.columns
    after = np.empty((size, 2), np.uint64)
    parents, columns = np.empty(size, np.int64), np.empty(size, np.int64)
    count = 0
    for row in range(states.shape[0]):
        mine, occupied = states[row, 0], states[row, 1]
        if has_line(g, mine ^ occupied):
            continue
        for column in range(g.columns):
            if is_legal(g, occupied, column):
                after[count, 0] = mine ^ occupied
                after[count, 1] = occupied | drop(g, occupied, column)
                parents[count], columns[count] = row, column
                count += 1
    return after[:count], parents[:count], columns[:count]


@njit(cache=True)
def _keys(g: Any, states: Any, canonical: Any) -> Any:
    """Gives the key of each state, `uint64[N]`: of itself, or the same for its mirror image."""
    out = np.empty(states.shape[0], np.uint64)
    for row in range(states.shape[0]):
        if canonical:
            out[row] = canonical_key(g, states[row, 0], states[row, 1])
        else:
            out[row] = key(g, states[row, 0], states[row, 1])
    return out


@njit(cache=True)
def _fair(g: Any, states: Any) -> Any:
    """Says of each state, `bool[N]`, whether the game goes on and no single move wins it."""
    out = np.empty(states.shape[0], np.bool_)
    for row in range(states.shape[0]):
        mine, occupied = states[row, 0], states[row, 1]
        over = has_line(g, mine ^ occupied) or occupied == g.full
        out[row] = not over and winning_spots(g, mine) & playable(g, occupied) == _NONE
    return out


def openings(g: Geometry, plies: int) -> list[tuple[int, ...]]:
    """Gives the moves to every position of `plies` plies that is a fair start, up to mirroring.

    Fair: the game goes on and the player to move cannot win at once; the empty board always is.
    Each position comes with its lexicographically smallest moves; they are in lexicographic order.

    Raises:
        EnvOptionError: when `plies` is not in `0..DEEPEST` or no position is fair.
    """
    if not 0 <= plies <= DEEPEST:
        raise EnvOptionError(f"openings of {plies} plies are not made; choose 0 to {DEEPEST}")
    states, moves = np.zeros((1, 2), np.uint64), np.empty((1, 0), np.int64)
    if plies == 0:
        return [()]
    # Smallest moves begin with smallest moves, and moves come in order, so the first of a key wins.
    for _ in range(plies):
        states, parents, columns = _expand(g, states)
        first = np.sort(np.unique(_keys(g, states, True), return_index=True)[1])
        states = states[first]
        moves = np.column_stack([moves[parents[first]], columns[first]])
    found: list[tuple[int, ...]] = [tuple(line) for line in moves[_fair(g, states)].tolist()]
    if not found:
        raise EnvOptionError(
            f"no opening of {plies} plies on a board of {g.columns}x{g.rows}x{g.inarow}: every "
            "position is over or won at once; choose fewer plies"
        )
    return found


def perft(g: Geometry, depth: int) -> list[Count]:
    """Gives the counts after 0 to `depth` plies, fewer where the longest game is shorter.

    Source: https://www.chessprogramming.org/Perft; positions of the standard board:
    https://oeis.org/A212693.
    """
    states: NDArray[np.uint64] = np.zeros((1, 2), np.uint64)
    paths = np.ones(1, np.int64)
    counts = [Count(1, 1)]
    for _ in range(depth):
        states, parents, _ = _expand(g, states)
        if not len(states):
            break
        _, first, group = np.unique(_keys(g, states, False), return_index=True, return_inverse=True)
        states, paths = states[first], _sums(group, paths[parents], len(first))
        counts.append(Count(len(states), int(paths.sum())))
    return counts


def _sums(group: NDArray[np.int64], values: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Gives the exact sum of the values, `int64[M]`, of each group, `int64[size]`."""
    out = np.zeros(size, np.int64)
    np.add.at(out, group, values)
    return out
