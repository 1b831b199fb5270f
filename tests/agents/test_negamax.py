"""The negamax player: its choices, what it says of them, its strength and its time."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents import negamax, registry
from agents import negamax_search as search
from agents.base import Clock
from agents.negamax import NegamaxPlayer
from envs import registry as envs
from envs.connectx import rules

MOVES = st.lists(st.integers(0, 6), max_size=30)


def after(env_id, moves, rows=1):
    """Gives an env and its moment after moves, without those that are illegal or end the game."""
    env = envs.make_vector(env_id, rows)
    start = []
    for move in moves:
        try:
            env.reset(np.arange(rows), np.arange(rows), [[*start, move]] * rows)
        except ValueError:
            continue
        start.append(move)
    return env, env.reset(np.arange(rows), np.arange(rows), [start] * rows)


def decided(player, env, step, seed=0):
    rows = np.arange(env.num_rows)
    player.reset(env.spec, step.to_play, rows + seed)
    return player.act(rows, step)


def score(first, second, env_id="connectx", games=60):
    """Gives the share of points of `first`, each random opening played from both seats."""
    players = [registry.make(first), registry.make(second)]
    env = envs.make_vector(env_id, games)
    rows, seats = np.arange(games), np.arange(games) % 2
    starts = envs.openings(env_id, 4)
    picks = np.random.default_rng(0).integers(len(starts), size=games // 2)
    step = env.reset(rows, rows, [starts[picks[row // 2]] for row in rows])
    for place, player in enumerate(players):
        player.reset(env.spec, seats ^ place, 2 * rows + place)
    returns = np.zeros(games)
    while not step.last.all():
        actions = np.zeros(games, np.int64)
        for place, player in enumerate(players):
            movers = np.flatnonzero(~step.last & (step.to_play == seats ^ place))
            if movers.size:
                actions[movers] = player.act(movers, step.take(movers)).action
        step = env.step(actions)
        returns += step.rewards[rows, seats]
    return (returns.mean() + 1) / 2


@pytest.mark.parametrize(
    ("first", "second", "env_id", "least"),
    [
        ("one-ply", "random", "connectx", 0.9),
        ("negamax:depth=1", "one-ply", "connectx", 0.9),
        ("negamax:depth=4", "negamax:depth=2", "connectx", 0.52),
        ("negamax:depth=6", "negamax:depth=1", "connectx", 0.55),
        ("negamax:depth=4", "one-ply", "connectx-6x5x4", 0.9),
    ],
)
def test_deeper_is_stronger(first, second, env_id, least):
    games = 300 if least < 0.6 else 60
    assert score(first, second, env_id, games) > least


@given(MOVES, st.integers(1, 7))
@settings(deadline=None)
def test_it_plays_a_best_move_and_says_so(moves, depth):
    env, step = after("connectx", moves)
    decisions = decided(NegamaxPlayer(depth=depth), env, step)
    q, action = decisions.q[0], decisions.action[0]
    assert (np.isnan(q) == ~step.action_mask[0]).all()
    assert q[action] == np.nanmax(q) == decisions.value[0]
    assert np.nanmax(np.abs(q)) <= 1


@given(MOVES)
@settings(deadline=None)
def test_a_proven_line_is_played_to_its_end(moves):
    env, step = after("connectx-5x4x3", moves)
    decisions = decided(NegamaxPlayer(depth=20), env, step)
    line, me = decisions.line[0], step.to_play[0]
    for move in line:
        assert not step.terminated[0]
        step = env.step(np.array([move]))
    assert step.terminated[0]
    assert step.rewards[0, me] == decisions.value[0]


@given(MOVES, st.integers(1, 6))
@settings(deadline=None)
def test_lines_are_legal_and_as_deep_as_the_search(moves, depth):
    env, step = after("connectx", moves)
    decisions = decided(NegamaxPlayer(depth=depth), env, step)
    for move in decisions.line[0]:
        step = env.step(np.array([move]))
    assert step.terminated[0] or len(decisions.line[0]) >= depth


@given(MOVES)
@settings(deadline=None)
def test_it_prefers_sooner_wins_and_later_losses(moves):
    env, step = after("connectx-5x4x3", moves)
    g, state, scores = rules.geometry(5, 4, 3), np.zeros(2, np.uint64), np.zeros(5, np.int64)
    rules.state(g, step.observation[0], state)
    best = search.score_moves(search.new_search(g, 1024), *state, 20, scores)
    assert scores[decided(NegamaxPlayer(depth=20), env, step).action[0]] == best


def test_ties_are_broken_evenly_and_only_ties():
    env, step = after("connectx", [], rows=600)
    decisions = decided(NegamaxPlayer(depth=1), env, step)
    assert set(decisions.action) == {3}
    env, step = after("connectx-6x5x4", [], rows=600)
    decisions = decided(NegamaxPlayer(depth=1), env, step)
    counts = np.bincount(decisions.action, minlength=6)
    assert counts[[2, 3]].sum() == 600
    assert abs(counts[2] - 300) < 62  # 5 sigma


def test_after_the_end_there_is_no_move():
    full = envs.make_vector("connectx-1x1x2", 1)
    full.reset(np.arange(1), np.arange(1))
    step = full.step(np.array([0]))
    decisions = decided(NegamaxPlayer(depth=3), full, step)
    assert decisions.action.tolist() == [-1]
    assert np.isnan(decisions.value).all()


def test_seconds_are_used_and_kept():
    env, step = after("connectx", [])
    player = registry.make("negamax:seconds=0.3")
    player.reset(env.spec, step.to_play, np.arange(1))
    began = time.monotonic()
    decisions = player.act(np.arange(1), step)
    assert 0.25 < time.monotonic() - began < 0.33 + 0.1
    assert len(decisions.line[0]) > 8


@pytest.mark.parametrize("left", [0.15, 0.0, -1.0])
def test_a_deadline_comes_before_seconds(left):
    env, step = after("connectx", [])
    player = registry.make("negamax:seconds=5")
    player.reset(env.spec, step.to_play, np.arange(1))
    clock = Clock(time.monotonic() + left)
    assert player.act(np.arange(1), step, clock).action[0] in range(7)
    assert time.monotonic() < clock.deadline + (0 if left > 0 else 1.1)


def test_a_proven_outcome_needs_no_more_time():
    env, step = after("connectx", [3, 0, 3, 0, 3, 0])
    player = registry.make("negamax:seconds=5")
    began = time.monotonic()
    decisions = decided(player, env, step)
    assert decisions.action[0] == 3
    assert decisions.value[0] == 1
    assert time.monotonic() - began < 1


def test_a_search_by_time_is_one_by_depth():
    env, step = after("connectx-4x4x3", [0, 1])
    by_time = decided(registry.make("negamax:seconds=5"), env, step)
    by_depth = decided(registry.make("negamax:depth=16"), env, step)
    assert by_time.value[0] == by_depth.value[0]


def test_all_is_compiled_before_the_first_move():
    env, step = after("connectx", [3, 3], rows=4)
    player = NegamaxPlayer(depth=2)
    player.reset(env.spec, step.to_play, np.arange(4))
    compiled = len(negamax._think.signatures)
    step.observation.setflags(write=False)
    player.act(np.arange(4), step)
    player.act(np.arange(2), step.take(np.arange(0, 4, 2)))
    turned = step.take(np.arange(4))
    object.__setattr__(turned, "observation", np.asfortranarray(turned.observation))
    player.act(np.arange(4), turned)
    assert len(negamax._think.signatures) == compiled == 1


@pytest.mark.parametrize("env_id", ["connectx-12x4x3", "connectx-9x6x5", "connectx-3x3x3"])
def test_one_player_may_go_from_board_to_board(env_id):
    player = NegamaxPlayer(depth=3)
    env, step = after("connectx", [])
    decided(player, env, step)
    env, step = after(env_id, [])
    decisions = decided(player, env, step)
    g = rules.geometry(*(env.spec.options[name] for name in ("columns", "rows", "inarow")))
    assert rules.is_legal(g, np.uint64(0), decisions.action[0])
    assert decisions.q.shape == (1, g.columns)
