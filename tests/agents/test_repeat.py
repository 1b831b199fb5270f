"""The player of one action: always legal, and rows on their own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from agents import registry
from agents.base import AgentError
from agents.repeat import RepeatPlayer
from envs.base import EnvSpec, TimeStep

SPEC = EnvSpec("any", {}, 1, 6, (3,), 0.99)


def chosen(player, mask):
    rows = len(mask)
    ended = np.zeros(rows, bool)
    seen = np.zeros((rows, 3), np.uint8)
    steps = TimeStep(seen, mask, np.zeros(rows, np.int64), np.zeros((rows, 1)), ended, ended)
    player.reset(SPEC, np.zeros(rows, np.int64), np.arange(rows))
    return player.act(np.arange(rows), steps).action.tolist()


def test_an_action_is_repeated_where_it_is_legal():
    mask = np.ones((3, 6), bool)
    assert chosen(RepeatPlayer(), mask) == [0, 0, 0]
    assert chosen(RepeatPlayer(action=5), mask) == [5, 5, 5]


def test_where_it_is_not_the_next_legal_one_above_is_taken_and_the_first_follows_the_last():
    mask = np.array([[1, 0, 0, 0, 1, 0], [1, 1, 0, 0, 0, 0], [0, 0, 0, 1, 0, 1]], bool)
    assert chosen(RepeatPlayer(action=3), mask) == [4, 0, 3]


@given(hnp.arrays(np.bool_, (4, 6)), st.integers(0, 5))
def test_what_is_taken_is_legal(mask, action):
    taken = chosen(RepeatPlayer(action=action), mask)
    assert all(mask[row, taken[row]] for row in range(4) if mask[row].any())


def test_actions_that_there_are_not_are_refused():
    with pytest.raises(AgentError, match=r"^repeat cannot take action=-1; choose one from 0 on$"):
        RepeatPlayer(action=-1)
    words = r"^repeat cannot play action 6 in any, which has 6 actions; choose one from 0 to 5$"
    with pytest.raises(AgentError, match=words):
        RepeatPlayer(action=6).reset(SPEC, np.zeros(1, np.int64), np.zeros(1, np.int64))


def test_its_name_leaves_out_the_action_that_does_nothing():
    assert registry.canonical("repeat:action=0") == "repeat"
    assert registry.canonical("repeat:action=02") == "repeat:action=2"
