"""The loop of training: weights versions, exact resume, and what stops it."""

from collections import deque
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from envs import registry
from muzero import train as train_module
from muzero import weights
from muzero.board_model import BoardModel
from muzero.config import TrainConfig
from muzero.gumbel import GumbelConfig
from muzero.learner import LearnerConfig
from muzero.limits import SearchConfigError
from muzero.network import NetworkConfig
from muzero.progress import WorkError
from muzero.selfplay import SelfplayConfig
from muzero.train import Beginning, train
from muzero.weights import CheckpointError

ENV = "connectx-4x4x3"


def config(**changes):
    return TrainConfig(
        **{
            "chunks": 6,
            "barrier": 2,
            "lag": 1,
            "network": NetworkConfig(channels=8, blocks=1, column_channels=8, hidden=8),
            "selfplay": SelfplayConfig(games=8, rows=4, search=GumbelConfig(simulations=4)),
            "learner": LearnerConfig(batch=16, first_moments=20),
            **changes,
        }
    )


class Store(dict):
    """Objects in memory."""

    def put(self, data):
        name = str(hash(data))
        self[name] = data
        return name

    def get(self, name):
        return self[name]


def inline(work, jobs, ahead):
    """Runs jobs here, drawing them as an executor must."""
    source, drawn = iter(jobs), deque()
    while True:
        while len(drawn) < ahead and (job := next(source, None)) is not None:
            drawn.append(job)
        if not drawn:
            return
        yield SimpleNamespace(status="ok", value=work(drawn.popleft(), lambda *_: None))


def final(steps):
    """Gives the last progress and its player's weights."""
    *_, last = steps
    return last, last.player()["weights.safetensors"]


@pytest.fixture(scope="module")
def whole():
    """A training from beginning to end, with the states of its barriers."""
    store, states = Store(), {}
    for progress in train(config(), ENV, inline, store):
        if progress.barrier:
            parts = {name: bytes(data) for name, data in progress.state().items()}
            kept = {name: store[name] for name in progress.objects()}
            states[progress.counters["chunks"]] = parts, kept
    return progress, progress.player()["weights.safetensors"], states


def test_it_ends_at_its_barrier_with_all_its_chunks(whole):
    progress, file, states = whole
    assert sorted(states) == [2, 4, 6]
    assert progress.counters["chunks"] == 6
    assert progress.counters["episodes"] == 48
    steps, moments = progress.counters["learner_steps"], progress.counters["env_steps"]
    assert steps == int(moments * 4 / 16)
    assert weights.unpack_network(file).env == ENV
    assert weights.unpack_network(file).arrays["stem.weight"].dtype == np.float16


@pytest.mark.parametrize("barrier", [2, 4])
def test_going_on_from_a_barrier_gives_the_same_bits(whole, barrier):
    _, file, states = whole
    parts, kept = states[barrier]
    progress, again = final(train(config(), ENV, inline, Store(kept), parts))
    assert again == file
    assert progress.state() == whole[0].state()


def test_the_seed_decides_everything(whole):
    _, file = final(train(config(), ENV, inline, Store()))
    assert file == whole[1]
    _, other = final(train(config(seed=1), ENV, inline, Store()))
    assert other != file


RECORDED = ((0, 1, 0, 1, 0), (3, 2, 3, 2, 3))


def test_it_starts_from_weights_that_it_is_given(whole):
    given = weights.unpack_network(whole[1])
    store, seen = Store(), []
    for progress in train(config(chunks=3), ENV, inline, store, Beginning(network=given)):
        seen.append(progress)
    first = weights.unpack_network(store[next(iter(store))]).arrays
    for name, array in first.items():
        np.testing.assert_allclose(array, given.arrays[name], atol=1e-3, err_msg=name)
    _, again = final(train(config(chunks=3), ENV, inline, Store(), Beginning(network=given)))
    assert seen[-1].player()["weights.safetensors"] == again
    other = config(network=NetworkConfig(channels=16, blocks=1, column_channels=8, hidden=8))
    with pytest.raises(CheckpointError, match="with channels=8, that of the training has"):
        next(train(other, ENV, inline, Store(), Beginning(network=given)))


def test_it_goes_on_with_what_it_began_with_without_being_given_it_again(whole):
    begin = Beginning(weights.unpack_network(whole[1]), RECORDED)
    store, parts, kept = Store(), {}, {}
    for progress in train(config(), ENV, inline, store, begin):
        if progress.counters["chunks"] == 4:
            parts = {name: bytes(data) for name, data in progress.state().items()}
            kept = {name: store[name] for name in progress.objects()}
    last, again = final(train(config(), ENV, inline, Store(kept), parts))
    assert again == progress.player()["weights.safetensors"]
    assert last.state() == progress.state()
    for other in (Beginning(begin.network), Beginning(games=RECORDED), None):
        assert final(train(config(), ENV, inline, Store(), other))[1] != again


