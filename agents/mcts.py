"""A player that searches Connect X by random play-outs. Axes: `B` rows, `R` to move, `A` columns.

Its randomness is a hash of the row's seed, of the number of its own moves in the row and of the
simulation, so a row gets the same moves in any batch.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from agents import board
from agents.base import AgentError, Clock, Decisions
from agents.mcts_search import (
    FULL,
    UNKNOWN,
    Tree,
    best_column,
    new_tree,
    search,
    write_line,
)
from envs.base import EnvSpec, TimeStep
from envs.connectx import rules
from envs.seeding import derive, mix

_MOST = 1_000_000


class Thoughts(NamedTuple):
    """What a search writes for `R` rows, all seen by the player to move."""

    action: NDArray[np.int64]
    """`int64[R]`, -1 where no move is left."""
    value: NDArray[np.float64]
    """`float64[R]`, expected return in [-1, 1], +-1 and 0 where certain."""
    visits: NDArray[np.int64]
    """`int64[R, A]`, simulations through each column."""
    q: NDArray[np.float64]
    """`float64[R, A]`, expected return after each move; nan where none was tried."""
    line: NDArray[np.int8]
    """`int8[R, 64]`, the play expected, -1 after its end."""


def _new_thoughts(rows: int, columns: int) -> Thoughts:
    return Thoughts(
        np.full(rows, -1),
        np.full(rows, np.nan),
        np.zeros((rows, columns), np.int64),
        np.full((rows, columns), np.nan),
        np.full((rows, 64), -1, np.int8),
    )


@njit(cache=True, nogil=True)
def _think(t: Any, observations: Any, words: Any, out: Any) -> None:
    """Writes the thoughts on `uint8[R, 2, rows, columns]`; `words`, `uint64[R]`, are its chance."""
    state = np.empty(2, np.uint64)
    for i in range(observations.shape[0]):
        rules.state(t.g, observations[i], state)
        if state[1] == t.g.full:
            continue
        outcome = search(t, state[0], state[1], words[i])
        write_line(t, out.line[i])
        for column in range(t.g.columns):
            known, visits = t.known[0, column], t.visits[0, column]
            out.visits[i, column] = visits
            if known != UNKNOWN and known != FULL:
                out.q[i, column] = known
            elif visits > 0:
                out.q[i, column] = t.sums[0, column] / visits
        out.action[i] = best_column(t, 0)
        out.value[i] = out.q[i, out.action[i]] if outcome == UNKNOWN else outcome


class MctsPlayer:
    """Searches every board of Connect X by UCT and says what it expects after each move.

    A search ends early where the outcome is certain.
    """

    max_batch: int | None = None
    digest: str | None = None

    def __init__(self, *, simulations: int) -> None:
        """Makes the player.

        Args:
            simulations: play-outs for a move, 1 to 1,000,000.

        Raises:
            AgentError: when the number is out of range.
        """
        if not 1 <= simulations <= _MOST:
            raise AgentError(f"mcts cannot take simulations={simulations}; choose 1 to {_MOST:,}")
        self._simulations = simulations
        self._salt = derive("mcts")
        self._tree: Tree | None = None
        self._streams = np.zeros(0, np.uint64)
        self._moves = np.zeros(0, np.int64)

    def reset(self, spec: EnvSpec, seats: NDArray[np.int64], seeds: NDArray[np.int64]) -> None:
        """Prepares new episodes, and compiles before any clock runs.

        Raises:
            AgentError: when the environment is not Connect X.
        """
        g = board.geometry(spec, "mcts")
        if self._tree is None or self._tree.g != g:
            self._tree = new_tree(g, self._simulations)
        self._streams = mix(seeds, self._salt)
        self._moves = np.zeros(len(seeds), np.int64)
        nothing = np.zeros((0, *spec.observation_shape), np.uint8)
        _think(self._tree, nothing, self._streams[:0], _new_thoughts(0, g.columns))

    def act(
        self, rows: NDArray[np.int64], steps: TimeStep, clock: Clock | None = None
    ) -> Decisions:
        """Searches the position of each row, one after the other."""
        assert self._tree is not None, "reset comes first"
        words = mix(self._streams[rows], self._moves[rows])
        self._moves[rows] += 1
        out = _new_thoughts(len(rows), self._tree.g.columns)
        # A copy is always writable and contiguous: one type, hence one compiled kernel.
        _think(self._tree, np.array(steps.observation), words, out)
        lengths = (out.line >= 0).sum(1)
        line = [moves[:n].tolist() for moves, n in zip(out.line, lengths, strict=True)]
        return Decisions(out.action, out.value, visits=out.visits, q=out.q, line=line)
