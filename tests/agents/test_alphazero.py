"""The player of the zoo: contract, proofs in its tree, damage, and what it may load."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from agents import checkpoint, registry, trained
from agents.alphazero import AlphaZeroPlayer
from agents.base import AgentError, Clock
from agents.check import check_player
from envs import registry as env_registry
from muzero import weights

ROOT = Path(__file__).parents[2]
NAME = "zoo/connectx-alphazero"
HEAVY = {"torch", "gymnasium", "stable_baselines3", "kaggle_environments", "safetensors", "arena"}


@pytest.mark.parametrize("options", ["simulations=1", "simulations=30"])
def test_it_keeps_the_contract(options):
    check_player(lambda: registry.make(f"{NAME}:{options}"), "connectx", games=4)


def test_play_by_seconds_keeps_the_contract():
    check_player(
        lambda: registry.make(f"{NAME}:seconds=0.02"), "connectx", games=2, deterministic=False
    )


def decide(moves, options="simulations=100"):
    player = registry.make(f"{NAME}:{options}")
    env = env_registry.make_vector("connectx", 1)
    step = env.reset(np.zeros(1, int), np.zeros(1, int), [moves])
    player.reset(env.spec, np.zeros(1, np.int64), np.zeros(1, np.int64))
    return player.act(np.zeros(1, np.int64), step)


def test_it_wins_at_once_and_says_so():
    found = decide([0, 6, 1, 6, 2, 5])
    assert found.action[0] == 3
    assert found.value[0] == 1
    assert found.q[0, 3] == 1
    assert list(found.line[0]) == [3]


def test_it_blocks():
    assert decide([0, 6, 1, 6, 5, 6]).action[0] == 6


def test_it_proves_a_win_in_two_moves():
    # Two discs beside each other with both ends open: 2 or 5 next makes a line that has two ends.
    found = decide([3, 3, 4, 4])
    assert found.action[0] in (1, 2, 5)
    assert found.value[0] == 1


def test_its_thoughts_fit_together():
    found = decide([], "simulations=64")
    assert found.visits[0].sum() == 64
    assert found.policy[0].sum() == pytest.approx(1, abs=1e-5)
    assert found.line[0][0] == found.action[0]
    assert -1 <= found.value[0] <= 1


def test_seconds_are_kept_and_a_deadline_too():
    import time

    env = env_registry.make_vector("connectx", 1)
    step = env.reset(np.zeros(1, int), np.zeros(1, int))
    player = registry.make(f"{NAME}:seconds=0.3")
    player.reset(env.spec, np.zeros(1, np.int64), np.zeros(1, np.int64))
    began = time.monotonic()
    found = player.act(np.zeros(1, np.int64), step)
    assert 0.1 < time.monotonic() - began < 0.6
    assert found.visits.sum() > 200
    slow = registry.make(f"{NAME}:seconds=60")
    slow.reset(env.spec, np.zeros(1, np.int64), np.zeros(1, np.int64))
    began = time.monotonic()
    slow.act(np.zeros(1, np.int64), step, Clock(began + 0.3))
    assert time.monotonic() - began < 0.6


def test_it_refuses_other_boards_and_bad_options():
    player = registry.make(NAME)
    spec = env_registry.spec("connectx-5x4x3")
    with pytest.raises(AgentError, match="plays connectx only, not 'connectx-5x4x3'"):
        player.reset(spec, np.zeros(1, np.int64), np.zeros(1, np.int64))
    with pytest.raises(AgentError, match="cannot take simulations=0; choose 1 to"):
        registry.make(f"{NAME}:simulations=0")
    with pytest.raises(AgentError, match="cannot take seconds=-1; choose more than 0"):
        registry.make(f"{NAME}:seconds=-1")
    with pytest.raises(AgentError, match="did you mean 'simulations'"):
        registry.make(f"{NAME}:simulation=5")


def test_damaged_weights_are_refused():
    data = checkpoint.read(trained.ZOO / "connectx-alphazero", checkpoint.WEIGHTS)
    with pytest.raises(AgentError, match="it: the file is damaged"):
        AlphaZeroPlayer("it", data[:-5])
    arrays = weights.unpack_network(data).arrays
    other = weights.pack({n: a for n, a in arrays.items() if n != "stem.bias"}, {"format": "9"})
    with pytest.raises(AgentError, match="format 9, expected 1"):
        AlphaZeroPlayer("it", other)


def test_it_loads_nothing_heavy():
    code = (
        "import sys, numpy as np; from agents import registry; from envs import registry as e;"
        f"p = registry.make('{NAME}:simulations=4'); env = e.make_vector('connectx', 1);"
        "z = np.zeros(1, np.int64); s = env.reset(z, z); p.reset(env.spec, z, z); p.act(z, s);"
        "print(*{m.split('.')[0] for m in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert set(done.stdout.split()) & HEAVY == set()
