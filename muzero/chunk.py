"""Chunks of self-play as jobs, which run in any process."""

from __future__ import annotations

import json
import time
from functools import lru_cache
from typing import Any, NamedTuple

import torch

from envs import registry
from muzero import memory, weights
from muzero.config import TrainConfig
from muzero.imagining import Imagining
from muzero.inference import Acting
from muzero.models import Model, RulesModel
from muzero.progress import Store
from muzero.selfplay import Selfplay
from muzero.trajectory import unpack


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


def acting(env_id: str, config: TrainConfig) -> tuple[Acting | Imagining, Model]:
    """Gives a network without weights and the model that a search sees in it."""
    spec = registry.spec(env_id)
    if config.learned:
        imagining = Imagining(spec, config.network)
        return imagining, imagining.model
    network = Acting()
    return network, RulesModel(spec, network)


@lru_cache(maxsize=1)
def _stage(env_id: str, config: TrainConfig) -> tuple[Acting | Imagining, Selfplay]:
    """Gives the memory of self-play, kept from chunk to chunk of a process."""
    network, model = acting(env_id, config)
    return network, Selfplay(env_id, model, config.selfplay)


def play_chunk(job: Job, report: Any) -> Made:
    """Gives a chunk of self-play; runs in any process."""
    began = time.perf_counter()
    torch.set_num_threads(1)
    memory.hold()
    network, selfplay = _stage(job.env_id, job.config)
    network.load(weights.unpack_network(job.store.get(job.weights)).arrays)
    recorded = json.loads(job.store.get(job.openings)) if job.openings else ()
    shard = selfplay.play(job.seed, job.number, recorded).pack()
    again = []
    for place, name in enumerate(job.old):
        old = unpack(job.store.get(name))
        again.append((name, selfplay.reanalyze(job.seed, job.number, old, place).pack()))
    return Made(shard, tuple(again), network.seconds, time.perf_counter() - began)
