"""A player that learned by itself and learned the rules, too. Axes: `B` rows, `A` actions.

It searches in its own model of the game; the true rules say only which actions are legal now.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.alphazero import thought
from agents.base import AgentError, Clock, Decisions
from envs.base import EnvSpec, TimeStep
from muzero import weights
from muzero.gumbel import GumbelConfig
from muzero.search import Searcher

_MOST = 100_000
_VALUE_SCALE = 0.3


class MuZeroPlayer:
    """Plays the game that its network was trained for, by Gumbel search without noise."""

    def __init__(self, name: str, data: bytes, *, simulations: int = 128) -> None:
        """Makes the player.

        Args:
            name: what people call it.
            data: its network, as `muzero.weights` reads it.
            simulations: of each move.

        Raises:
            AgentError: when an option is out of its range or the network cannot be used.
        """
        if not 1 <= simulations <= _MOST:
            raise AgentError(f"{name} cannot take simulations={simulations}; choose 1 to {_MOST:,}")
        try:
            self._network = weights.unpack_network(data)
        except weights.CheckpointError as error:
            raise AgentError(f"{name}: {error}") from error
        self._name, self._simulations = name, simulations
        self.max_batch: int | None = None
        self.digest: str | None = hashlib.sha256(data).hexdigest()
        self._model: Any = None
        self._searcher: Searcher | None = None

    def reset(self, spec: EnvSpec, seats: NDArray[np.int64], seeds: NDArray[np.int64]) -> None:
        """Prepares new episodes, and compiles before any clock runs.

        Raises:
            AgentError: when the network was trained for another environment.
        """
        if spec.id != self._network.env:
            raise AgentError(
                f"{self._name} plays {self._network.env} only, not {spec.id!r}; "
                "choose another player"
            )
        if self._model is None:
            from muzero.imagining import Imagining
            from muzero.network import NetworkConfig

            made = Imagining(spec, NetworkConfig(**self._network.about))
            made.load(self._network.arrays)
            self._model = made.model
        if self._searcher is None or self._searcher.num_rows < len(seats):
            config = GumbelConfig(self._simulations, gumbel_scale=0, value_scale=_VALUE_SCALE)
            self._searcher = Searcher(self._model, config, len(seats))

    def act(
        self, rows: NDArray[np.int64], steps: TimeStep, clock: Clock | None = None
    ) -> Decisions:
        """Searches the positions of all rows."""
        assert self._searcher is not None
        found = self._searcher(steps.observation, steps.action_mask)
        thoughts = [thought(found, row) for row in range(len(rows))]
        action, value, policy, visits, q, line = zip(*thoughts, strict=True)
        return Decisions(
            np.array(action), np.array(value), np.stack(policy), np.stack(visits), np.stack(q), line
        )
