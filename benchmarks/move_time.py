"""A move of one game by the zoo's player, 200 simulations on one core, in milliseconds."""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import torch

from agents import checkpoint, registry, trained
from envs import registry as envs
from muzero import weights
from muzero.gumbel import GumbelConfig
from muzero.inference import Acting
from muzero.models import RulesModel
from muzero.search import Searcher

AGENT, SIMULATIONS, OPENINGS = "zoo/connectx-alphazero", 200, 4
POSITIONS = 40


def ours(starts: list[tuple[int, ...]]) -> list[float]:
    """Gives the milliseconds of the player's first move in each game."""
    player = registry.make(f"{AGENT}:simulations={SIMULATIONS}")
    env, one = envs.make_vector("connectx", 1), np.zeros(1, np.int64)
    times = []
    for start in starts:
        step = env.reset(one, one, [start])
        player.reset(env.spec, one, one)
        began = time.process_time()
        player.act(one, step)
        times.append(1000 * (time.process_time() - began))
    return times


def peer(starts: list[tuple[int, ...]]) -> list[float]:
    """Gives the same of a search that asks PyTorch for one position at a time."""
    torch.set_num_threads(1)
    data = checkpoint.read(trained.ZOO / AGENT.removeprefix("zoo/"), checkpoint.WEIGHTS)
    network = Acting()
    network.load(weights.unpack_network(data).arrays)
    model = RulesModel(envs.spec("connectx"), network)
    searcher = Searcher(model, GumbelConfig(SIMULATIONS, gumbel_scale=0, value_scale=0.3), 1)
    env, one = envs.make_vector("connectx", 1), np.zeros(1, np.int64)
    times = []
    for start in starts:
        step = env.reset(one, one, [start])
        began = time.process_time()
        searcher(step.observation, step.action_mask)
        times.append(1000 * (time.process_time() - began))
    return times


def main() -> None:
    """Measures and prints one JSON document."""
    starts = envs.openings("connectx", OPENINGS)[:POSITIONS]
    own, others = (float(np.median(measure(starts)[1:])) for measure in (ours, peer))
    json.dump(
        {
            "name": f"a move of one game, {SIMULATIONS} simulations, milliseconds of one core",
            "ours": round(own, 1),
            "peer": round(others, 1),
            "peer_name": "the same search with PyTorch's network, one position a call",
            "ratio": round(others / own, 1),
            "at_most": {"ours": 60},
            "command": "python benchmarks/move_time.py",
        },
        sys.stdout,
        indent=2,
    )
    print()


if __name__ == "__main__":
    main()
