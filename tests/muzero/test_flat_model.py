"""The networks of pictures: shapes, silence at the beginning, and one answer in every form."""

import numpy as np
import pytest
import torch

from envs import registry
from muzero import architecture
from muzero.flat_model import Eye
from muzero.imagining import Imagining, reward_scale, scale
from muzero.inference import fold
from muzero.limits import SearchConfigError
from muzero.network import NetworkConfig

PONG = {"picture": 42, "categories": 11, "categories_limit": 10, "reward_categories": 3}
KINDS = [
    ("pong", NetworkConfig("flat-model", 8, hidden=16, **PONG), (16,)),
    ("pong", NetworkConfig("map-model", 8, 1, 1, 1, hidden=16, **PONG), (8, 6, 6)),
    ("catch", NetworkConfig("flat-model", 8, hidden=16), (16,)),
    ("cartpole", NetworkConfig("flat-model", hidden=16, categories=5), (16,)),
]


@pytest.mark.parametrize(("env_id", "config", "latent"), KINDS)
def test_a_new_network_expects_nothing(env_id, config, latent):
    spec = registry.spec(env_id)
    network = architecture.make(spec, config)
    architecture.check(network, spec, config, 5)
    shape = architecture.view(spec, config).shape
    seen = torch.randint(0, 256, (3, *shape), generator=torch.Generator().manual_seed(0)).float()
    with torch.no_grad():
        known = network.representation(seen)
        moved, reward = network.dynamics(known, torch.tensor([0, 1, 1]))
        said = network.prediction(moved)
    assert known.shape == moved.shape == (3, *latent)
    for rows in (known, moved):
        np.testing.assert_allclose(rows.flatten(1).mean(1), 0, atol=1e-5)
        np.testing.assert_allclose(rows.flatten(1).std(1, correction=0), 1, atol=1e-2)
    assert not torch.equal(moved[0], moved[1])
    assert not said.logits.any()
    for numbers, places in ((said.value, scale(config)), (reward, reward_scale(config))):
        found = numbers if places is None else places.mean(numbers)
        np.testing.assert_allclose(found, 0, atol=1e-3)


@pytest.mark.parametrize(("env_id", "config", "latent"), KINDS)
def test_what_acts_says_what_learns(env_id, config, latent, monkeypatch):
    monkeypatch.setattr("muzero.imagining.fast_type", lambda: torch.float32)
    spec, torch_seed = registry.spec(env_id), torch.manual_seed(1)
    network = architecture.make(spec, config).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, 0, 0.05, torch_seed)
    acting = Imagining(spec, config)
    acting.load(fold(network))
    seen = np.random.default_rng(0).integers(0, 256, (3, *architecture.view(spec, config).shape))
    first = acting.model.initial(seen.astype(np.uint8))
    actions = np.array([0, 1, 0])
    then = acting.model.recurrent(first.latent, actions)
    with torch.no_grad():
        known = network.representation(torch.from_numpy(seen).float())
        moved, reward = network.dynamics(known, torch.from_numpy(actions))
        said = network.prediction(moved)
    np.testing.assert_allclose(then.logits, said.logits, atol=1e-4)
    places, gained = scale(config), reward_scale(config)
    value = torch.tanh(said.value / 2) if places is None else places.mean(said.value)
    np.testing.assert_allclose(then.value, value, atol=1e-3)
    np.testing.assert_allclose(
        then.reward, reward if gained is None else gained.mean(reward), atol=1e-3
    )


def test_pictures_are_cut_into_cells():
    seen = torch.arange(2 * 4 * 42 * 42).float().reshape(2, 4, 42, 42)
    eye = Eye((4, 42, 42), 8)
    assert (eye.cell, eye.size) == (3, (8, 6, 6))
    wanted = torch.nn.functional.pixel_unshuffle(seen, 3) / 64
    assert torch.equal(eye._cut(seen), wanted)
    assert eye._cut(seen).is_contiguous(memory_format=torch.channels_last)
    assert Eye((4, 84, 84), 8).size == (8, 6, 6)


def test_what_is_always_there_is_not_seen():
    torch.manual_seed(0)
    screen = torch.randint(0, 256, (1, 1, 42, 42)).float()
    ball = torch.zeros(64, 4, 42, 42)
    ball[torch.arange(64), :, torch.arange(64) % 42, 20] = 8
    eye = Eye((4, 42, 42), 8).train()
    for _ in range(3):
        eye(screen + ball)
    assert (eye.mean - screen).abs().max() < 1
    assert torch.equal(eye._cut(screen.expand(1, 4, 42, 42)), torch.zeros(1, 36, 14, 14))
    assert eye._cut(screen + ball).abs().amax((1, 2, 3)).min() == 8 / 64


def test_the_mean_picture_stands_still_after_a_while():
    eye, first = Eye((4, 42, 42), 8).train(), torch.full((2, 4, 42, 42), 100.0)
    eye.eval()(first)
    assert not eye.mean.any()
    eye.train()(first)
    assert (eye.mean == 100).all()
    eye.steps.fill_(256)
    eye(first + 50)
    assert (eye.mean == 100).all()


def test_pictures_that_cannot_be_cut_are_refused():
    with pytest.raises(SearchConfigError, match="5 x 3 pixels cannot be cut"):
        Eye((1, 5, 3), 8)
    with pytest.raises(SearchConfigError, match="categories, beside reward_categories, = 0"):
        NetworkConfig("flat-model", reward_categories=3)
