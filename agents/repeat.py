"""A player that does the same thing all the time. Axes: `B` rows, `R` rows to move, `A` actions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agents.base import AgentError, Clock, Decisions
from envs.base import EnvSpec, TimeStep


class RepeatPlayer:
    """Repeats one action in any environment; where it is illegal, the next legal one above it."""

    max_batch: int | None = None
    digest: str | None = None

    def __init__(self, *, action: int = 0) -> None:
        """Makes the player.

        Args:
            action: number of the action, from 0; in Atari games 0 does nothing.

        Raises:
            AgentError: when the number is below 0.
        """
        if action < 0:
            raise AgentError(f"repeat cannot take action={action}; choose one from 0 on")
        self._action = action

    def reset(self, spec: EnvSpec, seats: NDArray[np.int64], seeds: NDArray[np.int64]) -> None:
        """Checks that there is such an action.

        Raises:
            AgentError: when there is none.
        """
        if self._action >= spec.num_actions:
            raise AgentError(
                f"repeat cannot play action {self._action} in {spec.id}, which has "
                f"{spec.num_actions} actions; choose one from 0 to {spec.num_actions - 1}"
            )

    def act(
        self, rows: NDArray[np.int64], steps: TimeStep, clock: Clock | None = None
    ) -> Decisions:
        """Gives the action, or the next legal one above it, 0 coming after the last."""
        legal_from_it = np.roll(steps.action_mask, -self._action, axis=1)
        above = legal_from_it.argmax(axis=1)
        return Decisions((self._action + above) % legal_from_it.shape[1])
