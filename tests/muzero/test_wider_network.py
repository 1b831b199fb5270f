"""The example of a network of your own: it is small, learns, resumes and plays."""

from pathlib import Path

import numpy as np
import pytest

from envs import registry
from examples import wider_network
from muzero import weights
from muzero.config import TrainConfig
from muzero.gumbel import GumbelConfig
from muzero.imagining import Imagining
from muzero.learner import LearnerConfig
from muzero.network import NetworkConfig
from muzero.search import Searcher
from muzero.selfplay import SelfplayConfig
from muzero.train import train

ENV = "connectx-4x4x3"
CONFIG = TrainConfig(
    chunks=2,
    barrier=1,
    network=NetworkConfig("examples.wider_network:Wide", 8, 1, 1, 1, 8, 8),
    selfplay=SelfplayConfig(games=6, rows=6, search=GumbelConfig(4), random_chunks=1),
    learner=LearnerConfig(batch=30, replay_ratio=2, unroll=2, first_moments=20),
)


@pytest.fixture(scope="module")
def trained(alone):
    """Gives the progress of a training, and the state at its first barrier with its objects."""
    store = alone.store()
    steps = train(CONFIG, ENV, alone.map, store)
    first = next(steps)
    state = {name: bytes(data) for name, data in first.state().items()}
    kept = alone.store({name: store[name] for name in first.objects()})
    *_, last = steps
    return last, (state, kept)


def test_it_is_as_short_as_an_example_should_be():
    text = Path(wider_network.__file__).read_text(encoding="utf-8")
    assert text.count("\n") <= 40


def test_it_learns_and_resumes(trained, alone):
    last, (state, kept) = trained
    assert last.counters["chunks"] == 2 and last.counters["learner_steps"] > 0
    wanted = {"policy", "value", "legal", "ends", "decoder", "final", "loss"}
    assert wanted <= last.metrics.keys()
    *_, again = train(CONFIG, ENV, alone.map, kept, state)
    assert again.player() == last.player() and again.state() == last.state()


def test_its_checkpoint_plays_whole_games(trained):
    file = weights.unpack_network(trained[0].player()["weights.safetensors"], ENV)
    assert any("excite" in name for name in file.arrays), "the changed blocks are kept"
    spec = registry.spec(ENV)
    model = Imagining(spec, NetworkConfig(**file.about))
    model.load(file.arrays)
    searcher, env = Searcher(model.model, GumbelConfig(8, gumbel_scale=0), 1), registry.make(ENV)
    for seed in range(3):
        step, plies = env.reset(seed, (seed,)), 0
        while not step.last:
            found = searcher(step.observation[None], step.action_mask[None])
            assert step.action_mask[found.action[0]]
            step, plies = env.step(int(found.action[0])), plies + 1
        assert plies >= 4 and np.abs(step.rewards).max() <= 1