@pytest.mark.parametrize("lag", [0, 1, 2])
def test_chunks_act_with_the_weights_that_the_lag_says(lag):
    seen, store = [], Store()

    def watching(work, jobs, ahead):
        assert ahead == lag + 1

        def noted(job, report):
            seen.append(job.weights)
            return work(job, report)

        return inline(noted, jobs, ahead)

    versions = []
    for progress in train(config(lag=lag), ENV, watching, store):
        versions.append(progress.objects()[-1])
    start = seen[0]
    wanted = [start] * (lag + 1) + versions
    assert seen == wanted[: len(seen)]


def test_learning_waits_for_experience():
    late = config(learner=LearnerConfig(batch=16, first_moments=10**6))
    progress, _ = final(train(late, ENV, inline, Store()))
    assert progress.counters["learner_steps"] == 0
    assert "loss" not in progress.metrics


def test_failing_selfplay_ends_it():
    def failing(work, jobs, ahead):
        next(iter(jobs))
        yield SimpleNamespace(status="crash", value="killed by signal 9")

    with pytest.raises(WorkError, match="crash: killed by signal 9"):
        next(train(config(), ENV, failing, Store()))


def test_states_of_other_networks_and_damaged_ones_are_refused(whole):
    parts, kept = whole[2][2]
    wide = config(network=NetworkConfig(channels=16, blocks=1, column_channels=8, hidden=8))
    with pytest.raises(CheckpointError, match="of another network"):
        next(train(wide, ENV, inline, Store(kept), parts))
    cut = {**parts, "state.safetensors": parts["state.safetensors"][:-1]}
    with pytest.raises(CheckpointError, match="damaged"):
        next(train(config(), ENV, inline, Store(kept), cut))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"chunks": 0}, "chunks = 0 is impossible"),
        ({"lag": -1}, "lag = -1 is impossible"),
        ({"reanalyze": -1}, "reanalyze = -1 is impossible"),
        (
            {"learner": LearnerConfig(unroll=5), "selfplay": SelfplayConfig(keep=9)},
            "keep = 9 needs true rules",
        ),
    ],
)
def test_impossible_configs_are_refused(changes, words):
    with pytest.raises(SearchConfigError, match=words):
        config(**changes)


def test_mirrors_are_for_boards_with_an_action_for_each_column(monkeypatch):
    flat = replace(registry.spec(ENV), observation_shape=(4,))
    monkeypatch.setattr(registry, "spec", lambda id: flat)
    with pytest.raises(
        SearchConfigError, match=r"no mirror image; set train\.learner\.mirror=false"
    ):
        train_module.validate(config(), ENV)
    plain = config(learner=LearnerConfig(batch=16, mirror=False))
    with pytest.raises(SearchConfigError, match="this network cannot play it"):
        train_module.validate(plain, ENV)


class Forgetful(BoardModel):
    """A network with chance in it."""

    def representation(self, observation):
        return torch.nn.functional.dropout(super().representation(observation), 0.2, self.training)


def test_chance_in_a_network_is_the_same_after_a_stop():
    made = config(
        chunks=3,
        network=NetworkConfig(f"{__name__}:Forgetful", 8, 1, 1, 1, 8, 8),
        learner=LearnerConfig(
            batch=16, replay_ratio=1, unroll=1, first_moments=20, consistency_weight=1.0
        ),
    )
    store, steps = Store(), []
    for progress in train(made, ENV, inline, store):
        if progress.counters["chunks"] == 2:
            parts = {name: bytes(data) for name, data in progress.state().items()}
            kept = {name: store[name] for name in progress.objects()}
        steps.append(progress.counters["learner_steps"])
    assert steps[1] < steps[2]
    torch.manual_seed(6)
    last, again = final(train(made, ENV, inline, Store(kept), parts))
    assert again == progress.player()["weights.safetensors"]
    assert last.state() == progress.state()


def test_comparing_latents_changes_nothing_that_a_training_starts_with():
    def first(weight):
        size = NetworkConfig("board-model", 8, 1, 1, 1, 8, 8)
        learner = LearnerConfig(batch=16, unroll=1, first_moments=10**6, consistency_weight=weight)
        made = config(chunks=1, network=size, learner=learner)
        return final(train(made, ENV, inline, Store()))[0].state()["state.safetensors"]

    plain, compared = (weights.unpack(first(weight))[0] for weight in (0, 1))
    assert set(plain) < set(compared)
    for name, array in plain.items():
        assert np.array_equal(array, compared[name]), name


def test_more_considered_actions_than_exist_are_refused():
    many = SelfplayConfig(games=8, rows=4, search=GumbelConfig(simulations=4, max_considered=9))
    with pytest.raises(SearchConfigError, match="more than the 4 actions"):
        train_module.validate(config(selfplay=many), ENV)
