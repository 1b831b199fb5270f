"""Trainings by algorithms of Stable-Baselines3, as one loop from barrier to barrier.

The algorithm is theirs: it is set up once, then collects and learns when this loop says so. At a
barrier, whether the training goes on or is resumed, rows begin anew, whom they meet is chosen anew
and statistics are forgotten; all chance is a hash of the seed and of what was done. So a stop, of
whatever kind, changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch

from agents import sb3_networks, sb3_state, selfplay
from agents.base import Player
from agents.checkpoint import WEIGHTS
from agents.sb3_rows import Rows
from agents.selfplay import Other, Play, Starts
from agents.solo_play import Alone, mean_picture
from envs import registry, seeding
from envs.base import EnvSpec, VectorEnv
from muzero import memory
from muzero.progress import Progress, Store


@dataclass(frozen=True)
class Algorithm:
    """What the loop must know of an algorithm; `config` is that of its training.

    A config has `env_steps`, `barrier`, `seed`, `rows`, `gamma`, `mirror`, `network`, and `pool`
    and `solo` for games of two and of one.
    """

    make: Callable[[Any, EnvSpec, Rows, str], Any]
    """`make(config, spec, rows, device)`: gives the model, as Stable-Baselines3 calls it."""
    begin: Callable[[Any, Rows], None]
    """`begin(model, rows)`: tells the model that rows have begun anew."""
    work: Callable[[Any, Any, Any], None]
    """`work(model, config, callback)`: collects and learns for a while, always as long."""
    play: Callable[[VectorEnv, Starts, float, Other | None], Play]
    """`play(env, starts, gamma, other)`: gives rows in which somebody is met; None = itself."""
    player: Callable[[str, bytes], Player]
    """`player(name, data)`: gives a past self that draws its actions."""
    network: Callable[[Any], Any]
    """`network(model)`: gives the network that plays."""
    learner_steps: Callable[[Any, Any], int]
    """`learner_steps(model, config)`: gives the steps that the optimiser has taken."""
    save: Callable[[Any, Store], dict[str, Any]]
    """`save(model, store)`: gives what must be noted beside parameters; `objects` are the names of
    what was put into the store."""
    load: Callable[[Any, Any, Mapping[str, Any], Store], None]
    """`load(model, config, books, store)`: takes back what `save` gave."""


def validate(config: Any, env_id: str) -> None:
    """Refuses what cannot be trained.

    Raises:
        ConfigError: when there is no network for the environment.
        AgentError: when an opponent cannot be made.
    """
    spec = registry.spec(env_id)
    sb3_networks.make(spec, config.network)
    if spec.num_players == 2:
        selfplay.others(config.pool, config.rows, (), 0)


def train(
    algorithm: Algorithm,
    config: Any,
    env_id: str,
    store: Store,
    state: Mapping[str, bytes] | None,
    device: str,
) -> Iterator[Progress]:
    """Trains, and gives a progress each time that it has learned.

    Args:
        algorithm: by which.
        config: how.
        env_id: what to learn.
        store: of past selves and experience.
        state: parts of a barrier to go on from; None = from nothing.
        device: where the learner computes, as PyTorch calls it.

    Raises:
        ConfigError: when the config does not fit the environment.
        CheckpointError: when the state cannot be used.
        DivergedError: when a loss or a weight is not finite.
    """
    validate(config, env_id)
    run = _Run(algorithm, config, registry.spec(env_id), store, device)
    if state is not None:
        run.restore(state)
    while run.steps < config.env_steps:
        yield run.go_on()


class _Run:
    """A training."""

    def __init__(
        self, algorithm: Algorithm, config: Any, spec: EnvSpec, store: Store, device: str
    ) -> None:
        memory.hold()
        torch.set_num_threads(1)  # a second one loses more on a busy machine than it gains
        self.algorithm, self.config, self.spec, self.store = algorithm, config, spec, store
        self.past = list[str]()
        self.episodes = 0
        self.books = dict[str, Any]()
        self.rows = self._rows(0)
        with sb3_state.seeded(config.seed, "network"):
            self.model = algorithm.make(config, spec, self.rows, device)
        if config.network.mean_steps and spec.num_players == 1:
            mean = mean_picture(self._solo, config.network.mean_steps, config.seed)
            sb3_networks.centre(self.model.policy, mean)
        self.curves = sb3_state.curves(self.model)
        self._callback = self.model._setup_learn(config.env_steps)[1]
        self._at_barrier = True

    @property
    def steps(self) -> int:
        """Actions of the learner so far."""
        return int(self.model.num_timesteps)

    def go_on(self) -> Progress:
        """Collects and learns for a while."""
        began, before = time.perf_counter(), self.steps
        if self._at_barrier:
            self._begin()
        ended = self.rows.episodes
        with sb3_state.seeded(self.config.seed, "chance", before):
            self.algorithm.work(self.model, self.config, self._callback)
        self.episodes += self.rows.episodes - ended
        size, over = self.config.barrier, self.steps >= self.config.env_steps
        self._at_barrier = over or self.steps // size > before // size
        if self._at_barrier:
            if self.spec.num_players == 2:
                self.past = [*self.past, self.store.put(self._weights())]
                self.past = self.past[-self.config.pool.past :]
            self.books = self.algorithm.save(self.model, self.store)
        metrics = self._metrics((self.steps - before) / (time.perf_counter() - began))
        return Progress(
            self._counters(), metrics, self._at_barrier, self._player, self._state, self._objects
        )

    def _begin(self) -> None:
        """Begins at a barrier: what rows went through before is forgotten."""
        self.rows = self._rows(self.steps)
        self.model.set_env(self.rows)
        self.model._last_obs = self.rows.reset()
        self.model._last_episode_starts = np.ones(self.config.rows, np.bool_)
        self.model.ep_info_buffer.clear()
        self.algorithm.begin(self.model, self.rows)

    def _rows(self, steps: int) -> Rows:
        """Gives rows that begin after so many steps, with whom they meet until the next barrier."""
        config, spec = self.config, self.spec

        def seed(role: str) -> int:
            return seeding.derive(config.seed, role, steps)

        def play(rows: int, name: str, other: Other | None) -> Play:
            starts = Starts(spec.id, seed(f"starts {name}"), config.pool.random_plies)
            env = registry.make_vector(spec.id, rows)
            return self.algorithm.play(env, starts, config.gamma, other)

        if spec.num_players == 1:
            alone = Alone(self._solo, config.solo, seed("episodes"), config.gamma)
            return Rows(spec, [alone], seed("mirror"), False)
        makers = [partial(self._past, name) for name in self.past]
        found = selfplay.others(config.pool, config.rows, makers, seed("pool"))
        plays = [play(other.rows, other.name, other) for other in found]
        if rest := config.rows - sum(other.rows for other in found):
            plays.append(play(rest, "itself", None))
        mirror = config.mirror and sb3_networks.has_columns(spec)
        return Rows(spec, plays, seed("mirror"), mirror)

    @cached_property
    def _solo(self) -> VectorEnv:
        """Rows of a game for one: an episode begins in them whatever was before."""
        return registry.make_vector(self.spec.id, self.config.rows)

    def _past(self, name: str) -> Player:
        return self.algorithm.player("a past self", self.store.get(name))

    def _metrics(self, speed: float) -> dict[str, float]:
        """Gives what the algorithm logs, and ours: mean returns by opponent, and the speed.

        Raises:
            DivergedError: when a loss or a weight is not finite.
        """
        self.model.dump_logs()
        metrics = sb3_state.checked(self.curves.take(), self.model)
        returns = self.rows.returns.items()
        metrics |= {f"return/{name}": float(np.mean(found)) for name, found in returns}
        return metrics | {"time/fps": speed}

    def _counters(self) -> dict[str, int]:
        learned = self.algorithm.learner_steps(self.model, self.config)
        found = {"env_steps": self.steps, "episodes": self.episodes, "learner_steps": learned}
        if skip := self.spec.options.get("frame_skip"):
            found["frames"] = self.steps * int(skip)
        return found

    def _weights(self) -> bytes:
        network = self.algorithm.network(self.model)
        return sb3_networks.pack(network, self.spec, self.config.network)

    def _player(self) -> dict[str, bytes]:
        return {WEIGHTS: self._weights()}

    def _state(self) -> dict[str, bytes]:
        return sb3_state.pack(self.model, {**self._counters(), "past": self.past, **self.books})

    def _objects(self) -> tuple[str, ...]:
        return (*self.past, *self.books.get("objects", ()))

    def restore(self, state: Mapping[str, bytes]) -> None:
        """Goes on from a barrier.

        Raises:
            CheckpointError: when the state is not one of this config.
        """
        books = sb3_state.unpack(self.model, state)
        self.model.num_timesteps, self.episodes = books["env_steps"], books["episodes"]
        self.past = list(books["past"])
        left = 1 - self.steps / self.config.env_steps
        self.model._current_progress_remaining = left
        self.algorithm.load(self.model, self.config, books, self.store)
