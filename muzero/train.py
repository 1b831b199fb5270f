"""Training by self-play, as one loop. Axes: `L` rows of a batch.

On true rules (AlphaZero) the learner unrolls nothing; where it does, the model is learned (MuZero)
and the rules only say at the root what is legal.

Chunk i of self-play acts with weights version i - lag, where version n is what the learner has made
of chunks 0 to n - 1. So what is learned follows from the config, its seed and what it begins with,
whoever plays.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch

from envs import registry, seeding
from envs.base import EnvSpec
from muzero import architecture, checkpoint, imagining, memory, warm_start, weights
from muzero.checkpoint import Books
from muzero.chunk import Job, Made, acting, play_chunk
from muzero.config import TrainConfig
from muzero.consistency import Consistency
from muzero.erasing import NUMBERS, erase
from muzero.learner import Learner, rate
from muzero.limits import SearchConfigError
from muzero.network import has_columns
from muzero.news import News
from muzero.progress import Map, Progress, Store, WorkError
from muzero.search import Searcher
from muzero.selfplay import Games
from muzero.targets import Trace
from muzero.trajectory import Batch, TrajectoryBuffer, unpack


class Beginning(NamedTuple):
    """What a new training is handed beside its config."""

    network: weights.Network | None = None
    """Weights that it starts from; None = random ones."""
    games: Games = ()
    """Legal games from whose positions some of its own begin, see `SelfplayConfig`."""


def validate(config: TrainConfig, env_id: str) -> None:
    """Makes the network and the search once, so that what cannot work is refused at once.

    Raises:
        SearchConfigError: when the config does not fit the environment.
    """
    spec = registry.spec(env_id)
    _check_chunks(config, spec)
    if config.learner.mirror and not has_columns(spec):
        raise SearchConfigError(
            f"{spec.id} is no board with one action for each column, so it has no mirror image; "
            "set train.learner.mirror=false"
        )
    if config.learner.erased and architecture.view(spec, config.network).frames < 2:
        raise SearchConfigError(f"{spec.id} shows no pictures; set train.learner.erased=0")
    if spec.value_range != (-1.0, 1.0) and not config.network.categories:
        raise SearchConfigError(
            f"the returns of {spec.id} are not from -1 to 1; set network.categories, such as 51, "
            "and network.categories_limit"
        )
    network = architecture.make(spec, config.network)
    architecture.check(network, spec, config.network, config.learner.unroll)
    _, model = acting(env_id, config)
    Searcher(model, config.selfplay.search, 1, config.selfplay.keep)


def _check_chunks(config: TrainConfig, spec: EnvSpec) -> None:
    """Refuses chunks that do not fit the environment or the buffer.

    Raises:
        SearchConfigError: when they do not.
    """
    steps, alone = config.selfplay.steps, spec.num_players == 1
    if alone != bool(steps):
        raise SearchConfigError(
            f"selfplay.steps = {steps} does not fit {spec.id}: games for one are played in chunks "
            "of steps, such as 64, games for two in whole games, so 0"
        )
    view = architecture.view(spec, config.network)
    moments = config.selfplay.rows * (steps + view.frames)
    needed, limit = moments * view.kept, config.learner.buffer_mb << 20
    if needed > limit:
        raise SearchConfigError(
            f"learner.buffer_mb = {config.learner.buffer_mb} does not hold one chunk of "
            f"{moments:,} moments of {view.kept:,} bytes; give at least {-(-needed >> 20)}, or "
            "fewer rows or steps"
        )


def train(
    config: TrainConfig,
    env_id: str,
    map: Map,
    store: Store,
    state: Mapping[str, bytes] | Beginning | None = None,
    device: str = "cpu",
) -> Iterator[Progress]:
    """Trains, and gives a progress after every chunk.

    Args:
        config: how.
        env_id: what to learn; with `learner.unroll` 0 an environment whose spec has rules.
        map: runs self-play, such as `Executor.map`.
        store: of weights and experience.
        state: parts of a barrier to go on from, or what a new training is handed; None = nothing.
        device: where the learner computes, as PyTorch calls it.

    Raises:
        SearchConfigError: when the config does not fit the environment.
        CheckpointError: when the state, or the weights to start from, cannot be used.
        DivergedError: when a loss or its gradient is not finite.
        WorkError: when self-play fails.
    """
    validate(config, env_id)
    if state is None or isinstance(state, Beginning):
        run = _Run(config, env_id, store, device, state or Beginning())
    else:
        run = _Run(config, env_id, store, device, Beginning())
        run.restore(state)
    made = map(play_chunk, run.jobs(), config.lag + 1)
    for outcome in made:
        if outcome.status != "ok":
            raise WorkError(f"self-play ended by {outcome.status}: {outcome.value}")
        yield run.take(outcome.value)


class _Run:
    """The learner's side of a training."""

    def __init__(
        self, config: TrainConfig, env_id: str, store: Store, device: str, begin: Beginning
    ) -> None:
        memory.hold()
        torch.set_num_threads(1)  # a second one loses more on a busy machine than it gains
        self.config, self.store = config, store
        self.spec = registry.spec(env_id)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seeding.derive(config.seed, "network"))
            network = architecture.make(self.spec, config.network)
            if begin.network is not None:
                seed = seeding.derive(config.seed, "warm start")
                warm_start.load(network, begin.network, env_id, config.network, seed)
            consistency = self._consistency(network)
        scale = imagining.scale(config.network)
        rewards = imagining.reward_scale(config.network)
        self.learner = Learner(network, config.learner, device, scale, consistency, rewards)
        self.view = architecture.view(self.spec, config.network)
        self.buffer = TrajectoryBuffer(config.learner.buffer_mb << 20, self.view.frames)
        self.versions = [self._publish()]
        self.openings = store.put(json.dumps(begin.games).encode()) if begin.games else ""
        self.counters = {"env_steps": 0, "episodes": 0, "learner_steps": 0, "chunks": 0}
        if config.reanalyze:
            self.counters["reanalyzed"] = 0
        self.planned: list[tuple[str, ...]] = [()] * (config.lag + 1)
        discount = self.spec.discount * config.selfplay.decay
        self.rule = Trace(discount, 1.0, config.selfplay.n_step)
        self.rows = [""] * (config.lag + 1)
        self.news = News(self.spec, config.network.categories_limit)
        self._stream = seeding.derive(config.seed, "batch")

    def _consistency(self, network: Any) -> Consistency | None:
        if not (self.config.learner.consistency_weight and self.config.learned):
            return None
        network.eval()  # so that nothing is learned of empty observations
        with torch.no_grad():
            seen = architecture.view(self.spec, self.config.network).shape
            latent = network.representation(torch.zeros((2, *seen)))
        network.train()
        return Consistency(latent[0].numel())

    def _packed(self, kind: str) -> bytes:
        return checkpoint.pack_weights(self.learner.average, self.spec, self.config.network, kind)

    def _publish(self) -> str:
        """Puts the averaged weights into the store; gives their name."""
        return self.store.put(self._packed("float32"))

    def jobs(self) -> Iterator[Job]:
        """Gives the chunks that are still to be made; each is drawn when its weights are there."""
        config = self.config
        for index in range(self.counters["chunks"], config.chunks):
            behind = self.counters["chunks"] - max(0, index - config.lag)
            name = self.versions[-1 - behind]
            seed = seeding.derive(config.seed, "selfplay")
            old = self.planned[index - self.counters["chunks"]]
            begin = self.openings, self.rows[index % len(self.rows)]
            yield Job(self.spec.id, config, seed, index, name, self.store, old, *begin)

    def _old(self, index: int) -> tuple[str, ...]:
        """Gives the shards that are searched anew with chunk `index`, which is drawn now."""
        share = self.config.reanalyze
        taken = {name for names in self.planned[1:] for name in names}
        shards = [name for name in self.buffer.shards if name not in taken]
        count = min(int((index + 1) * share) - int(index * share), len(shards))
        stream = np.full(count, seeding.derive(self.config.seed, "old", index))
        chosen = (seeding.uniform(stream, np.arange(count)) * len(shards)).astype(int)
        return tuple(shards[place] for place in np.unique(chosen))

    def take(self, made: Made) -> Progress:
        """Learns from a chunk."""
        began = time.perf_counter()
        part = unpack(made.shard)
        keep = math.ceil(self.config.recent * (self.counters["chunks"] + 1))
        self.buffer.add(self.store.put(made.shard), part, max(keep, 1))
        for name, shard in made.again:
            if name in self.buffer.shards:  # else it was forgotten while it was searched
                searched = unpack(shard)
                self.buffer.replace(name, self.store.put(shard), searched)
                self.counters["reanalyzed"] += searched.actions
        if made.left:
            self.rows[self.counters["chunks"] % len(self.rows)] = self.store.put(made.left)
        self.counters["env_steps"] += part.actions
        self.counters["episodes"] += part.episodes if made.returns is None else len(made.returns)
        metrics = self._learn() | self.news.of(part, made)
        self.counters["chunks"] += 1
        self.planned = [*self.planned[1:], self._old(self.counters["chunks"] + self.config.lag)]
        self.versions = [*self.versions, self._publish()][-self.config.lag - 1 :]
        metrics["network_share"] = made.network_s / made.total_s
        metrics["selfplay_s"] = made.total_s
        metrics["learner_s"] = time.perf_counter() - began
        chunks = self.counters["chunks"]
        barrier = chunks % self.config.barrier == 0 or chunks == self.config.chunks
        counters = self.news.counters(self.counters)
        return Progress(counters, metrics, barrier, self._player, self._state, self._objects)

    def _learn(self) -> dict[str, float]:
        """Takes the steps that are due by the ratio of learning to acting; gives mean losses."""
        config, counters = self.config.learner, self.counters
        if self.buffer.size < config.first_moments:
            return {}
        due = int(counters["env_steps"] * config.replay_ratio / config.batch)
        sums: dict[str, float] = {}
        steps = due - counters["learner_steps"]
        lr = rate(config, counters["learner_steps"], counters["chunks"] / self.config.chunks)
        for step in range(counters["learner_steps"], due):
            batch, mirrored = self._sample(step, config.starts, config.unroll)
            roots = self._sample(step, config.roots, 0, "roots") if config.roots else None
            lr = rate(config, step, counters["chunks"] / self.config.chunks)
            with torch.random.fork_rng(devices=[]):
                self.learner.seed(seeding.derive(self._stream, "chance", step))
                found = self.learner.learn(batch, mirrored, lr, roots)
            for name, loss in found.items():
                sums[name] = sums.get(name, 0.0) + loss / steps
        counters["learner_steps"] = due
        return sums | {"learning_rate": lr}

    def _sample(self, step: int, rows: int, unroll: int, *what: str) -> tuple[Batch, Any]:
        """Gives moments to learn from, and which of them are mirrored."""
        stream = np.full(2 * rows, seeding.derive(self._stream, step, *what))
        chance = seeding.uniform(stream, np.arange(2 * rows))
        mirrored = self.config.learner.mirror & (chance[rows:] < 0.5)
        learner = self.config.learner
        alone = self.view.frames > 1 and not learner.consistency_weight
        fresh = self.rule if learner.fresh_values else None
        batch = self.buffer.sample(chance[:rows], unroll, 1 if alone else None, fresh)
        if learner.erased:
            numbers = np.full(rows * NUMBERS, seeding.derive(self._stream, step, *what, "erased"))
            drawn = seeding.uniform(numbers, np.arange(rows * NUMBERS)).reshape(rows, NUMBERS)
            erase(batch.observation, learner.erased, drawn)
        return batch, mirrored

    def _player(self) -> dict[str, bytes]:
        return {"weights.safetensors": self._packed("float16")}

    def _state(self) -> dict[str, bytes]:
        names = tuple(self.buffer.shards), tuple(self.versions), self.openings
        books = Books(dict(self.counters), *names, tuple(self.planned), tuple(self.rows))
        return checkpoint.pack_state(self.learner, books)

    def _objects(self) -> tuple[str, ...]:
        openings = tuple(name for name in (self.openings, *self.rows) if name)
        old = {name for names in self.planned for name in names} - {*self.buffer.shards}
        return (*openings, *sorted(old), *self.buffer.shards, *self.versions)

    def restore(self, state: Mapping[str, bytes]) -> None:
        """Goes on from a barrier.

        Raises:
            CheckpointError: when the state is not one of this config.
        """
        books = checkpoint.unpack_state(state, self.learner)
        self.counters = books.counters
        self.versions, self.openings = list(books.versions), books.openings
        self.planned = [tuple(names) for names in books.planned] or self.planned
        self.rows = list(books.rows) or self.rows
        for name in books.shards:
            self.buffer.add(name, unpack(self.store.get(name)))
