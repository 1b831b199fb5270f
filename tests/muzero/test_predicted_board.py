"""A network that imagines boards: it learns how they follow, and searches see what it learned."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from envs import registry
from muzero import architecture
from muzero.imagining import Imagining
from muzero.inference import fold
from muzero.learner import Learner, LearnerConfig
from muzero.limits import SearchConfigError
from muzero.network import NetworkConfig
from muzero.search import GumbelConfig, search
from muzero.selfplay import Selfplay, SelfplayConfig
from muzero.trajectory import TrajectoryBuffer

ENV = "connectx-4x4x3"
CONFIG = NetworkConfig(name="predicted-board", channels=8, blocks=1, column_channels=8, hidden=8)


@pytest.fixture(scope="module")
def taught():
    """A network that has seen random games, and the games."""
    torch.manual_seed(1)
    torch.set_num_threads(1)
    spec = registry.spec(ENV)
    learner = Learner(
        architecture.make(spec, CONFIG), LearnerConfig(batch=128, unroll=1, average=0.9)
    )
    imagining = Imagining(spec, CONFIG)
    imagining.load(fold(learner.average))
    play = Selfplay(ENV, imagining.model, SelfplayConfig(games=128, rows=128, random_chunks=1))
    games = play.play(0, 0)
    buffer, chance = TrajectoryBuffer(1 << 20), np.random.default_rng(0)
    buffer.add("a", games)
    losses = [
        learner.learn(buffer.sample(chance.random(64), 1), chance.random(64) < 0.5, 5e-3)
        for _ in range(400)
    ]
    return learner, games, losses


def test_it_learns_how_boards_follow_and_what_is_legal(taught):
    learner, games, losses = taught
    assert losses[-1]["decoder"] < 0.02 < losses[0]["decoder"]
    starts = np.flatnonzero(games.left >= 4)
    network = learner.average
    with torch.no_grad():
        latent = network.representation(torch.from_numpy(games.observation[starts]).float())
        for step in range(3):
            action = torch.from_numpy(games.action[starts + step].astype(np.int64))
            latent, _ = network.dynamics(latent, action)
        said = network.prediction(latent)
    after = games.observation[starts + 3]
    right = (latent[:, :2].numpy() == after).all((1, 2, 3))
    assert right.mean() > 0.95
    legal = said.rules[:, :, 0].numpy() > 0
    assert (legal == games.action_mask[starts + 3])[right].mean() > 0.95


def test_fused_layers_say_what_the_network_says(taught):
    learner, games, _ = taught
    imagining = Imagining(registry.spec(ENV), CONFIG)
    imagining.load(fold(learner.average))
    seen, model = games.observation[:40], imagining.model
    action = np.arange(40) % 4
    with torch.no_grad():
        latent = learner.average.representation(torch.from_numpy(seen).float())
        latent, _ = learner.average.dynamics(latent, torch.from_numpy(action))
        wanted = learner.average.prediction(latent)
    told = model.recurrent(model.initial(seen).latent, action)
    boards = told.latent.permute(0, 3, 1, 2)[:, :2].float()
    assert (boards == latent[:, :2]).all((1, 2, 3)).float().mean() > 0.95
    assert np.abs(told.logits - wanted.logits.numpy()).mean() < 0.05
    assert np.abs(told.value - torch.tanh(wanted.value / 2).numpy()).mean() < 0.05


def test_a_search_with_it_finds_a_win(taught):
    """Three in a row are there for the taking in column 2."""
    learner, _, _ = taught
    spec = registry.spec(ENV)
    imagining = Imagining(spec, CONFIG)
    imagining.load(fold(learner.average))
    step = registry.make(ENV).reset(0, (0, 0, 1, 1))
    found = search(
        imagining.model, step.observation[None], step.action_mask[None], GumbelConfig(32)
    )
    assert found.action[0] == 2
    assert found.value[0] > 0.5


def test_rewards_and_categories_are_refused():
    spec = registry.spec(ENV)
    for changed in (replace(CONFIG, rule_heads=False), replace(CONFIG, categories=11)):
        with pytest.raises(SearchConfigError, match="take 'board-model'"):
            architecture.make(spec, changed)
