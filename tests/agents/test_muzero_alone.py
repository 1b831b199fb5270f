"""MuZero plays games for one: several episodes at once, each as it would alone."""

import dataclasses

import numpy as np
import pytest
import torch

from agents.base import AgentError
from agents.muzero import MuZeroPlayer
from envs import registry
from muzero import architecture, weights
from muzero.inference import fold
from muzero.network import NetworkConfig


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """As in the arena, where another one would wait for processors that others use."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def file(env_id, **changes):
    """Gives the file of a network with chance in it."""
    spec = registry.spec(env_id)
    sizes = {"channels": 8, "hidden": 32, "categories": 11, "categories_limit": 4.0}
    config = NetworkConfig("flat-model", **{**sizes, **changes})
    network, chance = architecture.make(spec, config), torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, 0, 0.2, chance)
    return weights.pack_network(fold(network), spec.id, dataclasses.asdict(config))


def begin(env_id, rows, **options):
    env, player = registry.make_vector(env_id, rows), MuZeroPlayer("x", file(env_id), **options)
    every = np.arange(rows)
    player.reset(env.spec, np.zeros(rows, np.int64), every)
    return env, player, env.reset(every, every)


@pytest.mark.parametrize("env_id", ["catch", "cartpole"])
def test_rows_are_decided_as_they_would_be_alone(env_id):
    env, player, moments = begin(env_id, 11, simulations=6)
    for _ in range(3):
        every = np.arange(11)
        found = player.act(every, moments)
        for row in (0, 3, 10):
            alone = player.act(np.array([row]), moments.take(np.array([row])))
            assert alone.action[0] == found.action[row]
            assert alone.value[0] == found.value[row]
            assert np.array_equal(alone.policy[0], found.policy[row])
            assert np.array_equal(alone.q[0], found.q[row], equal_nan=True)
        moments = env.step(found.action)
    assert (found.visits.sum(1) == 6).all()
    np.testing.assert_allclose(found.policy.sum(1), 1, rtol=1e-5)
    assert np.isfinite(found.value).all()
    assert [line[0] for line in found.line] == found.action.tolist()


def test_pictures_are_made_smaller_as_the_network_sees_them():
    spec = registry.spec("catch")
    player = MuZeroPlayer("x", file("catch", picture=10), simulations=4)
    player.reset(spec, np.zeros(1, np.int64), np.zeros(1, np.int64))
    moment = registry.make_vector("catch", 1).reset(np.zeros(1, np.int64), np.zeros(1, np.int64))
    assert player.act(np.zeros(1, np.int64), moment).visits.sum() == 4


def test_a_move_by_time_is_found_for_one_row():
    _, player, moments = begin("catch", 1, seconds=0.01)
    assert player.max_batch == 1
    assert player.act(np.zeros(1, np.int64), moments).visits.sum() >= 1


def test_other_games_are_refused():
    player = MuZeroPlayer("x", file("catch"))
    with pytest.raises(AgentError, match="x plays catch only, not 'cartpole'"):
        player.reset(registry.spec("cartpole"), np.zeros(1, np.int64), np.zeros(1, np.int64))


@pytest.mark.parametrize("env_id", ["catch", "cartpole"])
def test_noise_draws_by_episode_and_move_alone(env_id):
    env, player, moments = begin(env_id, 11, simulations=6, noise=1.0)
    rows, few, apart = np.arange(11), np.array([3, 10]), set()
    _, other, _ = begin(env_id, 11, simulations=6, noise=1.0)
    for _ in range(5):
        found = player.act(rows, moments)
        alone = other.act(few, moments.take(few))
        assert alone.action.tolist() == found.action[few].tolist()
        apart |= set(found.action.tolist())
        moments = env.step(found.action)
    assert len(apart) > 1
    calm = begin(env_id, 11, simulations=6)[1].act(rows, moments)
    assert calm.action.tolist() != player.act(rows, moments).action.tolist()


def test_less_noise_than_none_is_refused():
    with pytest.raises(AgentError, match="noise=-1; choose at least 0"):
        MuZeroPlayer("x", file("catch"), noise=-1)
