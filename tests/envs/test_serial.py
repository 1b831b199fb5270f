import numpy as np
import pytest

from envs.base import EnvOptionError, IllegalActionError, VectorEnv
from envs.connectx.env import ConnectX
from envs.connectx.vector import ConnectXVector
from envs.serial import SerialVectorEnv

FIELDS = ("observation", "action_mask", "to_play", "rewards", "terminated", "truncated")


def assert_same(one, other):
    for name in FIELDS:
        a, b = getattr(one, name), getattr(other, name)
        assert a.dtype == b.dtype
        assert np.array_equal(a, b), name
        assert a.flags.owndata and a.flags.writeable


def test_it_plays_as_the_vector_env_does():
    rng = np.random.default_rng(1)
    serial = SerialVectorEnv([ConnectX(5, 4, 3) for _ in range(6)])
    vector = ConnectXVector(6, 5, 4, 3)
    assert isinstance(serial, VectorEnv)
    rows, starts = np.arange(6), [[], [1], [2, 2], [], bytes([4]), [0, 1, 2]]
    one, other = serial.reset(rows, rows, starts), vector.reset(rows, rows, starts)
    for _ in range(120):
        assert_same(one, other)
        assert (serial.digest() == vector.digest()).all()
        ended = np.flatnonzero(one.last)
        if ended.size > 2:
            one, other = (env.reset(ended[:2], ended[:2]) for env in (serial, vector))
            continue
        actions = np.where(one.last, -5, (rng.random((6, 5)) * one.action_mask).argmax(1))
        one, other = serial.step(actions), vector.step(actions)


def test_an_illegal_action_changes_no_row():
    env = SerialVectorEnv([ConnectX(2, 1, 2), ConnectX(2, 1, 2)])
    before = env.digest()
    with pytest.raises(IllegalActionError, match=r"action 2 in row 1 .* legal are 0, 1"):
        env.step(np.array([0, 2]))
    with pytest.raises(IllegalActionError, match="1 actions"):
        env.step(np.array([0]))
    assert (env.digest() == before).all()


def test_rows_are_of_one_kind():
    with pytest.raises(EnvOptionError, match="found connectx, connectx-5x4x3"):
        SerialVectorEnv([ConnectX(), ConnectX(5, 4, 3)])
    with pytest.raises(EnvOptionError, match="found none"):
        SerialVectorEnv([])
