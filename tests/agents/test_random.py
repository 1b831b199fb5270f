"""The random player: legal, even, and rows on their own."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from agents.random import RandomPlayer
from envs.base import EnvSpec, TimeStep

SPEC = EnvSpec("any", {}, 1, 6, (3,), 0.99)


def moments(mask):
    rows = len(mask)
    ended = np.zeros(rows, bool)
    seen = np.zeros((rows, 3), np.uint8)
    return TimeStep(seen, mask, np.zeros(rows, np.int64), np.zeros((rows, 1)), ended, ended)


def begun(rows, seed=0, first=0):
    player = RandomPlayer(seed=seed)
    player.reset(SPEC, np.zeros(rows, np.int64), np.arange(first, first + rows))
    return player


@given(hnp.arrays(np.bool_, (4, 6)))
def test_actions_are_legal_and_none_gives_minus_one(mask):
    action = begun(4).act(np.arange(4), moments(mask)).action
    for row in range(4):
        assert mask[row, action[row]] if mask[row].any() else action[row] == -1


def test_every_legal_action_is_equally_likely():
    rows = 6000
    mask = np.zeros((rows, 6), bool)
    mask[:, [1, 2, 5]] = True
    counts = np.bincount(begun(rows).act(np.arange(rows), moments(mask)).action, minlength=6)
    assert counts[[0, 3, 4]].sum() == 0
    assert abs(counts[[1, 2, 5]] - rows / 3).max() < 200  # 5 sigma = 183


@given(st.integers(0, 100), st.integers(1, 5))
def test_a_row_alone_plays_as_it_does_among_others(first, moves):
    many, alone = begun(5, first=first), begun(1, first=first + 3)
    mask = np.ones((5, 6), bool)
    for _ in range(moves):
        together = many.act(np.arange(5), moments(mask)).action[3]
        assert together == alone.act(np.arange(1), moments(mask[:1])).action[0]


def test_rows_count_their_own_moves():
    player, other = begun(2), begun(2)
    mask = np.ones((2, 6), bool)
    for _ in range(7):
        player.act(np.array([0]), moments(mask[:1]))
    one = [player.act(np.array([1]), moments(mask[:1])).action[0] for _ in range(9)]
    assert one == [other.act(np.array([1]), moments(mask[:1])).action[0] for _ in range(9)]


def test_the_option_seed_changes_play():
    mask = np.ones((64, 6), bool)
    actions = [begun(64, seed).act(np.arange(64), moments(mask)).action for seed in (0, 0, 1)]
    assert (actions[0] == actions[1]).all()
    assert (actions[0] != actions[2]).any()
