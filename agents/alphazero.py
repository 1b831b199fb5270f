"""A player that learned by itself. Axes: `B` rows, `R` rows to move, `A` actions.

It searches on true rules. Every row has a tree of its own, so that a row gets the same moves in any
batch, and each search goes on with what the last one left. Nothing here needs PyTorch.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents import searching
from agents.base import AgentError, Clock, Decisions
from envs.base import EnvSpec, TimeStep
from muzero.compiled import compile_network
from muzero.models import RulesModel
from muzero.search import Searcher, SearchResult
from muzero.weights import CheckpointError

_SLICE = 64
_ROOM = 4000


class AlphaZeroPlayer:
    """Plays the game that its network was trained for, by Gumbel search without noise."""

    def __init__(
        self, name: str, data: bytes, *, simulations: int = 200, seconds: float | None = None
    ) -> None:
        """Makes the player.

        Args:
            name: what people call it.
            data: its network, as `muzero.weights` reads it.
            simulations: of each move.
            seconds: of each move, in place of a number of simulations.

        Raises:
            AgentError: when an option is out of its range or the network cannot be used.
        """
        self._made = searching.make(name, data, simulations, seconds)
        self._simulations = simulations if seconds is None else _SLICE
        self.max_batch: int | None = self._made.max_batch
        self.digest: str | None = self._made.digest
        self._model: RulesModel | None = None
        self._searchers: list[Searcher] = []

    def reset(self, spec: EnvSpec, seats: NDArray[np.int64], seeds: NDArray[np.int64]) -> None:
        """Prepares new episodes, and compiles before any clock runs.

        Raises:
            AgentError: when the network was trained for another environment, or is damaged.
        """
        self._made.check_env(spec)
        if self._model is None:
            try:
                self._model = RulesModel(spec, compile_network(self._made.network, spec))
            except CheckpointError as error:
                raise AgentError(f"{self._made.name}: {error}") from error
        room = 4 * self._simulations if self._made.seconds is None else _ROOM
        config = searching.for_play(self._simulations)
        while len(self._searchers) < len(seats):
            self._searchers.append(Searcher(self._model, config, 1, room))
        for searcher in self._searchers:
            searcher.tree.rows["size"] = 0
        blank = np.zeros((1, *spec.observation_shape), np.uint8)
        self._searchers[0](blank, np.ones((1, spec.num_actions), np.bool_))
        self._searchers[0].tree.rows["size"] = 0

    def act(
        self, rows: NDArray[np.int64], steps: TimeStep, clock: Clock | None = None
    ) -> Decisions:
        """Searches the position of each row, one after the other."""
        return searching.decisions(
            searching.thought(
                self._search(
                    self._searchers[row], steps.observation[[i]], steps.action_mask[[i]], clock
                )
            )
            for i, row in enumerate(rows)
        )

    def _search(
        self, searcher: Searcher, observation: Any, mask: Any, clock: Clock | None
    ) -> SearchResult:
        """Searches once, or again and again until the time is over or nothing is open."""
        if self._made.seconds is None:
            return searcher(observation, mask)
        began, end = time.monotonic(), searching.due(self._made.seconds, clock)
        while True:
            result = searcher(observation, mask)
            now = time.monotonic()
            room = result.tree.nodes.shape[1] - int(result.tree.rows["size"][0])
            slice_s = (now - began) * _SLICE / max(int(result.tree.root("total")[0]), 1)
            if result.tree.root("proven")[0] or now + slice_s > end or room <= _SLICE:
                return result
