"""A player that takes any legal action, all alike. Axes: `B` rows, `R` rows to move, `A` actions.

The word drawn for a move is a hash of the row's seed, the option `seed` and the number of the
player's own moves in the row, so rows do not influence each other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from agents.base import AgentError, Clock, Decisions
from envs.base import EnvSpec, TimeStep
from envs.seeding import derive, mix, mix64

_HALF = np.uint64(32)


@njit(cache=True)
def _pick(streams: Any, moves: Any, rows: Any, masks: Any, out: Any) -> None:
    """Writes one legal action a row, -1 where there is none, and counts the moves."""
    for i in range(rows.size):
        row = rows[i]
        word = mix64(streams[row] ^ np.uint64(moves[row]))
        moves[row] += 1
        legal = 0
        for action in range(masks.shape[1]):
            legal += masks[i, action]
        left = np.int64(((word >> _HALF) * np.uint64(legal)) >> _HALF)
        out[i] = -1
        for action in range(masks.shape[1]):
            if masks[i, action]:
                if left == 0:
                    out[i] = action
                    break
                left -= 1


class RandomPlayer:
    """Plays uniformly over the legal actions of any environment."""

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
            raise AgentError(f"random cannot take seed={seed}; choose one in [0, 2**63)")
        self._salt = derive("random", seed)
        self._streams = np.zeros(0, np.uint64)
        self._moves = np.zeros(0, np.int64)

    def reset(self, spec: EnvSpec, seats: NDArray[np.int64], seeds: NDArray[np.int64]) -> None:
        """Prepares new episodes, and compiles before any clock runs."""
        self._streams = mix(seeds, self._salt)
        self._moves = np.zeros(len(seeds), np.int64)
        _pick(
            self._streams,
            self._moves,
            np.zeros(0, np.int64),
            np.zeros((0, spec.num_actions), np.bool_),
            np.zeros(0, np.int64),
        )

    def act(
        self, rows: NDArray[np.int64], steps: TimeStep, clock: Clock | None = None
    ) -> Decisions:
        """Draws one legal action for each row."""
        action = np.empty(len(rows), np.int64)
        # A copy is always writable and contiguous: one type, hence one compiled kernel.
        _pick(
            self._streams,
            self._moves,
            np.array(rows),
            np.array(steps.action_mask, order="C"),
            action,
        )
        return Decisions(action)
