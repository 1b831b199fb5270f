"""The player on a learned model: contract, its two ways to play, time, damage, what it loads."""

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from agents import checkpoint, registry
from agents.base import AgentError, Clock
from agents.check import check_player
from agents.muzero import MuZeroPlayer
from envs import registry as env_registry
from muzero import architecture, weights
from muzero.checkpoint import pack_weights
from muzero.network import NetworkConfig

ROOT = Path(__file__).parents[2]
ENV = "connectx-4x4x3"
HEAVY = {"torch", "gymnasium", "stable_baselines3", "kaggle_environments", "safetensors", "arena"}
SMALL = NetworkConfig(
    "board-model", 8, 1, dynamics_blocks=1, prediction_blocks=1, column_channels=8, hidden=8
)
OF_A_USER = """
from muzero.board_model import BoardModel

class Slow(BoardModel):
    pass
"""


def packed(config=SMALL, env_id=ENV, endless=False):
    """Gives the file of a random network; where `endless`, one that never sees an end."""
    torch.manual_seed(2)
    spec = env_registry.spec(env_id)
    made = architecture.make(spec, config).eval()
    if endless:
        made.heads.policy.bias.data[1:] = torch.tensor([9.0, -9, -9])
    return pack_weights(made, spec, config, "float16")


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """As in the arena, where another one would wait for processors that others use."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def data():
    return packed()


@pytest.fixture
def user(tmp_path, monkeypatch):
    """A network in a module of a user's own, by its name."""
    (tmp_path / "slow_network.py").write_text(OF_A_USER)
    monkeypatch.syspath_prepend(tmp_path)
    yield "slow_network:Slow"
    sys.modules.pop("slow_network", None)


class Blind:
    """A player that is not told the rules of the environment."""

    def __init__(self, data, **options):
        self._inner = MuZeroPlayer("it", data, **options)
        self.max_batch, self.digest, self.act = (
            self._inner.max_batch,
            self._inner.digest,
            self._inner.act,
        )

    def reset(self, spec, seats, seeds):
        self._inner.reset(replace(spec, rules=None), seats, seeds)


def one(count=1):
    return np.zeros(count, np.int64)


def ready(data, env_id=ENV, **options):
    """Gives a player and the first moment of a game."""
    env = env_registry.make_vector(env_id, 1)
    player = MuZeroPlayer("it", data, **options)
    player.reset(env.spec, one(), one())
    return player, env.reset(one(), one())


@pytest.mark.parametrize("simulations", [1, 30])
def test_it_plays_whole_games_without_the_rules(data, simulations):
    check_player(lambda: Blind(data, simulations=simulations), ENV, games=6)


def test_play_by_seconds_keeps_the_contract(data):
    check_player(lambda: Blind(data, seconds=0.005), ENV, games=2, deterministic=False)


@pytest.mark.parametrize("reward_heads", [False, True])
def test_networks_that_are_not_built_in_keep_the_contract(user, reward_heads):
    config = replace(SMALL, rule_heads=False) if reward_heads else replace(SMALL, name=user)
    made = packed(config)
    check_player(lambda: Blind(made, simulations=4), ENV, games=2)


def test_both_ways_say_nearly_the_same(data, user):
    (kernel, step), (slow, _) = (ready(of) for of in (data, packed(replace(SMALL, name=user))))
    one_way, other = kernel.act(one(), step), slow.act(one(), step)
    assert abs(one_way.value - other.value).max() < 0.1
    assert abs(one_way.policy - other.policy).max() < 0.1


def test_its_thoughts_fit_together():
    player, step = ready(packed(endless=True), simulations=64)
    found = player.act(one(), step)
    assert found.visits[0].sum() == 64
    assert found.policy[0].sum() == pytest.approx(1, abs=1e-5)
    assert found.line[0][0] == found.action[0]


def test_seconds_are_kept_and_a_deadline_too():
    made = packed(replace(SMALL, channels=64, dynamics_blocks=4), "connectx", endless=True)
    player, step = ready(made, "connectx", seconds=0.1)
    began = time.monotonic()
    found = player.act(one(), step)
    assert 0.03 < time.monotonic() - began < 0.4
    assert found.visits.sum() >= 32
    player, step = ready(made, "connectx", seconds=60)
    began = time.monotonic()
    player.act(one(), step, Clock(began + 0.3))
    assert time.monotonic() - began < 0.3
    assert player.act(one(), step, Clock(time.monotonic())).visits.sum() <= 1


