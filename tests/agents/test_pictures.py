"""Networks of pictures without PyTorch say what they say as they learn."""

import numpy as np
import pytest
import torch

from agents import sb3_networks
from agents.base import AgentError
from agents.check import check_player
from agents.dqn_player import DqnPlayer
from agents.pictures import SHAPES
from agents.ppo_player import PpoPlayer
from agents.sb3_networks import NetworkConfig
from configs.loader import ConfigError
from envs import registry

SPEC = registry.spec("pong")


def made(pictures, mean_steps=0):
    torch.manual_seed(1)
    config = NetworkConfig(pictures=pictures, bfloat16=False, mean_steps=mean_steps)
    network = sb3_networks.make(SPEC, config)
    if mean_steps:
        mean = np.random.default_rng(1).integers(0, 256, (84, 84), np.uint8)
        sb3_networks.centre(network, mean)
    torch.nn.init.normal_(network.actions.weight, std=0.1)
    return network, sb3_networks.pack(network, SPEC, config, "float32")


@pytest.mark.parametrize("mean_steps", [0, 9])
@pytest.mark.parametrize("pictures", SHAPES)
def test_without_pytorch_the_answers_are_the_same_in_any_batch(pictures, mean_steps):
    network, data = made(pictures, mean_steps)
    seen = np.random.default_rng(0).integers(0, 256, (5, 4, 84, 84), np.uint8)
    with torch.no_grad():
        actions, value = network(torch.from_numpy(seen))
    player = PpoPlayer("it", data)
    player.reset(SPEC, np.zeros(5, np.int64), np.arange(5))
    found = player._reflex._answer(seen)
    np.testing.assert_allclose(found.actions, actions, atol=1e-4)
    np.testing.assert_allclose(found.value, value, atol=1e-4)
    alone = player._reflex._answer(seen[2:3])
    np.testing.assert_array_equal(alone.actions[0], found.actions[2])


def test_tiles_say_what_the_layer_says_of_pictures_as_they_are():
    network = made("nature")[0]
    seen = torch.randint(0, 256, (3, 4, 84, 84), dtype=torch.uint8)
    x = seen / 255
    for layer in (network.conv0, network.conv1, network.conv2):
        x = torch.relu(layer(x))
    actions = network.actions(torch.relu(network.dense(x.flatten(1))))
    torch.testing.assert_close(network(seen)[0], actions, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("player", [PpoPlayer, DqnPlayer])
def test_players_of_pictures_keep_the_contract(player):
    data = made("small")[1]
    check_player(lambda: player("it", data, sample=True), "pong", games=1, moves=40)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ConfigError, match=r"network.pictures = 'natur'; did you mean 'nature'"):
        NetworkConfig(pictures="natur")
    other = registry.spec("breakout")
    config = NetworkConfig(pictures="small")
    data = sb3_networks.pack(sb3_networks.make(other, config), SPEC, config)
    with pytest.raises(AgentError, match=r"know 4 actions, ALE/Pong-v5 has 6"):
        PpoPlayer("it", data).reset(SPEC, np.zeros(1, np.int64), np.zeros(1, np.int64))


def test_ppo_draws_its_actions_in_games_for_one_unless_told_otherwise():
    data, moments = made("small")[1], registry.make_vector("pong", 64)
    steps = moments.reset(np.arange(64), np.zeros(64, np.int64))
    chosen = []
    for options in ({}, {"sample": True}, {"sample": False}):
        player = PpoPlayer("it", data, **options)
        player.reset(SPEC, np.zeros(64, np.int64), np.arange(64))
        chosen.append(player.act(np.arange(64), steps).action)
    np.testing.assert_array_equal(chosen[0], chosen[1])
    assert len(set(chosen[0])) > 1 == len(set(chosen[2]))
