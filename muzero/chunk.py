"""Chunks of self-play as jobs, which run in any process."""

from __future__ import annotations

import json
import time
from functools import lru_cache
from typing import Any, NamedTuple

import torch

from envs import registry
from muzero import architecture, memory, weights
from muzero.config import TrainConfig
from muzero.imagining import Imagining
from muzero.inference import Acting
from muzero.models import Model, RulesModel
from muzero.progress import Store
from muzero.selfplay import Selfplay
from muzero.stretches import Part, Stretches
from muzero.trajectory import unpack

_LIMIT_S = 1800.0
"""No chunk takes as long as that: they are made to take seconds."""


class Job(NamedTuple):
    """A chunk of self-play that is to be made."""

    env_id: str
    """The environment."""
    config: TrainConfig
    """How."""
    seed: int
    """Of the training."""
    number: int
    """Which chunk."""
    weights: str
    """Their name in the store."""
    store: Store
    """Where they are."""
    old: tuple[str, ...] = ()
    """Names of shards that are to be searched anew."""
    openings: str = ""
    """Name of the recorded games that games begin from; empty where there are none."""
    before: str = ""
    """Name of how its rows stand, which go on; empty where they begin."""

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of all objects of the store that the chunk reads."""
        named = (self.weights, *self.old, self.openings, self.before)
        return tuple(dict.fromkeys(name for name in named if name))

    def reading(self, store: Store) -> Job:
        """Gives the same job, which reads from another store."""
        return self._replace(store=store)


class Made(NamedTuple):
    """A chunk of self-play that was made."""

    shard: bytes
    """A packed trajectory."""
    again: tuple[tuple[str, bytes], ...]
    """Names of old shards and what became of them."""
    network_s: float
    """Seconds that the network took."""
    total_s: float
    """Seconds in all."""
    left: bytes = b""
    """How its rows stand where they go on, empty where they do not."""
    returns: tuple[float, ...] | None = None
    """Scores of the episodes that ended, in games for one."""


def acting(env_id: str, config: TrainConfig) -> tuple[Acting | Imagining, Model]:
    """Gives a network without weights and the model that a search sees in it."""
    spec = registry.spec(env_id)
    if config.learned:
        imagining = Imagining(spec, config.network)
        return imagining, imagining.model
    network = Acting()
    return network, RulesModel(spec, network)


@lru_cache(maxsize=1)
def _stage(env_id: str, config: TrainConfig) -> tuple[Acting | Imagining, Selfplay | Stretches]:
    """Gives the memory of self-play, kept from chunk to chunk of a process."""
    network, model = acting(env_id, config)
    if not config.selfplay.steps:
        return network, Selfplay(env_id, model, config.selfplay)
    view = architecture.view(registry.spec(env_id), config.network)
    return network, Stretches(env_id, model, config.selfplay, view)


def _played(job: Job, selfplay: Selfplay | Stretches) -> Made:
    """Gives a chunk without what is searched anew and without its time."""
    if isinstance(selfplay, Stretches):
        part = Part(job.seed, job.number, job.number % (job.config.lag + 1))
        before = job.store.get(job.before) if job.before else b""
        found = selfplay.play(part, before)
        return Made(found.trajectory.pack(), (), 0, 0, found.left, found.returns)
    recorded = json.loads(job.store.get(job.openings)) if job.openings else ()
    return Made(selfplay.play(job.seed, job.number, recorded).pack(), (), 0, 0)


def play_chunk(job: Job, report: Any) -> Made:
    """Gives a chunk of self-play; runs in any process, which hangs when it is late."""
    report(_LIMIT_S)
    began = time.perf_counter()
    torch.set_num_threads(1)
    memory.hold()
    network, selfplay = _stage(job.env_id, job.config)
    network.load(weights.unpack_network(job.store.get(job.weights)).arrays)
    made, again = _played(job, selfplay), list[tuple[str, bytes]]()
    for place, name in enumerate(job.old):
        old = unpack(job.store.get(name))
        again.append((name, selfplay.reanalyze(job.seed, job.number, old, place).pack()))
    took = time.perf_counter() - began
    return made._replace(again=tuple(again), network_s=network.seconds, total_s=took)
