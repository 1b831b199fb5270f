"""The solver as a player: best moves, chance by seed, deadlines, honest doubt, other boards."""

import functools
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from agents import registry
from agents import solver_book as book
from agents.base import AgentError, Clock
from agents.solver import SolverPlayer, positions
from arena import match
from envs import registry as env_registry
from envs.base import TimeStep

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "connectx_scores.jsonl"


def moments(env_id, starts):
    env = env_registry.make_vector(env_id, len(starts))
    rows = np.arange(len(starts))
    return env.spec, env.reset(rows, rows, starts)


def decided(starts, env_id="connectx", seeds=None, clock=None, **options):
    spec, steps = moments(env_id, starts)
    player = SolverPlayer(**options)
    seeds = np.arange(len(starts)) if seeds is None else np.array(seeds)
    player.reset(spec, np.asarray(steps.to_play), seeds)
    return player.act(np.arange(len(starts)), steps, clock)


def test_observations_are_read_as_the_rules_read_them():
    spec, steps = moments("connectx-5x4x3", [(), (0, 0, 4), (2, 2, 2, 2, 1, 3)])
    state = np.zeros(2, np.uint64)
    for row, found in enumerate(positions(steps.observation)):
        spec.rules.state(spec.rules.params, steps.observation[row], state)
        assert found == tuple(int(word) for word in state)


@pytest.mark.parametrize("plies", [7, 24])
def test_among_equally_good_moves_the_seed_decides_and_nothing_else(plies):
    for entry in map(json.loads, GOLDEN.read_text().splitlines()):
        highest = max(score for score in entry["scores"] if score is not None)
        best = {column for column, score in enumerate(entry["scores"]) if score == highest}
        if len(entry["moves"]) == plies and 1 < len(best) < 5:
            break
    start = [int(name) - 1 for name in entry["moves"]]
    many = decided([start] * 60, seeds=range(60))
    assert set(many.action.tolist()) == best
    assert decided([start], seeds=[7]).action[0] == many.action[7]


def test_values_and_lines_tell_the_outcome():
    found = decided([(), (0,), (3, 3, 3, 3, 3, 3, 0, 1, 6, 5, 2, 1), (0, 1, 0, 1, 0, 1)])
    assert found.value[0] == 1
    assert found.q[0].tolist() == [-1, -1, 0, 1, 0, -1, -1]
    assert found.value[1] == 1
    assert (found.action[3], found.value[3], found.line[3]) == (0, 1, [0])
    for row in range(4):
        assert found.line[row][0] == found.action[row]
        assert found.q[row, found.action[row]] == found.value[row]


@pytest.mark.parametrize("opponent", ["random", "one-ply", "negamax:depth=2", "solver"])
def test_moving_first_it_wins_every_game(opponent):
    env = env_registry.make_vector("connectx", 4)
    players = [SolverPlayer(), registry.make(opponent)]
    games = match.play(env, players, np.array([(0, 1)] * 4), [()] * 4, np.arange(4))
    assert [game.returns for game in games] == [(1.0, -1.0)] * 4


@pytest.mark.parametrize("start", [(), (3,), (3, 3, 3, 3, 3, 3, 0, 1)])
def test_a_deadline_is_kept_and_doubt_is_said(start):
    if start == ():
        decided([(0, 0, 0, 0)], "connectx-8x7x4", clock=Clock(0.0), book=False)
    began = time.monotonic()
    found = decided([start], "connectx-8x7x4", clock=Clock(began + 3.0))
    assert time.monotonic() < began + 3.2
    assert np.isnan(found.value[0])
    assert 0 <= found.action[0] < 8


def test_a_guess_takes_a_win_and_avoids_a_loss_that_is_near():
    # The first is won at once; in the second three discs in a row have both ends open.
    found = decided(
        [(0, 1, 0, 1, 0, 1), (2, 2, 3, 3, 4)], "connectx-8x7x4", clock=Clock(time.monotonic() + 6)
    )
    assert found.action[0] == 0
    assert found.value[0] == 1
    assert found.q[1].max() == -1


def test_seconds_limit_a_move():
    decided([(0, 0, 0, 0)], book=False, seconds=0.05)
    began = time.monotonic()
    found = decided([()], book=False, seconds=0.3)
    assert np.isnan(found.value[0])
    assert time.monotonic() - began < 3


def test_with_damaged_books_it_plays_the_same_and_warns(monkeypatch, tmp_path):
    start = [int(name) - 1 for name in "44444422151116633"]
    expected = decided([start])
    for name in ("moves", "scores"):
        damaged = functools.cache(functools.partial(getattr(book, name).__wrapped__, tmp_path))
        monkeypatch.setattr(book, name, damaged)
    with pytest.warns(RuntimeWarning, match="cannot be read; it plays without, slower") as caught:
        found = decided([start])
    assert len(caught) == 2
    assert (found.action[0], found.value[0]) == (expected.action[0], expected.value[0])
    assert np.isnan(decided([()], seconds=0.3).value[0])


def test_ended_rows_get_no_action():
    spec, steps = moments("connectx", [()])
    player = SolverPlayer()
    player.reset(spec, np.zeros(1, np.int64), np.zeros(1, np.int64))
    over = TimeStep(
        steps.observation, np.zeros((1, 7), bool), steps.to_play, steps.rewards, [True], [False]
    )
    assert player.act(np.zeros(1, np.int64), over).action.tolist() == [-1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seconds": 0.0}, "solver cannot take seconds=0; choose more than 0"),
        ({"seconds": float("nan")}, "solver cannot take seconds=nan"),
        ({"memory_mb": 0}, "solver cannot take memory_mb=0; choose 1 to 4096"),
        ({"memory_mb": 5000}, "solver cannot take memory_mb=5000"),
    ],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(AgentError, match=message):
        SolverPlayer(**options)


def test_the_module_loads_nothing_heavy():
    program = (
        "import sys; import agents.solver; "
        "print(*{m.split('.')[0] for m in sys.modules} & "
        "{'torch', 'gymnasium', 'kaggle_environments', 'arena', 'rich', 'bitbully'})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.strip() == ""
