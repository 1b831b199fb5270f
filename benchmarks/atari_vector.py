"""Atari steps a second on two cores, 16 games at once, against ale-py's vector env and envpool.

All play random actions, sticky, 84 x 84 x 4; a step is four frames. Ours begins each episode under
a seed of its own, the others reset themselves without. Rounds alternate, so that what else the
machine does hits all alike; the ratio is the median over rounds. One game alone is measured too,
against nothing but the emulator. envpool is compared if it can be imported (1.0.1 can, on Python
3.11: `pip install --no-deps envpool==1.0.1 dm-env optree`).
"""

from __future__ import annotations

import importlib.util
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from ale_py import AtariVectorEnv

from envs import atari, registry
from envs.atari_env import Atari
from envs.atari_vector import AtariVector

ROWS, CORES, SECONDS, ROUNDS = 16, 2, 0.7, 21
GAMES = ("pong", "breakout")

Side = Callable[[], int]


def steps_a_second(step: Side) -> float:
    """Gives the rate of calls, each of which plays so many steps."""
    began, played = time.perf_counter(), 0
    while (now := time.perf_counter()) < began + SECONDS:
        played += step()
    return played / (now - began)


def ours(game: str) -> Side:
    """Gives a step of the arena's `VectorEnv`."""
    env = AtariVector(registry.spec(game), ROWS, CORES)
    chance, everyone = np.random.default_rng(0), np.arange(ROWS)
    env.reset(everyone, everyone)
    seed = ROWS

    def step() -> int:
        nonlocal seed
        over = np.flatnonzero(env.step(chance.integers(0, env.spec.num_actions, ROWS)).last)
        if over.size:
            env.reset(over, seed + over)
            seed += ROWS
        return ROWS

    return step


def ale_py(game: str) -> Side:
    """Gives a step of ale-py's vector env."""
    env = AtariVectorEnv(
        game,
        ROWS,
        num_threads=CORES,
        noop_max=0,
        use_fire_reset=False,
        reward_clipping=False,
        repeat_action_probability=0.25,
    )
    return _peer(env, env.single_action_space.n, np.dtype(np.int64))


def envpool(game: str) -> Side:
    """Gives a step of envpool."""
    import envpool as pool

    env = pool.make(
        f"{game.title()}-v5",
        env_type="gymnasium",
        num_envs=ROWS,
        num_threads=CORES,
        noop_max=1,
        use_fire_reset=False,
        repeat_action_probability=0.25,
    )
    return _peer(env, env.action_space.n, np.dtype(np.int32))


def _peer(env: Any, num_actions: int, dtype: Any) -> Side:
    chance = np.random.default_rng(0)
    env.reset()

    def step() -> int:
        env.step(chance.integers(0, num_actions, ROWS).astype(dtype))
        return ROWS

    return step


def alone(game: str, picture: bool) -> Side:
    """Gives a step of one env, seen or not."""
    env = Atari(registry.spec(game))
    chance = np.random.default_rng(0)

    def step() -> int:
        action = int(chance.integers(env.spec.num_actions))
        if picture:
            env.step(action)
        else:
            env.play(action, picture=False)
        if env.terminated:
            env.reset(0)
        return 1

    return step


def emulator(game: str) -> Side:
    """Gives four frames of the emulator, and nothing else."""
    ale, chance = atari.load(game), np.random.default_rng(0)
    codes = [action.value for action in ale.getMinimalActionSet()]

    def step() -> int:
        code = codes[chance.integers(len(codes))]
        for _ in range(4):
            ale.act(code)
        if ale.game_over():
            ale.reset_game()
        return 1

    return step


def compare(game: str) -> dict[str, Any]:
    """Gives the rates of a game and ours as ratios to theirs."""
    sides = {"ours": ours(game), "ale_py": ale_py(game)}
    if importlib.util.find_spec("envpool"):
        sides["envpool"] = envpool(game)
    single = {
        "alone": alone(game, True),
        "alone_unseen": alone(game, False),
        "emulator": emulator(game),
    }
    rounds = [
        {name: steps_a_second(side) for name, side in {**sides, **single}.items()}
        for _ in range(ROUNDS)
    ]
    report = {name: round(statistics.median(r[name] for r in rounds)) for name in rounds[0]}
    peers = [name for name in sides if name != "ours"]
    ratios = {
        f"ratio_{name}": round(statistics.median(r["ours"] / r[name] for r in rounds), 2)
        for name in peers
    }
    seen = {
        f"{name}_of_emulator": round(statistics.median(r[name] / r["emulator"] for r in rounds), 2)
        for name in ("alone", "alone_unseen")
    }
    return {**report, **ratios, **seen, "ratio": min(ratios.values())}


if __name__ == "__main__":
    games = {game: compare(game) for game in GAMES}
    worst = min(GAMES, key=lambda game: games[game]["ratio"])
    json.dump(
        {
            "name": f"Atari steps per second, {ROWS} games on {CORES} cores, {', '.join(GAMES)}",
            "ours": games[worst]["ours"],
            "peer_name": "the faster of ale-py's AtariVectorEnv and envpool, threads",
            "ratio": games[worst]["ratio"],
            "games": games,
            "cores": len(os.sched_getaffinity(0)),
            "at_least": {"ratio": 0.95},
            "command": "python benchmarks/atari_vector.py",
        },
        sys.stdout,
        indent=2,
    )
    print()
