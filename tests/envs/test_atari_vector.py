"""Atari side by side: rows are scalar episodes, in this process and in others."""

import gc
import os
import signal
import time
from functools import cache

import numpy as np
import pytest

from envs import registry
from envs.atari_vector import AtariVector
from envs.atari_worker import WorkerError
from envs.base import EnvOptionError, IllegalActionError, VectorEnv
from envs.check import check_env
from envs.serial import SerialVectorEnv

FIELDS = ("observation", "action_mask", "to_play", "rewards", "terminated", "truncated")
SIX = ["pong", "breakout@nature", "seaquest", "journey_escape", "trondead@nature-full", "kaboom"]


@pytest.fixture(scope="module")
def pair():
    """Five rows of a game that ends soon, in two processes."""
    env = AtariVector(registry.spec("trondead"), 5, 2)
    yield env
    env.close()


def same(one, other):
    for name in FIELDS:
        a, b = getattr(one, name), getattr(other, name)
        assert a.dtype == b.dtype
        assert np.array_equal(a, b), name
        assert a.flags.owndata
        assert a.flags.writeable
    assert np.array_equal(one.info["lives"], other.info["lives"])


@cache
def used(id):
    """Gives an env that several tests use."""
    return registry.make(id)


@pytest.mark.parametrize("id", SIX)
def test_rows_are_scalar_episodes(id):
    env, alone = AtariVector(registry.spec(id), 2, 1), used(id)
    actions = np.random.default_rng(1).integers(0, env.spec.num_actions, (25, 2))
    moments = [env.reset(np.arange(2), np.array([5, 6]))]
    digests = [env.digest()]
    for pair in actions:
        moments.append(env.step(pair))
        digests.append(env.digest())
    for row in range(2):
        moment = alone.reset(5 + row)
        for time_, expected in enumerate(moments):
            assert np.array_equal(moment.observation, expected.observation[row])
            assert moment.rewards[0] == expected.rewards[row, 0]
            assert int(digests[time_][row]).to_bytes(8, "little") == alone.digest()
            if time_ < len(actions):
                moment = alone.step(int(actions[time_, row]))


def test_it_keeps_the_contract_in_one_process():
    spec, alone = registry.spec("pong"), used("pong")
    check_env(lambda: alone, lambda rows: AtariVector(spec, rows, 1), steps=6)
    assert isinstance(AtariVector(spec, 1), VectorEnv)


def test_processes_change_nothing_to_the_end_and_after(pair):
    serial = SerialVectorEnv([registry.make("trondead") for _ in range(5)])
    rows, rng, ended = np.arange(5), np.random.default_rng(0), 0
    seeds = np.array([3, 2**62, 3, 8, 9])
    one, other = pair.reset(rows, seeds), serial.reset(rows, seeds)
    for time_ in range(330):
        same(one, other)
        over = np.flatnonzero(one.last)
        if time_ % 50 == 0:
            assert np.array_equal(pair.digest(), serial.digest())
        if over.size > 2:  # the others stand still meanwhile
            ended += over.size
            one, other = (env.reset(over[1:], over[1:] + time_) for env in (pair, serial))
            continue
        actions = np.where(one.last, -5, rng.integers(0, pair.spec.num_actions, 5))
        one, other = pair.step(actions), serial.step(actions)
    assert ended >= 3


def test_saved_states_and_openings_reach_every_process(pair):
    alone = used("trondead")
    alone.reset(1, [1] * 30)
    saved = alone.save()
    moment = pair.reset(np.arange(5), np.full(5, 1), [saved, [1] * 30, (), saved, [1] * 30])
    assert len(set(pair.digest()[[0, 1, 3, 4]].tolist())) == 1
    assert (moment.observation[[0, 1, 3, 4]] == alone.seen).all()
    assert not moment.rewards.any()
    for bad in ([99], b"x"):
        with pytest.raises(IllegalActionError):
            pair.reset(np.array([4]), np.array([1]), [bad])
    pair.step(np.zeros(5, np.int64))  # it goes on


def test_an_illegal_action_changes_no_row(pair):
    pair.reset(np.arange(5), np.arange(5))
    before = pair.digest()
    with pytest.raises(IllegalActionError, match=r"action 18 in row 4 is illegal in ALE/Trondead"):
        pair.step(np.array([0, 0, 0, 0, 18]))
    with pytest.raises(IllegalActionError, match=r"actions are float64\[5\]"):
        pair.step(np.zeros(5))
    assert (pair.digest() == before).all()


def test_the_process_ends_with_its_env_or_is_missed():
    env = AtariVector(registry.spec("pong"), 2, 2)
    process = env._workers[0]._process
    env.step(np.zeros(2, np.int64))
    env._workers[0].ask("digest")  # as if the owner had been interrupted while it waited
    with pytest.raises(WorkerError, match=r"cut off in its work; make the env again"):
        env.step(np.zeros(2, np.int64))
    env._workers[0].answer()
    os.kill(process.pid, signal.SIGINT)  # Ctrl-C reaches every process of a terminal
    env.step(np.zeros(2, np.int64))
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(
        WorkerError, match=r"rows 1 to 1, is gone, exit code -9; make the env again"
    ):
        env.step(np.zeros(2, np.int64))
    env = AtariVector(registry.spec("pong"), 2, 2)
    process = env._workers[0]._process
    del env
    gc.collect()
    began = time.monotonic()
    while process.poll() is None and time.monotonic() - began < 10:
        time.sleep(0.01)
    assert process.poll() == 0


def test_there_is_a_row_and_a_process():
    for rows, workers in ((0, 1), (2, 0)):
        with pytest.raises(EnvOptionError, match="give 1 or more"):
            AtariVector(registry.spec("pong"), rows, workers)
