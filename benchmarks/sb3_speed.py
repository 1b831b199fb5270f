"""Training steps a second on one core: PPO and DQN on Breakout, ours and plain Stable-Baselines3.

Both learn with rl_zoo3's hyper-parameters (the peer as rl_zoo3 runs it: `make_atari_env`,
`DummyVecEnv`), one after the other on the same core, in turns, so that whatever else runs slows
both. DQN is measured after its random beginning. A step is an action, four frames.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

ENV, PEER = "ALE/Breakout-v5@nature", "BreakoutNoFrameskip-v4"
TURNS = 3
SECONDS = 15.0
STARTS = 2_000
"""Random actions of DQN in place of 100,000, so that it begins to learn soon."""


def ours(kind: str, store: Path) -> Iterator[int]:
    """Gives the steps done, again and again, of our trainer with the preset `atari/KIND`."""
    from arena import training, training_kinds
    from arena.store import FolderStore
    from configs import loader

    config: Any = training.load(loader.preset("train", f"atari/{kind}")).train
    config = replace(config, barrier=config.env_steps)
    if kind == "dqn":
        config = replace(config, learning_starts=STARTS)
    trainer = training_kinds.find(kind)
    for progress in trainer.train(config, ENV, None, FolderStore(store), None, "cpu"):
        if progress.counters["learner_steps"]:
            yield progress.counters["env_steps"]


def peer(kind: str) -> Iterator[int]:
    """Gives the steps done, again and again, of Stable-Baselines3 as rl_zoo3 uses it."""
    import ale_py
    import gymnasium
    from stable_baselines3 import DQN, PPO
    from stable_baselines3.common.env_util import make_atari_env
    from stable_baselines3.common.vec_env import VecFrameStack

    gymnasium.register_envs(ale_py)
    env = VecFrameStack(make_atari_env(PEER, n_envs=8 if kind == "ppo" else 1, seed=0), 4)
    if kind == "ppo":
        model: Any = PPO(
            "CnnPolicy", env, n_steps=128, n_epochs=4, batch_size=256, learning_rate=2.5e-4,
            clip_range=0.1, vf_coef=0.5, ent_coef=0.01, device="cpu",
        )  # fmt: skip
        model._setup_learn(10_000_000)
        while True:
            model.collect_rollouts(model.env, _nothing(model), model.rollout_buffer, model.n_steps)
            model.train()
            yield model.num_timesteps
    model = DQN(
        "CnnPolicy", env, learning_rate=1e-4, batch_size=32, buffer_size=100_000,
        learning_starts=STARTS, target_update_interval=10_000, train_freq=4, gradient_steps=1,
        exploration_fraction=0.1, exploration_final_eps=0.1, device="cpu",
    )  # fmt: skip
    model._setup_learn(10_000_000)
    while True:
        for _ in range(64):
            model.collect_rollouts(
                model.env, _nothing(model), model.train_freq, model.replay_buffer, None, STARTS
            )
            if model.num_timesteps > STARTS:
                model.train(1, 32)
        if model.num_timesteps > STARTS:
            yield model.num_timesteps


def _nothing(model: Any) -> Any:
    return model._init_callback(None)


def speed(steps: Iterator[int]) -> float:
    """Gives steps a second over some time; `steps` goes on from where it is."""
    first, began = next(steps), time.perf_counter()
    while True:
        done, now = next(steps), time.perf_counter()
        if now - began > SECONDS:
            return (done - first) / (now - began)


def measured(kind: str, store: Path) -> dict[str, Any]:
    """Gives the medians of both, taken in turns, and their ratio."""
    both: list[Callable[[], Iterator[int]]] = [partial(ours, kind, store), partial(peer, kind)]
    walks = [make() for make in both]
    found = [[speed(walk) for walk in walks] for _ in range(TURNS)]
    mine, theirs = (sorted(column)[TURNS // 2] for column in zip(*found, strict=True))
    return {
        "ours": round(mine),
        "peer": round(theirs),
        "ratio": round(sorted(a / b for a, b in found)[TURNS // 2], 2),
    }


def main() -> None:
    """Measures and prints one JSON document."""
    core = min(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        found = {kind: measured(kind, Path(folder)) for kind in ("ppo", "dqn")}
    json.dump(
        {
            "name": "training steps a second on Breakout, one core",
            "peer_name": "Stable-Baselines3 with make_atari_env and DummyVecEnv",
            **found,
            "at_least": {"ppo": 2.0, "dqn": 1.7},
            "command": "python benchmarks/sb3_speed.py",
        },
        sys.stdout,
        indent=2,
    )
    print()


if __name__ == "__main__":
    main()
