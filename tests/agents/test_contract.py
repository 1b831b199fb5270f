"""Every registered player keeps the contract, and the contract's test catches those who do not."""

import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pytest

from agents import registry
from agents.base import AgentError, Decisions, Failure
from agents.check import check_player
from agents.random import RandomPlayer
from envs import registry as envs

ROOT = Path(__file__).parents[2]
HEAVY = {"torch", "gymnasium", "kaggle_environments", "stable_baselines3", "ale_py"}
TYPED = list(dict.fromkeys(kind.agent for kind in registry.kinds()))
ENVS = ("connectx", "connectx-5x4x3", "ALE/Pong-v5", "ALE/Breakout-v5@nature-full")
PLAYED = [(k.agent, env) for k in registry.kinds() for env in ENVS if fnmatch(env, k.env)]
GAMES = {
    ("kaggle:negamax", "connectx"): 1,
    ("kaggle:negamax", "connectx-5x4x3"): 2,
    ("negamax:seconds=S", "connectx"): 2,
}


def named(typed):
    return typed.replace("=N", "=3").replace("=S", "=0.01")


@pytest.mark.parametrize(("typed", "env_id"), PLAYED)
def test_every_kind_keeps_the_contract(typed, env_id):
    atari = env_id.startswith("ALE/")
    check_player(
        lambda: registry.make(named(typed)),
        env_id,
        games=2 if atari else GAMES.get((typed, env_id), 6),
        deterministic="seconds" not in typed,
        moves=150 if atari else 300,
    )


def test_every_kind_is_tested():
    assert {typed for typed, _ in PLAYED} == set(TYPED)


@pytest.mark.parametrize("kind", registry.kinds())
@pytest.mark.parametrize("env_id", ["connectx", "ALE/Freeway-v5"])
def test_kinds_refuse_environments_that_are_not_theirs(kind, env_id):
    player = registry.make(kind.agent.replace("=N", "=1").replace("=S", "=0.01"))
    reset = (envs.spec(env_id), np.zeros(1, np.int64), np.zeros(1, np.int64))
    if fnmatch(env_id, kind.env):
        player.reset(*reset)
    else:
        with pytest.raises(AgentError, match=f"plays .* only, not '{env_id}'; choose another"):
            player.reset(*reset)


def wrong(**changes):
    """Makes a random player whose decisions are changed: name to function of the right ones."""

    class Wrong(RandomPlayer):
        def act(self, rows, steps, clock=None):
            action = super().act(rows, steps, clock).action
            fields = {"action": action} | {
                name: change(action, steps) for name, change in changes.items()
            }
            return Decisions(**fields)

    return Wrong


def spread(action, steps):
    return steps.action_mask / steps.action_mask.sum(1, keepdims=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"action": lambda a, s: a + 99}, "is illegal; expected one of"),
        ({"action": lambda a, s: a.astype(float)}, "expected an integer for each of"),
        ({"action": lambda a, s: a.tolist()}, "expected an integer for each of"),
        ({"action": lambda a, s: np.append(a, 0)}, "expected an integer for each of"),
        ({"value": lambda a, s: a * 0 + 1.5}, "value is .* not in"),
        (
            {"value": lambda a, s: a[:, None] * 0.0},
            r"value is float64\[3, 1\]; expected an array of shape \[3\]",
        ),
        ({"q": lambda a, s: s.action_mask * -2.0}, "q is .* not in"),
        ({"policy": lambda a, s: spread(a, s) * 0.9}, "policy sums to"),
        ({"policy": lambda a, s: s.action_mask * -1.0}, "policy goes down to -1.0"),
        ({"policy": lambda a, s: np.full(s.action_mask.shape, 1 / 5)}, "policy of an illegal"),
        ({"visits": lambda a, s: s.action_mask * 1.0}, "visits are no integers"),
        ({"line": lambda a, s: [[m, 99] for m in a]}, "holds what is no action"),
        ({"line": lambda a, s: [[] for _ in a]}, "begins not with"),
        ({"line": lambda a, s: []}, "line has not one entry"),
        ({"failure": lambda a, s: [Failure("error")] * len(a)}, "the player gave up"),
        ({"failure": lambda a, s: s.observation.fill(1)}, "act changed the observation"),
    ],
)
def test_check_player_catches_wrong_decisions(changes, message):
    with pytest.raises(AssertionError, match=message) as caught:
        check_player(wrong(**changes), "connectx-5x4x3")
    assert "\n" not in str(caught.value)


def test_check_player_accepts_right_decisions():
    right = wrong(
        value=lambda a, s: np.full(len(a), np.nan),
        policy=spread,
        visits=lambda a, s: s.action_mask * 3,
        q=lambda a, s: np.where(s.action_mask, 0.5, np.nan),
        line=lambda a, s: a[:, None].tolist(),
        failure=lambda a, s: [None] * len(a),
    )
    check_player(right, "connectx-5x4x3")


class Forgetful(RandomPlayer):
    """Goes on with its old luck after a reset."""

    def reset(self, spec, seats, seeds):
        if not self._moves.size:
            super().reset(spec, seats, seeds)


class Sociable(RandomPlayer):
    """Lets rows influence each other."""

    def act(self, rows, steps, clock=None):
        self._moves += len(rows)
        return super().act(rows, steps, clock)


@pytest.mark.parametrize(
    ("player", "message"),
    [
        (Forgetful, "after a second reset with the same seeds; expected equal play"),
        (Sociable, "by a new player, one game at a time; expected equal play"),
        (type("Big", (RandomPlayer,), {"max_batch": 0}), "max_batch is 0"),
        (type("Odd", (RandomPlayer,), {"digest": "abc"}), "digest is 'abc'"),
        (object, "lacks a part of agents.base.Player"),
    ],
)
def test_check_player_catches_wrong_players(player, message):
    with pytest.raises(AssertionError, match=message):
        check_player(player, "connectx-5x4x3")


def fresh(code):
    """Runs code in a new process and gives what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return done.stdout.split()


def test_players_are_made_without_heavy_guests():
    made = "; ".join(f"make({named(t)!r})" for t in TYPED if not t.startswith("kaggle"))
    imports = "import sys, agents.check, agents.kaggle_builtin; from agents.registry import make"
    assert not set(fresh(f"{imports}; {made}; print(*sys.modules)")) & HEAVY


def test_the_registry_alone_loads_no_player_and_no_numpy_kernel():
    assert not set(fresh("import sys, agents.registry as r; r.kinds(); print(*sys.modules)")) & {
        "numba",
        "agents.random",
        "agents.negamax",
    }


def test_agents_stay_ours_and_random_stays_the_standard_one_after_kaggle():
    code = (
        "from agents.registry import make; make('kaggle:random'); make('random');"
        "import agents, random, agents.one_ply; print(agents.__file__, random.__file__)"
    )
    ours, standard = fresh(code)
    assert Path(ours) == ROOT / "agents" / "__init__.py"
    assert Path(standard).parent != ROOT / "agents"
