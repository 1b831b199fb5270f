from functools import partial

import numpy as np
import pytest

from envs import registry
from envs.base import EnvOptionError, IllegalActionError
from envs.check import check_env


def test_it_keeps_the_contract():
    check_env(partial(registry.make, "catch"), partial(registry.make_vector, "catch"))


def test_a_ball_that_is_met_pays_and_one_that_is_missed_costs():
    env, paid = registry.make("catch"), set()
    for seed in range(12):
        moment = env.reset(seed)
        column = int(moment.observation[1].max(0).argmax()) // 4
        toward = np.sign(column - 2) + 1
        for sign in (1, -1):
            env.reset(seed)
            for step in range(9):
                near = abs(column - 2) > step
                moment = env.step(int(toward if near else 1) if sign > 0 else (2 - toward) or 0)
            assert moment.terminated
            paid.add((sign, float(moment.rewards[0])))
    assert (1, 1.0) in paid
    assert (1, -1.0) not in paid
    assert (-1, -1.0) in paid


def test_the_older_picture_is_the_one_before():
    env = registry.make("catch")
    before = env.reset(3)
    assert not before.observation[0].any()
    after = env.step(0)
    assert np.array_equal(after.observation[0], before.observation[1])


def test_saved_rows_go_on_as_if_nothing_had_happened():
    env, other = registry.make_vector("catch", 3), registry.make_vector("catch", 3)
    rows, seeds = np.arange(3), np.array([5, 6, 7])
    env.reset(rows, seeds)
    env.step(np.array([0, 1, 2]))
    found = other.reset(rows, seeds, env.save())
    kept = env.reset(np.zeros(0, np.int64), np.zeros(0, np.int64))
    assert np.array_equal(found.observation, kept.observation)
    for action in (0, 2, 1, 1):
        one, two = env.step(np.full(3, action)), other.step(np.full(3, action))
        assert np.array_equal(one.observation, two.observation)
        assert np.array_equal(env.digest(), other.digest())


def test_damaged_states_and_openings_are_refused():
    env = registry.make("catch")
    for state in (b"", b"1234", bytes([9, 0, 0, 0])):
        with pytest.raises(IllegalActionError, match="damaged"):
            env.reset(0, state)
    with pytest.raises(EnvOptionError, match="no openings"):
        registry.openings("catch", 1)
    assert registry.action_name("catch")(2) == "right"
    with pytest.raises(EnvOptionError, match="cannot save its state"):
        from envs.serial import SerialVectorEnv

        SerialVectorEnv([registry.make("connectx")]).save()
