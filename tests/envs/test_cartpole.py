from functools import partial

import gymnasium
import numpy as np
import pytest

from envs import registry
from envs.base import IllegalActionError
from envs.check import check_env


def test_it_keeps_the_contract():
    check_env(partial(registry.make, "cartpole"), partial(registry.make_vector, "cartpole"))


@pytest.mark.parametrize("seed", range(5))
def test_it_is_gymnasiums(seed):
    env, official = registry.make("cartpole"), gymnasium.make("CartPole-v1").unwrapped
    env.reset(seed)
    official.reset(seed=0)
    official.state = np.array(env.numbers)
    rng, last = np.random.default_rng(seed), False
    while not last:
        action = int(rng.integers(2))
        moment = env.step(action)
        _, reward, last, *_ = official.step(action)
        assert env.numbers == tuple(official.state)
        assert (moment.terminated, moment.rewards[0]) == (last, reward)


def test_one_who_keeps_it_upright_is_cut_off_in_the_end():
    env = registry.make("cartpole")
    moment, played = env.reset(1), 0
    while not moment.last:
        moment = env.step(int(env.numbers[2] + 0.5 * env.numbers[3] > 0))
        played += 1
    assert (played, moment.terminated, moment.truncated) == (500, False, True)
    with pytest.raises(IllegalActionError, match="save it before"):
        env.save()


def test_what_is_seen_is_around_the_middle():
    moment = registry.make("cartpole").reset(0)
    assert np.abs(moment.observation.astype(int) - 128).max() < 30


def test_a_saved_state_goes_on():
    env, other = registry.make("cartpole"), registry.make("cartpole")
    env.reset(4)
    env.step(1)
    other.reset(4, env.save())
    assert env.digest() == other.digest()
    assert env.step(0).observation.tolist() == other.step(0).observation.tolist()
    with pytest.raises(IllegalActionError, match="damaged"):
        other.reset(4, b"x")
