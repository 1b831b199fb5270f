"""A player that learned by itself and learned the rules, too. Axes: `R` rows to move, `A` actions.

It searches in its own model of the game; the true rules say only which actions are legal now. The
built-in networks of boards are kernels, so nothing here needs PyTorch; any other network does.
"""

from __future__ import annotations

import textwrap
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents import searching
from agents.base import AgentError, Clock, Decisions
from agents.searching import Thought
from envs.base import EnvSpec, TimeStep
from muzero.compiled_boards import compile_boards
from muzero.compiled_model import compile_model
from muzero.evaluate import NetworkError
from muzero.limits import SearchConfigError
from muzero.models import LearnedModel
from muzero.moves import streams_of
from muzero.noise import Noise, gumbel
from muzero.search import Searcher
from muzero.weights import CheckpointError, Network

_ROOM = 4000
"""Most simulations of a move by time."""
_KERNELS = {"board-model": compile_model, "predicted-board": compile_boards}
"""Networks that need no PyTorch, and what compiles their folded weights."""
_TRIAL = 64
_ROWS = 8
"""Games for one that are searched at once; always as many, so that each gets the same anywhere."""
_ROUND = 32
"""Simulations by time come in steps, for the search keeps a plan for each number of them."""


class MuZeroPlayer:
    """Plays the game that its network was trained for, by Gumbel search.

    All rows share one searcher, since a search in a model keeps nothing for the next. Games for
    one are searched several at once.
    """

    def __init__(
        self,
        name: str,
        data: bytes,
        *,
        simulations: int = 128,
        seconds: float | None = None,
        noise: float = 0.0,
    ) -> None:
        """Makes the player.

        Args:
            name: what people call it.
            data: its network, as `muzero.weights` reads it.
            simulations: of each move.
            seconds: of each move, in place of a number of simulations.
            noise: weight of the Gumbel noise of the root: 0 plays for points, with 1 actions are
                drawn by the improved policy, as while it learned.

        Raises:
            AgentError: when an option is out of its range or the network cannot be used.
        """
        if noise < 0:
            raise AgentError(f"{name} cannot take noise={noise:g}; choose at least 0")
        self._noise, self._seeds, self._ply = noise, np.zeros(0, np.int64), np.zeros(0, np.int64)
        self._made = searching.make(name, data, simulations, seconds)
        self._simulations = simulations if seconds is None else _ROOM
        self.max_batch: int | None = self._made.max_batch
        self.digest: str | None = self._made.digest
        self._searcher: Searcher | None = None
        self._simulation_s = 0.0

    def reset(self, spec: EnvSpec, seats: NDArray[np.int64], seeds: NDArray[np.int64]) -> None:
        """Prepares new episodes, compiles before any clock runs, and measures the speed.

        Raises:
            AgentError: when the network was trained for another environment, is damaged or cannot
                be imported.
        """
        self._made.check_env(spec)
        self._seeds, self._ply = seeds, np.zeros_like(seeds)
        blank = np.zeros((1, *spec.observation_shape), np.uint8)
        mask = np.ones((1, spec.num_actions), np.bool_)
        try:
            if self._searcher is None:
                self._searcher = self._prepared(spec)
                self._search(blank, mask, 1)
            if self._made.seconds is not None:
                self._simulation_s = self._search(blank, mask, _TRIAL)[1]
        except (CheckpointError, NetworkError, SearchConfigError) as error:
            raise AgentError(f"{self._made.name}: {error}") from error

    def act(
        self, rows: NDArray[np.int64], steps: TimeStep, clock: Clock | None = None
    ) -> Decisions:
        """Searches the position of each row, one after the other, or some at once."""
        assert self._searcher is not None, "reset comes first"
        drawn = self._drawn(rows)
        if self._searcher.num_rows > 1:
            return searching.decisions(self._side_by_side(steps, drawn))
        return searching.decisions(
            self._think(steps.observation[[i]], steps.action_mask[[i]], drawn[[i]], clock)
            for i in range(len(rows))
        )

    def _drawn(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Gives the noise of the next move of each row, `float32[R, A]`, by episode and move."""
        assert self._searcher is not None
        actions = self._searcher.model.num_actions
        if not self._noise:
            return np.zeros((len(rows), actions), np.float32)
        streams = streams_of(self._seeds[rows], self._ply[rows])
        self._ply[rows] += 1
        return np.float32(self._noise) * gumbel(streams, 0, actions)

    def _prepared(self, spec: EnvSpec) -> Searcher:
        """Gives the searcher. Raises as `_model`."""
        alone = spec.num_players == 1
        rows = _ROWS if alone and self._made.seconds is None else 1
        config = (searching.alone if alone else searching.for_play)(self._simulations)
        config = replace(config, gumbel_scale=float(self._noise > 0))
        model = _model(self._made.network, spec, rows * (self._simulations + 1))
        return Searcher(model, config, rows)

    def _side_by_side(self, steps: TimeStep, drawn: NDArray[np.float32]) -> Iterator[Thought]:
        """Gives what searches of `_ROWS` rows say; those that lack are the first one's again."""
        assert self._searcher is not None
        for first in range(0, len(steps.observation), _ROWS):
            some = np.arange(first, min(first + _ROWS, len(steps.observation)))
            rows = np.concatenate([some, np.full(_ROWS - len(some), first)])
            noise = Noise(drawn[rows])
            result = self._searcher(steps.observation[rows], steps.action_mask[rows], noise)
            yield from (searching.thought(result, place) for place in range(len(some)))

    def _think(self, observation: Any, mask: Any, drawn: Any, clock: Clock | None) -> Thought:
        """Searches one position, with as many simulations as the options or the time allow."""
        if self._made.seconds is None:
            return self._search(observation, mask, self._simulations, drawn)[0]
        found, simulation_s = self._search(observation, mask, self._affordable(clock), drawn)
        if found.visits.sum() >= _ROUND:
            self._simulation_s = simulation_s
        return found

    def _search(
        self, observation: Any, mask: Any, simulations: int, drawn: Any = None
    ) -> tuple[Thought, float]:
        """Gives what a search says, and the seconds that a simulation took."""
        assert self._searcher is not None, "reset comes first"
        began = time.perf_counter()
        budget = np.array([min(simulations, self._simulations)])
        result = self._searcher(observation, mask, Noise(drawn), budget)
        took = time.perf_counter() - began
        return searching.thought(result), took / max(int(result.tree.rows["done"][0]), 1)

    def _affordable(self, clock: Clock | None) -> int:
        """Gives how many simulations there is time for.

        They use up to half of what is left to a deadline, for a search cannot be broken off.
        """
        assert self._made.seconds is not None
        left = self._made.seconds
        if clock is not None:
            left = min(left, (searching.due(np.inf, clock) - time.monotonic()) / 2)
        count = min(int(left / self._simulation_s), _ROOM)
        return count - count % _ROUND if count > _ROUND else max(count, 1)


def needs_torch(network: Network) -> bool:
    """Says whether a network is none of those that are kernels here."""
    name = str(network.about.get("name", ""))
    return ":" in name or not network.arrays.keys() & {"stem.weight", "step.bias"}


def _model(network: Network, spec: EnvSpec, capacity: int) -> LearnedModel:
    """Gives a network as a search takes it; see `muzero.models.LearnedModel.capacity`.

    Raises:
        CheckpointError: when the weights are of another network, or it cannot be made.
        SearchConfigError: when there is no such network, or it cannot play the environment.
    """
    if not needs_torch(network):
        name = str(network.about.get("name", ""))
        return _KERNELS.get(name, compile_model)(network, spec, capacity)
    from muzero import architecture
    from muzero.imagining import Imagining
    from muzero.network import NetworkConfig

    try:
        config = NetworkConfig(**network.about)
        made, view = Imagining(spec, config), architecture.view(spec, config)
        made.load(network.arrays)
        made.model.initial(np.zeros((1, *view.shape), np.uint8))
    except (CheckpointError, SearchConfigError):
        raise
    except Exception as error:  # from a module of a user's own, anything can come
        said = textwrap.shorten(f"{type(error).__name__}: {error}", 200)
        raise CheckpointError(
            f"its network cannot be used ({said}); mend its module or choose another player"
        ) from error
    return replace(made.model, initial=lambda seen: made.model.initial(view.see(seen)))
