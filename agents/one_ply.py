"""A player that looks one ply ahead. Axes: `B` rows, `R` rows to move."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from agents import board
from agents.base import AgentError, Clock, Decisions
from envs.base import EnvSpec, TimeStep
from envs.connectx import rules
from envs.seeding import derive, mix, mix64

_HALF = np.uint64(32)
_NONE, _ONE = np.uint64(0), np.uint64(1)


@njit(cache=True)
def _choices(g: Any, mine: Any, occupied: Any) -> Any:
    """Gives the cells to choose from: those that win, else those that block, else all playable."""
    playable = rules.playable(g, occupied)
    wins = playable & rules.winning_spots(g, mine)
    if wins:
        return wins
    blocks = playable & rules.winning_spots(g, mine ^ occupied)
    return blocks or playable


@njit(cache=True)
def _pick(g: Any, streams: Any, moves: Any, rows: Any, observations: Any, out: Any) -> None:
    """Writes one action a row, -1 where there is none, and counts the moves."""
    state = np.empty(2, np.uint64)
    for i in range(rows.size):
        row = rows[i]
        word = mix64(streams[row] ^ np.uint64(moves[row]))
        moves[row] += 1
        rules.state(g, observations[i], state)
        cells = _choices(g, state[0], state[1])
        out[i] = -1
        if cells == _NONE:
            continue
        left = ((word >> _HALF) * np.uint64(rules.popcount(cells))) >> _HALF
        for _ in range(left):
            cells &= cells - _ONE
        out[i] = rules.column_of(g, cells & (~cells + _ONE))


class OnePlyPlayer:
    """Wins if it can, blocks if it must, else plays at random; any Connect X board."""

    max_batch: int | None = None
    digest: str | None = None

    def __init__(self, *, seed: int = 0) -> None:
        """Makes the player.

        Args:
            seed: in `[0, 2**63)`; players with different seeds play differently.

        Raises:
            AgentError: when the seed is out of range.
        """
        if not 0 <= seed < 2**63:
            raise AgentError(f"one-ply cannot take seed={seed}; choose one in [0, 2**63)")
        self._salt = derive("one-ply", seed)
        self._geometry = rules.geometry(7, 6, 4)
        self._streams = np.zeros(0, np.uint64)
        self._moves = np.zeros(0, np.int64)

    def reset(self, spec: EnvSpec, seats: NDArray[np.int64], seeds: NDArray[np.int64]) -> None:
        """Prepares new episodes, and compiles before any clock runs.

        Raises:
            AgentError: when the environment is not Connect X.
        """
        self._geometry = board.geometry(spec, "one-ply")
        self._streams = mix(seeds, self._salt)
        self._moves = np.zeros(len(seeds), np.int64)
        nobody = np.zeros(0, np.int64)
        blank = np.zeros((0, *spec.observation_shape), np.uint8)
        _pick(self._geometry, self._streams, self._moves, nobody, blank, nobody)

    def act(
        self, rows: NDArray[np.int64], steps: TimeStep, clock: Clock | None = None
    ) -> Decisions:
        """Chooses one column for each row."""
        action = np.empty(len(rows), np.int64)
        # A copy is always writable and contiguous: one type, hence one compiled kernel.
        boards = np.array(steps.observation, order="C")
        _pick(self._geometry, self._streams, self._moves, np.array(rows), boards, action)
        return Decisions(action)