def test_it_is_found_by_the_name_of_its_run(data, tmp_path, monkeypatch):
    manifest = checkpoint.Manifest("muzero", ENV, "", {}, {})
    checkpoint.write(
        checkpoint.at(tmp_path / "runs/first", 3), manifest, {checkpoint.WEIGHTS: data}
    )
    monkeypatch.chdir(tmp_path)
    assert registry.canonical("runs/first:simulations=9") == "runs/first@3:simulations=9"
    assert registry.canonical("runs/first:simulations=128") == "runs/first@3"
    assert registry.make("runs/first:seconds=0.5").max_batch == 1


def test_it_refuses_other_boards_and_bad_options(data):
    player = MuZeroPlayer("it", data)
    with pytest.raises(AgentError, match="it plays connectx-4x4x3 only, not 'connectx'"):
        player.reset(env_registry.spec("connectx"), one(), one())
    with pytest.raises(AgentError, match="it cannot take simulations=0; choose 1 to 100,000"):
        MuZeroPlayer("it", data, simulations=0)
    with pytest.raises(AgentError, match="it cannot take seconds=-1; choose more than 0"):
        MuZeroPlayer("it", data, seconds=-1)


def refusal(data, env_id=ENV):
    """Gives the words of the one line in which a file is refused."""
    with pytest.raises(AgentError) as caught:
        ready(data, env_id)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_damaged_files_are_refused_in_one_line(data):
    assert "it: the file is damaged" in refusal(data[:-3])
    assert "it: the file is damaged" in refusal(b"\xff" * 40)
    made = weights.unpack_network(data)
    for name, array in made.arrays.items():
        rest = {key: held for key, held in made.arrays.items() if key != name}
        lacking = weights.pack_network(rest, ENV, made.about)
        assert f"it: the weights lack '{name}'" in refusal(lacking)
        wrong = weights.pack_network(rest | {name: array[:-1]}, ENV, made.about)
        assert "choose another agent or get the file again" in refusal(wrong)
    vague = weights.pack_network(made.arrays, ENV, ["board-model"])
    assert "does not say how its network was made" in refusal(vague)
    other = weights.pack_network(made.arrays, "connectx", made.about)
    assert "expected 7 x 8 x 6 x 7 on connectx" in refusal(other, "connectx")


def test_networks_that_cannot_be_made_are_refused_in_one_line(user):
    made = weights.unpack_network(packed(replace(SMALL, name=user)))
    for about, words in (
        ({"name": "no_such_module:Network"}, "cannot import 'no_such_module'"),
        ({"name": "bord-model"}, "did you mean 'board-model'?"),
        ({"colour": "red"}, "its network cannot be used (TypeError: "),
        ({"channels": 9}, "the weights are of another network than 'slow_network:Slow'"),
    ):
        said = refusal(weights.pack_network(made.arrays, ENV, made.about | about))
        assert said.startswith("it: ") and words in said
    plain = replace(SMALL, name="board")
    assert "it: the weights lack 'step.weight'" in refusal(packed(plain))


def test_networks_that_say_no_numbers_are_refused(data):
    made = weights.unpack_network(data)
    huge = {name: np.float32(1e30) * array for name, array in made.arrays.items()}
    assert "not finite" in refusal(weights.pack_network(huge, ENV, made.about))


def test_the_built_in_network_loads_nothing_heavy(data, tmp_path):
    (tmp_path / "weights").write_bytes(data)
    code = (
        "import sys, pathlib, numpy as np; from agents.muzero import MuZeroPlayer;"
        f"from envs import registry as e; env = e.make_vector('{ENV}', 1);"
        "p = MuZeroPlayer('it', pathlib.Path(sys.argv[1]).read_bytes(), simulations=4);"
        "z = np.zeros(1, np.int64); s = env.reset(z, z); p.reset(env.spec, z, z); p.act(z, s);"
        "print(*{m.split('.')[0] for m in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "weights"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    assert set(done.stdout.split()) & HEAVY == set()
