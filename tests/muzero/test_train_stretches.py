"""Trainings on games for one: the same bits after any stop and with any number of workers."""

from dataclasses import replace

import numpy as np
import pytest

from arena.executor import Local
from arena.store import FolderStore
from muzero import chunk, weights
from muzero import train as train_module
from muzero.config import TrainConfig
from muzero.gumbel import GumbelConfig
from muzero.learner import LearnerConfig
from muzero.limits import SearchConfigError
from muzero.network import NetworkConfig
from muzero.selfplay_config import SelfplayConfig
from muzero.train import train

NETWORK = NetworkConfig(
    "flat-model", 8, hidden=16, categories=7, categories_limit=1.5, reward_categories=3
)


def config(**changes):
    search = GumbelConfig(simulations=3, range_floor=0.1)
    return TrainConfig(
        **{
            "chunks": 6,
            "barrier": 2,
            "network": NETWORK,
            "selfplay": SelfplayConfig(
                rows=4, search=search, steps=7, random_chunks=1, n_step=4, td_lambda=0.9
            ),
            "learner": LearnerConfig(
                batch=24, replay_ratio=6, unroll=2, root_share=0, first_moments=20, mirror=False
            ),
            **changes,
        }
    )


def states(steps, store):
    """Gives the last progress and, by chunks, the states of barriers with what they need."""
    found = {}
    for progress in steps:
        if progress.barrier:
            parts = {name: bytes(data) for name, data in progress.state().items()}
            kept = {name: store.get(name) for name in progress.objects()}
            found[progress.counters["chunks"]] = parts, kept
    return progress, found


def player(progress):
    return progress.player()["weights.safetensors"]


@pytest.fixture(scope="module")
def whole(alone):
    store = alone.store()
    return states(train(config(), "catch", alone.map, store), store)


@pytest.mark.parametrize("barrier", [2, 4])
def test_going_on_from_a_barrier_gives_the_same_bits(whole, alone, barrier):
    last, found = whole
    parts, kept = found[barrier]
    chunk._stage.cache_clear()  # as another process, which holds no rows
    store = alone.store(kept)
    again, _ = states(train(config(), "catch", alone.map, store, parts), store)
    assert player(again) == player(last)
    assert again.state() == last.state()


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_workers_change_nothing(whole, tmp_path, workers):
    executor, store = Local(workers), FolderStore(tmp_path / "objects")
    try:
        last, _ = states(train(config(), "catch", executor.map, store), store)
        assert player(last) == player(whole[0])
    finally:
        executor.close()


def test_it_counts_steps_and_the_episodes_that_ended(whole):
    last, _ = whole
    assert last.counters["env_steps"] == 6 * 28
    assert last.counters["episodes"] == 2 * 4 * (3 * 7 // 9)
    assert last.counters["learner_steps"] == 6 * 28 * 6 // 24
    assert -1 <= last.metrics["rollout/ep_rew_mean"] <= 1
    assert last.metrics["time/fps"] > 0
    assert last.metrics["beyond"] == 0
    assert set(last.metrics) >= {"policy", "value", "reward", "loss"}


def test_searching_anew_goes_on_after_a_stop(alone):
    made, store = config(reanalyze=1.0), alone.store()
    last, found = states(train(made, "catch", alone.map, store), store)
    assert last.counters["reanalyzed"] > 28
    parts, kept = found[4]
    chunk._stage.cache_clear()
    other = alone.store(kept)
    again, _ = states(train(made, "catch", alone.map, other, parts), other)
    assert again.state() == last.state()


@pytest.mark.parametrize("env_id", ["catch", "cartpole"])
def test_consistency_and_plain_rewards_are_switches(alone, env_id):
    network = NetworkConfig("flat-model", 8, hidden=16, categories=7, categories_limit=120)
    learner = LearnerConfig(
        batch=24, replay_ratio=3, unroll=2, consistency_weight=1.0, first_moments=20, mirror=False
    )
    made = config(chunks=3, network=network, learner=learner)
    *_, last = train(made, env_id, alone.map, alone.store())
    assert "consistency" in last.metrics
    assert np.isfinite(last.metrics["loss"])


def test_values_asked_anew_make_another_training(whole, alone):
    learner = replace(config().learner, fresh_values=True)
    *_, last = train(config(learner=learner), "catch", alone.map, alone.store())
    assert np.isfinite(last.metrics["value"])
    assert player(last) != player(whole[0])


def test_maps_are_learned_too(alone):
    network = NetworkConfig("map-model", 8, 0, 1, 0, hidden=16, categories=7, categories_limit=1.5)
    *_, last = train(config(chunks=2, network=network), "catch", alone.map, alone.store())
    arrays = weights.unpack_network(player(last)).arrays
    assert "dynamics_tower.0.first.0.weight" in arrays
    assert np.isfinite(last.metrics["reward"])


def test_values_that_the_network_cannot_hold_are_counted(alone):
    network = NetworkConfig("flat-model", 8, hidden=16, categories=7, categories_limit=0.5)
    *_, last = train(config(chunks=3, network=network), "catch", alone.map, alone.store())
    assert 0 < last.metrics["beyond"] <= 1


@pytest.mark.parametrize(
    ("env_id", "changes", "words"),
    [
        ("connectx-4x4x3", {}, "games for two in whole games"),
        ("catch", {"selfplay": SelfplayConfig(games=4, rows=4)}, "are played in chunks of steps"),
        ("catch", {"network": NetworkConfig("flat-model")}, None),
        ("cartpole", {"network": NetworkConfig("flat-model")}, "set network.categories"),
        ("cartpole", {"network": NetworkConfig("map-model", categories=9)}, "shows no pictures"),
        (
            "pong",
            {"network": NetworkConfig("flat-model", picture=41, categories=9)},
            "network.picture = 41 is no divisor of 84",
        ),
        (
            "pong",
            {
                "network": NetworkConfig("flat-model", categories=9),
                "learner": LearnerConfig(unroll=1, batch=8, mirror=False, buffer_mb=1),
                "selfplay": SelfplayConfig(rows=32, steps=64),
            },
            "does not hold one chunk of 2,176 moments of 7,056 bytes; give at least 15",
        ),
    ],
)
def test_what_does_not_fit_is_refused(env_id, changes, words):
    made = config(**changes)
    if words is None:
        return train_module.validate(made, env_id)
    with pytest.raises(SearchConfigError, match=words):
        train_module.validate(made, env_id)
    return None


def test_chunks_of_steps_need_a_model():
    with pytest.raises(SearchConfigError, match="steps = 7 needs a learned model"):
        config(learner=LearnerConfig())
