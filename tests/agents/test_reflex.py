"""Players that act by a network alone: what they say, by chance or not, and what they load."""

import copy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from agents import sb3_networks
from agents.base import AgentError
from agents.check import check_player
from agents.dqn_player import DqnPlayer
from agents.ppo_player import PpoPlayer
from agents.sb3_networks import NetworkConfig
from envs import registry
from envs.base import TimeStep

ROOT = Path(__file__).parents[2]
ENV = "connectx-5x4x3"
CONFIG = NetworkConfig(channels=16, blocks=2, column_channels=16, hidden=24, bfloat16=False)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(1)
    made = sb3_networks.make(registry.spec(ENV), CONFIG)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_(0, 0.3)
        for layer in (made.policy, made.out):
            layer.weight *= 0.03
            layer.bias *= 0.03
    return made


@pytest.fixture(scope="module")
def data(network):
    return packed(network)


def packed(network):
    return sb3_networks.pack(network, registry.spec(ENV), CONFIG, "float32")


def moments(plies=9, rows=24):
    """Gives moments of random games."""
    env, every = registry.make_vector(ENV, rows), np.arange(rows)
    step, generator = env.reset(every, every), np.random.default_rng(2)
    for _ in range(plies):
        chance = generator.random(step.action_mask.shape) * step.action_mask
        step = env.step(chance.argmax(1))
    return step.take(np.flatnonzero(~step.last))


def ready(player, rows):
    player.reset(registry.spec(ENV), np.zeros(rows, np.int64), np.arange(rows))
    return player


def said(network, observation):
    """Gives what the network says in PyTorch, the mean over both images."""
    with torch.no_grad():
        straight = network(torch.from_numpy(observation))
        mirrored = network(torch.from_numpy(observation[..., ::-1].copy()))
    return (straight[0] + mirrored[0].flip(1)).numpy() / 2, [straight[1], mirrored[1]]


def test_a_policy_is_that_of_the_network_as_it_learns(network, data):
    steps = moments()
    assert not steps.action_mask.all(), "some columns are full"
    found = ready(PpoPlayer("it", data), len(steps.to_play)).act(
        np.arange(len(steps.to_play)), steps
    )
    logits, values = said(network, steps.observation)
    masked = np.where(steps.action_mask, logits, -np.inf)
    policy = torch.softmax(torch.from_numpy(masked), 1).numpy()
    np.testing.assert_allclose(found.policy, policy, atol=1e-4)
    np.testing.assert_allclose(found.value, sum(torch.tanh(v / 2) for v in values) / 2, atol=1e-4)
    assert (found.action == policy.argmax(1)).all()
    assert (found.policy[~steps.action_mask] == 0).all()


def test_q_is_that_of_the_network_as_it_learns(network):
    steps = moments()
    rows = np.arange(len(steps.to_play))
    loud = copy.deepcopy(network)
    with torch.no_grad():
        loud.policy.weight *= 10
    found = ready(DqnPlayer("it", packed(loud)), len(rows)).act(rows, steps)
    q, _ = said(loud, steps.observation)
    assert np.isnan(found.q[~steps.action_mask]).all()
    inside = q.clip(-1, 1)[steps.action_mask]
    np.testing.assert_allclose(found.q[steps.action_mask], inside, atol=1e-4)
    assert (np.abs(q[steps.action_mask]) > 1).any(), "what is impossible is brought into range"
    np.testing.assert_array_equal(found.action, np.where(steps.action_mask, q, -9e9).argmax(1))
    np.testing.assert_allclose(found.value, np.nanmax(found.q, 1))


def test_a_position_and_its_mirror_image_are_the_same(data):
    steps = moments()
    rows = np.arange(len(steps.to_play))
    player = ready(PpoPlayer("it", data), len(rows))
    mirrored = TimeStep(
        np.ascontiguousarray(steps.observation[..., ::-1]),
        np.ascontiguousarray(steps.action_mask[:, ::-1]),
        steps.to_play, steps.rewards, steps.terminated, steps.truncated,
    )  # fmt: skip
    one, other = player.act(rows, steps), player.act(rows, mirrored)
    np.testing.assert_allclose(one.policy, other.policy[:, ::-1], atol=1e-6)
    np.testing.assert_allclose(one.value, other.value, atol=1e-6)


def test_chance_follows_the_policy_and_the_seed(network, data):
    steps = moments(plies=3, rows=8)
    many = steps.take(np.zeros(4000, np.int64))
    rows = np.arange(4000)
    player = ready(PpoPlayer("it", data, sample=True), 4000)
    found = player.act(rows, many)
    shares = np.bincount(found.action, minlength=5) / 4000
    np.testing.assert_allclose(shares, found.policy[0], atol=0.03)
    assert (player.act(rows, many).action != found.action).any(), "another move, another chance"
    player = ready(PpoPlayer("it", data, sample=True), 4000)
    assert (player.act(rows, many).action == found.action).all()
    likely = ready(DqnPlayer("it", data, sample=True), 4000).act(rows, many)
    q, _ = said(network, steps.observation[:1])
    expected = np.exp((q[0] - q[0].max()) / 0.1)
    shares = np.bincount(likely.action, minlength=5) / 4000
    np.testing.assert_allclose(shares, expected / expected.sum(), atol=0.03)


@pytest.mark.parametrize("sample", [False, True])
@pytest.mark.parametrize("player", [PpoPlayer, DqnPlayer])
def test_they_keep_the_contract_of_players(data, player, sample):
    check_player(lambda: player("it", data, sample=sample), ENV, games=4)


@pytest.mark.parametrize("player", [PpoPlayer, DqnPlayer])
def test_what_cannot_be_used_is_refused_in_one_line(data, player):
    with pytest.raises(AgentError, match="the file is damaged"):
        player("it", data[:-1])
    with pytest.raises(AgentError, match=f"it plays {ENV} only, not 'connectx'"):
        player("it", data).reset(registry.spec("connectx"), np.zeros(1), np.zeros(1))


def test_they_load_no_pytorch():
    code = (
        "import agents.ppo_player, agents.dqn_player, sys\n"
        "print(*{'torch', 'stable_baselines3', 'gymnasium', 'arena'} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.strip() == ""
