"""MCTS: what it proves is true, what it reports adds up, and rows do not touch each other."""

import itertools
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.base import AgentError
from agents.mcts import MctsPlayer
from agents.mcts_search import FULL, LOSS, UNKNOWN, WIN, new_tree, search
from arena import match
from envs import registry
from envs.connectx import rules
from envs.connectx.env import ConnectX


def decide(player, env_id, starts, seeds=None):
    size = len(starts)
    seeds = np.arange(size) if seeds is None else np.array(seeds)
    env = registry.make_vector(env_id, size)
    player.reset(env.spec, np.zeros(size, np.int64), seeds)
    return player.act(np.arange(size), env.reset(np.arange(size), seeds, starts))


@cache
def solved(size, mine, occupied):
    """The outcome for the player to move, by brute force."""
    g = rules.geometry(*size)
    best = None
    for column in range(g.columns):
        cell = int(rules.drop(g, np.uint64(occupied), column))
        if not cell:
            continue
        if rules.has_line(g, np.uint64(mine | cell)):
            return 1
        full = occupied | cell == int(g.full)
        value = 0 if full else -solved(size, mine ^ occupied, occupied | cell)
        best = value if best is None else max(best, value)
    return best


def random_position(size, choices):
    """Gives `mine, occupied` after legal moves that leave the game running."""
    g = rules.geometry(*size)
    state, after = np.zeros(2, np.uint64), np.zeros(2, np.uint64)
    for choice in choices:
        legal = [c for c in range(g.columns) if rules.is_legal(g, state[1], c)]
        if rules.step(g, state, legal[choice % len(legal)], after)[1]:
            break
        state, after = after, state
    return np.uint64(state[0]), np.uint64(state[1])


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([(4, 4, 3), (4, 4, 4), (3, 5, 3), (5, 3, 3)]),
    st.lists(st.integers(0, 99), min_size=4, max_size=12),
    st.integers(0, 2**63),
)
def test_what_is_proven_is_true(size, choices, word):
    g = rules.geometry(*size)
    mine, occupied = random_position(size, choices)
    tree = new_tree(g, 3000)
    outcome = search(tree, mine, occupied, np.uint64(word))
    truth = solved(size, int(mine), int(occupied))
    assert outcome in (UNKNOWN, truth)
    for column in range(g.columns):
        cell = int(rules.drop(g, occupied, column))
        known = tree.known[0, column]
        assert (known == FULL) == (cell == 0)
        if known in (UNKNOWN, FULL):
            continue
        if rules.has_line(g, np.uint64(int(mine) | cell)):
            assert known == WIN
        elif int(occupied) | cell != int(g.full):
            assert known == -solved(size, int(mine ^ occupied), int(occupied) | cell)


def test_a_small_board_is_solved_from_its_start():
    tree = new_tree(rules.geometry(4, 4, 3), 20_000)
    assert search(tree, np.uint64(0), np.uint64(0), np.uint64(5)) == solved((4, 4, 3), 0, 0) == WIN
    assert tree.through[0] < 20_000


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 99), max_size=30), st.integers(1, 400), st.integers(0, 2**40))
def test_visits_and_returns_add_up(choices, simulations, word):
    g = rules.geometry(7, 6, 4)
    tree = new_tree(g, simulations)
    outcome = search(tree, *random_position((7, 6, 4), choices), np.uint64(word))
    assert tree.visits[0].sum() == tree.through[0]
    assert tree.through[0] == simulations or outcome != UNKNOWN
    assert (abs(tree.sums[0]) <= tree.visits[0]).all()
    for column in np.flatnonzero(tree.children[0] >= 0):
        child = tree.children[0, column]
        assert tree.through[child] == tree.visits[0, column] - 1  # the first was its rollout
        assert tree.visits[child].sum() == tree.through[child]
    known = tree.known[0]
    assert (tree.visits[0][(known == LOSS) | (known == WIN)] > 0).all()


def test_rollouts_are_uniform_over_columns_and_fair_between_seats():
    decisions = decide(MctsPlayer(simulations=20_000), "connectx", [()])
    assert 0 < decisions.value[0] < 0.5, "the first player is ahead"
    assert decisions.action[0] == 3, "the centre is best"
    q = decisions.q[0]
    assert q[0] == pytest.approx(q[6], abs=0.15) and q[3] > max(q[0], q[6])


@pytest.mark.parametrize(
    ("start", "columns", "values"),
    [
        ((0, 1, 0, 1, 0, 1), {0}, {1.0}),
        ((0, 6, 1, 6, 2), {3}, None),
        ((2, 6, 3, 6), {1, 4}, {1.0}),
        ((2, 6, 3, 6, 4), {0, 1, 2, 3, 4, 5, 6}, {-1.0}),
    ],
    ids=["wins", "blocks", "makes an open three", "is lost"],
)
def test_it_sees_what_two_plies_show(start, columns, values):
    decisions = decide(MctsPlayer(simulations=400), "connectx", [start])
    assert decisions.action[0] in columns
    assert values is None or decisions.value[0] in values


def test_a_line_is_legal_and_ends_where_the_tree_does():
    decisions = decide(MctsPlayer(simulations=500), "connectx-5x4x3", [(), (0,), (2, 2)])
    for line, start in zip(decisions.line, [(), (0,), (2, 2)], strict=True):
        env = ConnectX(5, 4, 3)
        env.reset(0, start)
        for move in line[:-1]:
            assert not env.step(move).last
        env.step(line[-1])


def test_rows_do_not_touch_each_other_and_seeds_matter():
    starts = [(3, 3), (3, 3), (0, 1), (3, 3)]
    player = MctsPlayer(simulations=60)
    together = decide(player, "connectx", starts, [1, 2, 3, 1])
    assert together.visits[0].tolist() == together.visits[3].tolist()
    assert together.visits[0].tolist() != together.visits[1].tolist()
    alone = decide(MctsPlayer(simulations=60), "connectx", starts[2:3], [3])
    assert alone.visits[0].tolist() == together.visits[2].tolist()


def test_a_player_goes_from_one_board_to_another():
    player = MctsPlayer(simulations=50)
    for env_id, columns in (("connectx", 7), ("connectx-5x4x3", 5), ("connectx-32x1x4", 32)):
        decisions = decide(player, env_id, [(), (1,)])
        assert decisions.visits.shape == decisions.q.shape == (2, columns)
        untried = decisions.visits == 0
        assert np.isnan(decisions.q[untried]).all() and not np.isnan(decisions.q[~untried]).any()


def test_more_simulations_play_better():
    games = 60
    openings = list(itertools.islice(itertools.cycle(registry.openings("connectx", 2)), games // 2))
    env = registry.make_vector("connectx", games)
    seats = np.array([[0, 1], [1, 0]] * (games // 2))
    players = [MctsPlayer(simulations=200), MctsPlayer(simulations=10)]
    starts = [opening for opening in openings for _ in range(2)]
    played = match.play(env, players, seats, starts, np.arange(games))
    won = sum(e.returns[e.players.index(0)] == 1 for e in played)
    assert won > 0.75 * games


@pytest.mark.parametrize("simulations", [0, -1, 1_000_001])
def test_impossible_numbers_are_refused(simulations):
    with pytest.raises(AgentError, match=r"mcts cannot take simulations=.*choose 1 to 1,000,000"):
        MctsPlayer(simulations=simulations)
