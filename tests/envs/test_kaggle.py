"""Lock-step with the official interpreter, and that its import leaves no trace."""

import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from envs import kaggle, registry
from envs.connectx.vector import ConnectXVector

GAMES = {
    (7, 6, 4): 1200,
    (5, 4, 3): 400,
    (4, 4, 3): 300,
    (8, 7, 4): 100,
    (9, 5, 4): 100,
    (10, 5, 5): 100,
    (6, 7, 5): 100,
    (2, 2, 2): 50,
    (3, 3, 1): 20,
    (3, 2, 7): 20,
    (1, 6, 4): 5,
    (1, 1, 1): 5,
}
ROOT = Path(__file__).parents[2]


def board_of(seen, seat):
    """Gives Kaggle's board of an observation, by a second way than the adapter's."""
    names = {0: seat + 1, 1: 2 - seat}
    board = [0] * seen[0].size
    for plane, line, column in np.argwhere(seen):
        board[line * seen.shape[2] + column] = names[plane]
    return board


def illegal_columns(mask):
    return [-1, -7, mask.size, mask.size + 3, *np.flatnonzero(~mask).tolist()]


def assert_refused(referee, column, seat):
    """Tests that the official rules answer an illegal column by ending the game at once."""
    trial = referee.copy()
    trial.step(column)
    assert trial.statuses[seat] == f"Invalid column: {column}"
    assert trial.statuses[1 - seat] == "DONE"
    assert trial.board == referee.board


def test_there_are_enough_games():
    assert sum(GAMES.values()) >= 2000


@pytest.mark.parametrize("size", GAMES)
def test_games_are_those_of_the_official_interpreter(size):
    count = GAMES[size]
    rng = np.random.default_rng(count)
    env = ConnectXVector(count, *size)
    moments = env.reset(np.arange(count), np.zeros(count, np.int64))
    referees = [kaggle.Referee(*size) for _ in range(count)]
    for ply in range(size[0] * size[1] + 1):
        for row, referee in enumerate(referees):
            seat, mask = int(moments.to_play[row]), moments.action_mask[row]
            assert referee.board == board_of(moments.observation[row], seat)
            running = referee.statuses[seat] == "ACTIVE"
            assert running == (not moments.terminated[row])
            if running:
                open_columns = [c for c in range(size[0]) if referee.board[c] == 0]
                assert open_columns == np.flatnonzero(mask).tolist()
                if row % 4 == ply % 4:
                    illegal = illegal_columns(mask)
                    assert_refused(referee, illegal[(row + ply) // 4 % len(illegal)], seat)
        if moments.terminated.all():
            break
        chosen = (rng.random(moments.action_mask.shape) * moments.action_mask).argmax(1)
        running = ~moments.terminated
        moments = env.step(chosen)
        for row in np.flatnonzero(running):
            referees[row].step(int(chosen[row]))
            assert referees[row].rewards == moments.rewards[row].tolist()
    assert moments.terminated.all()


@pytest.mark.parametrize("size", [(7, 6, 4), (5, 4, 3), (8, 7, 4)])
def test_the_referee_and_our_rules_agree_with_the_whole_official_environment(size):
    rng = np.random.default_rng(5)
    official = kaggle.make_connectx(*size)
    env = registry.make("connectx-{}x{}x{}".format(*size))
    for _ in range(15):
        official.reset()
        referee, moment = kaggle.Referee(*size), env.reset(0)
        while not moment.last:
            ours = kaggle.observation(moment.observation, moment.to_play)
            theirs = official.state[moment.to_play].observation
            assert ours.board == official.state[0].observation.board == referee.board
            assert ours.mark == theirs.mark
            assert ours.step == official.state[0].observation.step
            assert ours.remainingOverageTime == theirs.remainingOverageTime
            assert (kaggle.seen(ours, env.spec) == moment.observation).all()
            action = int(rng.choice(np.flatnonzero(moment.action_mask)))
            actions = [None, None]
            actions[moment.to_play] = action
            official.step(actions)
            referee.step(action)
            moment = env.step(action)
            assert [one.reward for one in official.state] == moment.rewards.tolist()
            assert [one.status for one in official.state] == referee.statuses
        assert official.done


@pytest.mark.parametrize("column", [-1, 7, 0])
def test_the_official_environment_makes_an_illegal_column_a_loss(column):
    official = kaggle.make_connectx()
    for _ in range(3):
        official.step([0, None])
        official.step([None, 0])
    official.step([column, None])
    assert official.done
    assert [one.status for one in official.state] == ["INVALID", "DONE"]
    assert [one.reward for one in official.state] == [None, 0]


def test_the_configuration_is_the_official_one():
    ours = kaggle.configuration(registry.spec("connectx-5x4x3"))
    official = kaggle.make_connectx(5, 4, 3).configuration
    assert ours == {name: official[name] for name in ours}
    assert set(official) - set(ours) <= {"seed", "__raw_path__"}
    assert ours.columns == 5


def test_structs_have_keys_as_attributes():
    struct = kaggle.Struct(mark=1)
    struct.board = [0]
    assert struct == {"mark": 1, "board": [0]}
    assert not hasattr(struct, "missing")


@pytest.mark.parametrize("name", ["random", "negamax"])
def test_builtin_agents_play(name):
    random.seed(1)
    env = registry.make("connectx-4x4x3")
    agent, moment = kaggle.builtin_agent(name), env.reset(0)
    while not moment.last:
        seen = kaggle.observation(moment.observation, moment.to_play)
        moment = env.step(agent(seen, kaggle.configuration(env.spec)))


def test_an_unknown_builtin_agent_gets_a_hint():
    with pytest.raises(kaggle.UnknownBuiltinError, match="did you mean 'negamax'"):
        kaggle.builtin_agent("negamx")
    with pytest.raises(kaggle.UnknownBuiltinError, match="known are random, negamax"):
        kaggle.builtin_agent("zzz")


def fresh(code):
    """Gives what code prints in a fresh process whose folder is the last to be searched."""
    lead = f"import sys; sys.path.remove(''); sys.path.append({str(ROOT)!r}); "
    done = subprocess.run(
        [sys.executable, "-c", lead + code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return done.stdout, done.stderr


def test_importing_the_guest_leaves_no_trace():
    code = """
import envs.kaggle, sys, warnings
path, filters = list(sys.path), list(warnings.filters)
assert 'kaggle_environments' not in sys.modules
envs.kaggle.make_connectx()
assert sys.path == path and warnings.filters == filters
import agents, envs.base
assert agents.__file__ == r'{}', agents.__file__
""".format(ROOT / "agents" / "__init__.py")
    assert fresh(code) == ("", "")


def test_our_agents_stay_loaded():
    code = (
        "import agents, envs.kaggle as k; k.make_connectx(); assert sys.modules['agents'] is agents"
    )
    assert fresh(code) == ("", "")
