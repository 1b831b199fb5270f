"""Connect X, many episodes at once. Axes: `B` rows, `R` rows that begin, `A` actions = columns.

A position here is `uint64[2]`: the discs of seat 0 and of seat 1. Seat 0 begins, so the count of
discs tells who is to move.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from envs.base import Array, IllegalActionError, Start, TimeStep
from envs.connectx.env import bad_start, connectx_spec, digest_word, illegal
from envs.connectx.rules import drop, geometry, has_line, is_legal, popcount

_ONE = np.uint64(1)
_FINE = -1


@njit(cache=True)
def _digests(g: Any, discs: Any, out: Any) -> None:
    for row in range(discs.shape[0]):
        out[row] = digest_word(g, discs[row, 0], discs[row, 0] | discs[row, 1])


@njit(cache=True)
def _show(g: Any, discs: Any, over: Any, out: Any) -> None:
    """Writes the moments of all rows, except their rewards."""
    observation, mask, to_play, _, terminated = out
    for row in range(discs.shape[0]):
        occupied = discs[row, 0] | discs[row, 1]
        seat = popcount(occupied) & 1
        mine = discs[row, seat]
        to_play[row] = seat
        terminated[row] = over[row]
        for column in range(g.columns):
            mask[row, column] = not over[row] and is_legal(g, occupied, column)
            place = np.uint64(column * (g.rows + 1))
            for line in range(g.rows - 1, -1, -1):
                own = (mine >> place) & _ONE
                observation[row, 0, line, column] = own
                observation[row, 1, line, column] = ((occupied >> place) & _ONE) ^ own
                place += _ONE


@njit(cache=True)
def _step(g: Any, discs: Any, over: Any, actions: Any, out: Any) -> Any:
    """Plays a moment and writes the next; gives the row of an illegal action, or -1."""
    rewards = out[3]
    for row in range(discs.shape[0]):
        if not over[row] and not is_legal(g, discs[row, 0] | discs[row, 1], actions[row]):
            return row
    for row in range(discs.shape[0]):
        if not over[row]:
            occupied = discs[row, 0] | discs[row, 1]
            seat = popcount(occupied) & 1
            bit = drop(g, occupied, actions[row])
            discs[row, seat] |= bit
            if has_line(g, discs[row, seat]):
                rewards[row, seat] = 1.0
                rewards[row, 1 - seat] = -1.0
                over[row] = True
            over[row] |= occupied | bit == g.full
    _show(g, discs, over, out)
    return _FINE


@njit(cache=True)
def _begin(g: Any, discs: Any, moves: Any, ends: Any) -> Any:
    """Plays starts into empty `discs`, `uint64[R, 2]`; gives the place of a bad move, or -1.

    `moves` are those of all starts on end, `ends`, `int64[R]`, where each start ends in them.
    """
    place = 0
    for row in range(ends.size):
        seat = 0
        while place < ends[row]:
            occupied = discs[row, 0] | discs[row, 1]
            if not is_legal(g, occupied, moves[place]):
                return place
            bit = drop(g, occupied, moves[place])
            discs[row, seat] |= bit
            if has_line(g, discs[row, seat]) or occupied | bit == g.full:
                return place
            seat = 1 - seat
            place += 1
    return _FINE


class ConnectXVector:
    """`B` boards side by side. Nothing in the game is random, so seeds change nothing."""

    def __init__(self, num_rows: int, columns: int = 7, rows: int = 6, inarow: int = 4) -> None:
        """Makes the boards, all empty.

        Raises:
            EnvOptionError: when there is no such board.
        """
        self.geometry = geometry(columns, rows, inarow)
        self.spec = connectx_spec(self.geometry)
        self.num_rows = num_rows
        self._discs = np.zeros((num_rows, 2), np.uint64)
        self._over = np.zeros(num_rows, np.bool_)
        self._shapes = (num_rows, 2, rows, columns), (num_rows, columns), (num_rows, 2)

    def reset(self, rows: Array, seeds: Array, starts: Sequence[Start] | None = None) -> TimeStep:
        """Begins episodes in `rows`, `int[R]`; gives all `B` moments, their rewards 0.

        Args:
            rows: `int[R]`.
            seeds: `int[R]`, without effect.
            starts: `R` sequences of columns; a saved state is the same, a byte for each column.

        Raises:
            IllegalActionError: when a start breaks the rules or ends the game; no row changes.
        """
        rows = np.asarray(rows, np.int64)
        self._discs[rows] = 0 if starts is None else self._played(starts, rows.size)
        self._over[rows] = False
        out = self._blank()
        _show(self.geometry, self._discs, self._over, out)
        return TimeStep(*out, np.zeros(self.num_rows, np.bool_))

    def step(self, actions: Array) -> TimeStep:
        """Plays `actions`, `int[B]` (ignored where a row has ended); gives all `B` moments.

        Raises:
            IllegalActionError: when a running row's action is illegal; no row changes.
        """
        actions = np.asarray(actions)
        if actions.shape != self._over.shape or actions.dtype.kind not in "iu":
            raise IllegalActionError(
                f"actions are {actions.dtype}{list(actions.shape)}; expected an integer for each "
                f"of {self.num_rows} rows"
            )
        out = self._blank()
        bad = _step(self.geometry, self._discs, self._over, actions.astype(np.int64), out)
        if bad != _FINE:
            _show(self.geometry, self._discs, self._over, out)
            raise illegal(self.spec, actions[bad], out[1][bad], f" in row {bad}")
        return TimeStep(*out, np.zeros(self.num_rows, np.bool_))

    def digest(self) -> NDArray[np.uint64]:
        """Gives the digest of every row, `uint64[B]`."""
        out = np.empty(self.num_rows, np.uint64)
        _digests(self.geometry, self._discs, out)
        return out

    def _blank(self) -> tuple[Array, Array, Array, Array, Array]:
        """Gives room for a moment, its rewards 0."""
        observation, mask, rewards = self._shapes
        return (
            np.empty(observation, np.uint8),
            np.empty(mask, np.bool_),
            np.empty(self.num_rows, np.int64),
            np.zeros(rewards),
            np.empty(self.num_rows, np.bool_),
        )

    def _played(self, starts: Sequence[Start], size: int) -> NDArray[np.uint64]:
        """Gives the discs, `uint64[R, 2]`, after the moves of each start."""
        if len(starts) != size:
            raise ValueError(f"{len(starts)} starts for {size} rows; give one for each row")
        discs = np.zeros((size, 2), np.uint64)
        ends = np.cumsum([len(start) for start in starts], dtype=np.int64)
        moves = np.fromiter(chain.from_iterable(starts), np.int64)
        bad = _begin(self.geometry, discs, moves, ends)
        if bad != _FINE:
            row = int(np.searchsorted(ends, bad, "right"))
            raise bad_start(self.spec, starts[row], bad - int(ends[row]) + len(starts[row]))
        return discs
