"""MuZero from nothing: what it must be able to learn within minutes."""

import numpy as np
import pytest

from agents.muzero import MuZeroPlayer
from arena import training
from configs import loader
from envs import registry
from envs.seeding import derive
from muzero.train import train


def returns(progress, env_id, episodes, simulations):
    """Gives the returns of greedy episodes of the player."""
    player = MuZeroPlayer("it", progress.player()["weights.safetensors"], simulations=simulations)
    env, every = registry.make_vector(env_id, episodes), np.arange(episodes)
    seeds = np.array([derive("solved", int(row)) for row in every])
    player.reset(env.spec, np.zeros(episodes, np.int64), seeds)
    now, found = env.reset(every, seeds), np.zeros(episodes)
    while not now.last.all():
        rows, actions = np.flatnonzero(~now.last), np.zeros(episodes, np.int64)
        actions[rows] = player.act(rows, now.take(rows)).action
        now = env.step(actions)
        found += now.rewards[:, 0]
    return found


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("env_id", "least"), [("catch", 0.9), ("cartpole", 400)])
def test_small_games_are_solved_by_their_presets(alone, env_id, least):
    config = training.load(loader.preset("train", f"{env_id}/muzero")).train
    *_, last = train(config, env_id, alone.map, alone.store())
    assert returns(last, env_id, 20, 8).mean() >= least
