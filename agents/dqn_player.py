"""A player that learned by deep Q-learning. Axes: `R` rows to move, `A` actions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agents.base import Clock, Decisions
from agents.reflex import Reflex, softmax
from envs.base import EnvSpec, TimeStep

_TEMPERATURE = np.float32(0.1)
"""Of sampled play, in units of return."""


class DqnPlayer:
    """Plays the environment that its network was trained for, without search."""

    max_batch: int | None = None

    def __init__(self, name: str, data: bytes, *, sample: bool = False) -> None:
        """Makes the player.

        Args:
            name: what people call it.
            data: its network, as `muzero.weights` reads it.
            sample: draw actions, the likelier the higher their q; else the highest is played.

        Raises:
            AgentError: when the network cannot be used.
        """
        self._reflex, self._sample = Reflex(name, data), sample
        self._low, self._high = -np.inf, np.inf
        self.digest: str | None = self._reflex.digest

    def reset(self, spec: EnvSpec, seats: NDArray[np.int64], seeds: NDArray[np.int64]) -> None:
        """Prepares new episodes, and compiles before any clock runs.

        Raises:
            AgentError: when the network was trained for another environment, or is damaged.
        """
        self._reflex.reset(spec, seeds)
        self._low, self._high = spec.value_range or (-np.inf, np.inf)

    def act(
        self, rows: NDArray[np.int64], steps: TimeStep, clock: Clock | None = None
    ) -> Decisions:
        """Gives the legal action with the highest q of each row, or one by chance; and all q.

        Where returns have a range, q is brought into it.
        """
        said, legal = self._reflex.answer(steps).actions, steps.action_mask
        if self._sample:
            action = self._reflex.draw(rows, softmax(said / _TEMPERATURE, legal))
        else:
            action = np.where(legal, said, -np.inf).argmax(1)
        q = np.where(legal, said.clip(self._low, self._high), np.nan)
        return Decisions(action, np.nanmax(q, 1), q=q)
