"""A player that learned by proximal policy optimisation. Axes: `R` rows to move, `A` actions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agents.base import Clock, Decisions
from agents.reflex import Reflex, softmax
from envs.base import EnvSpec, TimeStep


class PpoPlayer:
    """Plays the environment that its network was trained for, without search."""

    max_batch: int | None = None

    def __init__(self, name: str, data: bytes, *, sample: bool | None = None) -> None:
        """Makes the player.

        Args:
            name: what people call it.
            data: its network, as `muzero.weights` reads it.
            sample: draw actions by the policy; else the likeliest is played. None = draw them in
                games for one, where the likeliest action may change nothing for ever.

        Raises:
            AgentError: when the network cannot be used.
        """
        self._reflex, self._sample = Reflex(name, data), sample
        self.digest: str | None = self._reflex.digest

    def reset(self, spec: EnvSpec, seats: NDArray[np.int64], seeds: NDArray[np.int64]) -> None:
        """Prepares new episodes, and compiles before any clock runs.

        Raises:
            AgentError: when the network was trained for another environment, or is damaged.
        """
        self._reflex.reset(spec, seeds)
        if self._sample is None:
            self._sample = spec.num_players == 1

    def act(
        self, rows: NDArray[np.int64], steps: TimeStep, clock: Clock | None = None
    ) -> Decisions:
        """Gives the likeliest legal action of each row, or one by chance; and the policy."""
        said = self._reflex.answer(steps)
        policy = softmax(said.actions, steps.action_mask)
        action = self._reflex.draw(rows, policy) if self._sample else policy.argmax(1)
        return Decisions(action, said.value, policy)
