"""Trainings by Stable-Baselines3: a stop changes nothing, and nothing illegal is ever tried."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from agents import dqn, ppo, sb3_networks, sb3_state
from agents.checkpoint import WEIGHTS
from agents.dqn import DqnConfig
from agents.ppo import PpoConfig
from agents.sb3_networks import NetworkConfig
from agents.sb3_rows import Rows
from agents.selfplay import BothSeats, PoolConfig, Starts
from configs.loader import ConfigError
from envs import registry
from envs.base import EnvSpec
from muzero.learner import DivergedError
from muzero.limits import SearchConfigError
from muzero.weights import CheckpointError

ENV = "connectx-4x4x3"
NETWORK = NetworkConfig(channels=4, blocks=1, column_channels=4, hidden=4)
POOL = PoolConfig(("random", "one-ply"), 0.25, 0.25, past=2, random_plies=3)
PPO = PpoConfig(
    env_steps=768, barrier=256, rows=16, rollout=8, epochs=2, batch=64, network=NETWORK, pool=POOL
)
DQN = DqnConfig(
    env_steps=1024, barrier=256, rows=16, batch=32, buffer=512, learning_starts=128,
    target_every=128, network=NETWORK, pool=POOL, epsilon_fraction=0.5,
)  # fmt: skip
BOTH = pytest.mark.parametrize(
    ("trainer", "config"), [(ppo.TRAINER, PPO), (dqn.TRAINER, DQN)], ids=["ppo", "dqn"]
)


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(dqn, "_PROGRESS", 64)


def run(trainer, config, store, state=None, stop=None, env=ENV):
    """Trains, on a small board unless told otherwise; gives what it yields up to a barrier."""
    found = []
    for progress in trainer.train(config, env, None, store, state, "cpu"):
        found.append((dict(progress.counters), dict(progress.metrics), progress.barrier))
        np.random.rand(3)  # whoever watches may draw, too
        torch.rand(3)
        if progress.barrier:
            parts = {**progress.player(), **progress.state()}
            if progress.counters["env_steps"] == stop:
                break
    return found, parts, progress.objects()


@BOTH
def test_a_training_that_was_stopped_ends_as_if_it_had_not_been(store, trainer, config):
    whole, parts, objects = run(trainer, config, store)
    _, at_stop, needed = run(trainer, config, store, stop=512)
    kept = type(store)({name: store[name] for name in needed})
    resumed, again, kept_objects = run(trainer, config, kept, at_stop)
    assert again == parts, "weights, optimiser and counters, bit by bit"
    assert kept_objects == objects
    untimed = [
        [{k: v for k, v in metrics.items() if k != "time/fps"} for _, metrics, _ in part]
        for part in (whole[-len(resumed) :], resumed)
    ]
    assert untimed[0] == untimed[1]
    other = run(trainer, replace(config, seed=1), store)[1]
    assert other[WEIGHTS] != parts[WEIGHTS]


@BOTH
def test_progress_counts_and_says_what_the_algorithm_logs(store, trainer, config):
    found, parts, objects = run(trainer, config, store)
    counters, metrics, barrier = found[-1]
    assert counters["env_steps"] == config.env_steps
    assert counters["episodes"] > 50
    assert counters["learner_steps"] > 20
    assert barrier
    assert [c["env_steps"] for c, _, b in found if b] == list(range(256, config.env_steps + 1, 256))
    assert {"train/loss", "rollout/ep_rew_mean", "return/one-ply", "return/past 1"} <= set(metrics)
    assert len(json.loads(parts["books.json"])["past"]) == 2
    assert set(objects) <= set(store)


@BOTH
def test_a_state_of_another_network_is_refused(store, trainer, config):
    parts = run(trainer, config, store, stop=256)[1]
    other = replace(config, network=replace(NETWORK, channels=8))
    with pytest.raises(CheckpointError, match="the state is of another network"):
        run(trainer, other, store, parts)
    with pytest.raises(CheckpointError, match="the state of the training is damaged"):
        run(trainer, config, store, {**parts, "books.json": b"{"})


@BOTH
def test_what_diverges_is_said_before_it_is_kept(store, trainer, config, monkeypatch):
    config = replace(config, learning_rate=1e30)
    with pytest.raises(DivergedError, match="at step"):
        run(trainer, config, store)


@pytest.mark.parametrize(
    ("config", "change", "words"),
    [
        (PPO, {"rows": 0}, "rows = 0 is impossible; give a number at least 1"),
        (PPO, {"gamma": 2}, "gamma = 2 is impossible; give a number from 0 to 1"),
        (DQN, {"buffer": 8}, "buffer = 8 is impossible"),
        (DQN, {"epsilon": -1}, "epsilon = -1 is impossible"),
    ],
)
def test_numbers_out_of_range_are_refused(config, change, words):
    with pytest.raises(SearchConfigError, match=words):
        replace(config, **change)


def test_environments_without_a_network_are_refused():
    spec = EnvSpec("walk", {}, 1, 3, (7,), 0.99)
    with pytest.raises(ConfigError, match="walk: there is no network for it"):
        sb3_networks.make(spec, NETWORK)


def test_more_experience_than_memory_is_refused_before_it_is_made():
    with pytest.raises(ConfigError, match=r"take 72.0 GB, but .* are free; give at most"):
        dqn.TRAINER.validate(replace(DQN, buffer=2 * 10**9), ENV)


def test_illegal_actions_have_no_probability_and_no_entropy():
    policy = ppo._ALGORITHM.make(PPO, *spaces_of(ENV)).policy
    seen = torch.zeros((64, 2, 4, 4), dtype=torch.uint8)
    mask = np.tile([False, True, True, False], (64, 1))
    actions, _, logs = policy(seen, action_masks=mask)
    assert set(actions.tolist()) == {1, 2}
    assert torch.allclose(logs.exp(), torch.full((64,), 0.5), atol=0.05)
    _, _, entropy = policy.evaluate_actions(seen, actions, action_masks=mask)
    assert torch.allclose(entropy, torch.full((64,), np.log(2.0)).float(), atol=0.01)


def test_targets_hope_for_no_illegal_action():
    spec, rows, device = spaces_of(ENV)
    model = dqn._ALGORITHM.make(DQN, spec, rows, device)
    seen, legal = (
        torch.zeros((3, 2, 4, 4), dtype=torch.uint8),
        torch.zeros((3, 4), dtype=torch.bool),
    )
    legal[0, 1] = legal[1, 2] = legal[2, 3] = True
    with torch.no_grad():
        q = model.q_net_target(seen)[0]
    found = model._best(seen, legal)
    assert found.tolist() == [q[0, 1].item(), q[1, 2].item(), q[2, 3].item()]


def spaces_of(env_id):
    spec = registry.spec(env_id)
    play = BothSeats(registry.make_vector(env_id, 4), Starts(env_id, 0, 2))
    return spec, Rows(spec, [play], 0, False), "cpu"


ALONE = {"env_steps": 192, "barrier": 64, "rows": 2, "network": NetworkConfig(pictures="small")}


@pytest.mark.parametrize(
    ("trainer", "config"),
    [
        (ppo.TRAINER, replace(PPO, **ALONE, rollout=16)),
        (dqn.TRAINER, replace(DQN, **ALONE, learning_starts=32, buffer=96, n_step=3)),
    ],
    ids=["ppo", "dqn"],
)
def test_atari_is_learned_alone_and_a_stop_changes_nothing(store, trainer, config):
    whole, parts, _ = run(trainer, config, store, env="breakout")
    _, at_stop, needed = run(trainer, config, store, stop=64, env="breakout")
    kept = type(store)({name: store[name] for name in needed})
    assert run(trainer, config, kept, at_stop, env="breakout")[1] == parts
    counters = whole[-1][0]
    assert counters["frames"] == 4 * counters["env_steps"]
    assert counters["learner_steps"] > 5


def test_chance_follows_from_what_is_named_and_leaves_the_rest_alone():
    torch.manual_seed(1)
    np.random.seed(1)
    expected = torch.rand(1).item(), np.random.rand()
    torch.manual_seed(1)
    np.random.seed(1)
    drawn = []
    for _ in range(2):
        with sb3_state.seeded("a", 3):
            drawn.append((torch.rand(1).item(), np.random.rand()))
    assert drawn[0] == drawn[1]
    assert (torch.rand(1).item(), np.random.rand()) == expected
