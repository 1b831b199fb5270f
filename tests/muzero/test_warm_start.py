"""Networks from the weights of others: nothing they say changes, playing or learning."""

import dataclasses
from functools import cache

import numpy as np
import pytest
import torch

from envs import registry
from muzero import architecture, checkpoint, inference, warm_start, weights
from muzero.network import NetworkConfig
from muzero.weights import CheckpointError

ENV = "connectx-5x4x3"
TRUE_RULES = NetworkConfig(channels=8, blocks=1, column_channels=8, hidden=8)
LEARNED = dataclasses.replace(TRUE_RULES, name="board-model", dynamics_blocks=1)
BOARDS = dataclasses.replace(TRUE_RULES, name="predicted-board")
REWARDS = dataclasses.replace(LEARNED, rule_heads=False)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """A second one loses more on a busy machine than it gains."""
    torch.set_num_threads(1)


def made(config, env=ENV, seed=0):
    """Gives a network whose normalisations have seen something, as in a training."""
    torch.manual_seed(seed)
    network = architecture.make(registry.spec(env), config)
    for norm in network.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(norm.weight, 0.5, 1.5)
            torch.nn.init.normal_(norm.bias, 0, 0.3)
            norm.running_mean.normal_(0, 0.5)
            norm.running_var.uniform_(0.5, 2)
    return network.eval()


@cache
def file(config, env=ENV, kind="float16"):
    packed = checkpoint.pack_weights(made(config, env), registry.spec(env), config, kind)
    return weights.unpack_network(packed)


@cache
def started(config, kind="float16", seed=0):
    """Gives a network that started from the file of another."""
    network = made(config, seed=1)
    warm_start.load(network, file(config, kind=kind), ENV, config, seed)
    return network


@torch.no_grad()
def said(network, observation, actions):
    """Gives all that plays, along some steps where there is a model, as the learner asks."""
    latents = [network.representation(observation)]
    for action in actions if hasattr(network, "dynamics") else ():
        latents.append(network.dynamics(latents[-1], action)[0])
    out = network.prediction(torch.cat(latents))
    return [part for part in (out.logits, out.value, out.rules) if part is not None]


@pytest.mark.parametrize("config", [TRUE_RULES, LEARNED, BOARDS], ids=["rules", "model", "boards"])
def test_an_unfolded_network_folds_into_the_file_again(config):
    stored, folded = file(config), inference.fold(started(config))
    assert folded.keys() == stored.arrays.keys()
    for name, array in folded.items():
        np.testing.assert_allclose(array, stored.arrays[name], atol=1e-3, err_msg=name)


@pytest.mark.parametrize("config", [TRUE_RULES, LEARNED, BOARDS], ids=["rules", "model", "boards"])
def test_it_says_what_the_other_said_playing_and_nearly_so_learning(config):
    network, seen = started(config, "float32"), warm_start._moments(ENV, 5)
    other = said(made(config), *seen)
    for mine, theirs in zip(said(network, *seen), other, strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-3, rtol=1e-3)
    for mine, theirs in zip(said(network.train(), *seen), other, strict=True):
        assert (mine - theirs).abs().mean() < 0.6 * theirs.std(0).mean()


@pytest.mark.parametrize("config", [TRUE_RULES, LEARNED, BOARDS], ids=["rules", "model", "boards"])
def test_what_the_file_lacks_stays_and_the_seed_decides_the_rest(config):
    before, one, other = made(config, seed=1), started(config), started(config, seed=1)
    same = started.__wrapped__(config)
    head = "board.weight" if config is TRUE_RULES else "final.weight"
    assert torch.equal(one.state_dict()[head], before.state_dict()[head])
    for name, tensor in one.state_dict().items():
        assert torch.equal(tensor, same.state_dict()[name])
    measured = "stem.1.running_mean"
    assert not torch.equal(one.state_dict()[measured], other.state_dict()[measured])
    assert not any(module._forward_pre_hooks for module in one.modules())


def test_a_network_that_is_not_folded_is_taken_as_it_is():
    network, source = started(REWARDS), made(REWARDS)
    for name, tensor in source.state_dict().items():
        assert torch.equal(network.state_dict()[name], tensor), name


def without(stored, name):
    return stored._replace(about={}, arrays={n: a for n, a in stored.arrays.items() if n != name})


def spoiled(stored, name):
    return stored._replace(arrays={**stored.arrays, name: stored.arrays[name] * np.nan})


@pytest.mark.parametrize(
    ("config", "stored", "words"),
    [
        (TRUE_RULES, file(TRUE_RULES, "connectx-4x4x3"), "for connectx-4x4x3, not for connectx-5x"),
        (LEARNED, file(TRUE_RULES), "a learned model starts from a learned model only"),
        (
            dataclasses.replace(TRUE_RULES, channels=16, blocks=2),
            file(TRUE_RULES),
            "with channels=8, blocks=1, that of the training has channels=16, blocks=2",
        ),
        (
            dataclasses.replace(LEARNED, dynamics_blocks=2),
            file(LEARNED)._replace(about={}),
            "with dynamics_blocks=1, that of the training has dynamics_blocks=2",
        ),
        (TRUE_RULES, without(file(TRUE_RULES), "out.bias"), "have no 'out.bias', the network"),
        (
            dataclasses.replace(REWARDS, categories=5, categories_limit=2.0),
            file(dataclasses.replace(REWARDS, categories=5, categories_limit=3.0)),
            "with categories_limit=3.0, that of the training has categories_limit=2.0",
        ),
        (REWARDS, file(LEARNED), "with rule_heads=True, that of the training has rule_heads=False"),
        (
            TRUE_RULES,
            spoiled(file(TRUE_RULES), "out.bias"),
            "'out.bias' of the weights is not finite",
        ),
    ],
)
def test_weights_of_something_else_are_refused_in_a_line(config, stored, words):
    with pytest.raises(CheckpointError) as caught:
        warm_start.check(stored, ENV, config)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
