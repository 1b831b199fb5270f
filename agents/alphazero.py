"""A player that learned by itself. Axes: `B` rows, `R` rows to move, `A` actions.

It searches on true rules. Every row has a tree of its own, so that a row gets the same moves in any
batch, and each search goes on with what the last one left. Nothing here needs PyTorch.
"""

from __future__ import annotations

import hashlib
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.base import AgentError, Clock, Decisions
from envs.base import EnvSpec, TimeStep
from muzero import weights
from muzero.compiled import compile_network
from muzero.gumbel import GumbelConfig
from muzero.models import RulesModel
from muzero.search import Searcher, SearchResult

_MOST = 100_000
_SLICE = 64
_ROOM = 4000
_MARGIN_S = 0.05
_VALUE_SCALE = 0.3
"""Of the search: sharper than in training, where it is to keep many moves alive."""


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
        if not 1 <= simulations <= _MOST:
            raise AgentError(f"{name} cannot take simulations={simulations}; choose 1 to {_MOST:,}")
        if seconds is not None and seconds <= 0:
            raise AgentError(f"{name} cannot take seconds={seconds:g}; choose more than 0")
        try:
            self._network = weights.unpack_network(data)
        except weights.CheckpointError as error:
            raise AgentError(f"{name}: {error}") from error
        self._name, self._seconds = name, seconds
        self._simulations = simulations if seconds is None else _SLICE
        self.max_batch: int | None = None if seconds is None else 1
        self.digest: str | None = hashlib.sha256(data).hexdigest()
        self._spec: EnvSpec | None = None
        self._model: RulesModel | None = None
        self._searchers: list[Searcher] = []

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
            try:
                network = compile_network(self._network, spec)
            except weights.CheckpointError as error:
                raise AgentError(f"{self._name}: {error}") from error
            self._model = RulesModel(spec, network)
        room = 4 * self._simulations if self._seconds is None else _ROOM
        config = GumbelConfig(self._simulations, gumbel_scale=0, value_scale=_VALUE_SCALE)
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
        found = [
            self._search(
                self._searchers[row], steps.observation[[i]], steps.action_mask[[i]], clock
            )
            for i, row in enumerate(rows)
        ]
        thoughts = [thought(result, 0) for result in found]
        action, value, policy, visits, q, line = zip(*thoughts, strict=True)
        return Decisions(
            np.array(action), np.array(value), np.stack(policy), np.stack(visits), np.stack(q), line
        )

    def _search(
        self, searcher: Searcher, observation: Any, mask: Any, clock: Clock | None
    ) -> SearchResult:
        """Searches once, or again and again until the time is over or nothing is open."""
        began = time.monotonic()
        result = searcher(observation, mask)
        if self._seconds is None:
            return result
        end = began + self._seconds
        if clock is not None:
            end = min(end, clock.deadline - _MARGIN_S)
        while True:
            now = time.monotonic()
            room = result.tree.nodes.shape[1] - int(result.tree.rows["size"][0])
            slice_s = (now - began) * _SLICE / max(int(result.tree.root("total")[0]), 1)
            if result.tree.root("proven")[0] or now + slice_s > end or room <= _SLICE:
                return result
            result = searcher(observation, mask)


def thought(result: SearchResult, row: int) -> tuple[Any, ...]:
    """Gives action, value, policy, visits, q and line of one row of a search."""
    tree, action = result.tree, int(result.action[row])
    policy = result.action_weights[row].copy()
    if tree.root("proven")[row]:
        policy[:] = np.arange(policy.size) == action
    visits = tree.root("visits")[row].astype(np.int64)
    known = (visits > 0) | (tree.root("ends")[row] > 0)
    q = np.where(known, tree.root("q")[row], np.nan)
    return action, float(result.value[row]), policy, visits, q, tree.line(row, action)
