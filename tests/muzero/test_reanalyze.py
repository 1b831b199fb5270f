"""Random chunks, and stored moments that are searched anew."""

import numpy as np
import pytest

from envs import registry
from muzero.config import TrainConfig
from muzero.gumbel import GumbelConfig
from muzero.learner import LearnerConfig
from muzero.models import RulesModel
from muzero.network import NetworkConfig
from muzero.search import search
from muzero.selfplay import Selfplay, SelfplayConfig, hasten
from muzero.train import train
from muzero.trajectory import TrajectoryBuffer

ENV = "connectx-4x4x3"
SPEC = registry.spec(ENV)
SEARCH = GumbelConfig(simulations=8)


def config(**changes):
    return SelfplayConfig(
        **{"games": 12, "rows": 5, "search": SEARCH, "random_plies": 4, **changes}
    )


def other(hashed):
    """Gives a model that disagrees with `hashed.on_rules`."""
    plain = hashed.on_rules(SPEC).network

    def network(observation):
        logits, value = plain(observation)
        return -logits, -value

    return RulesModel(SPEC, network)


def silent(observation):
    raise AssertionError("the network was asked")


def randomly(**changes):
    model = RulesModel(SPEC, silent)
    return Selfplay(ENV, model, config(random_chunks=2, random_share=0.0, **changes))


def test_random_games_are_legal_whole_and_teach_no_policy():
    part = randomly(decay=0.5, n_step=2).play(7, 1)
    moves = np.flatnonzero(part.left > 0)
    assert part.episodes == 12
    assert part.action_mask[moves, part.action[moves]].all()
    assert not part.weight.any() and not part.policy.any()
    assert np.array_equal(part.value, part.returns)
    for place in moves:
        left = int(part.left[place])
        outcome = part.reward[place + left - 1]
        assert part.returns[place] == pytest.approx(outcome * (-0.5) ** (left - 1))


def test_random_moves_are_uniform_over_the_legal_ones():
    part = randomly(games=300, rows=100).play(1, 0)
    for count in (2, 3, 4):
        rows = np.flatnonzero((part.left > 0) & (part.action_mask.sum(1) == count))
        rank = (part.action_mask[rows].cumsum(1)[np.arange(len(rows)), part.action[rows]]) - 1
        share = np.bincount(rank, minlength=count) / len(rows)
        sigma = np.sqrt((1 - 1 / count) / count / len(rows))
        assert np.abs(share - 1 / count).max() < 4 * sigma, (count, share, len(rows))


def test_only_the_first_chunks_are_random(hashed):
    selfplay = Selfplay(ENV, hashed.on_rules(SPEC), config(random_chunks=2))
    assert not selfplay.play(7, 1).weight.any()
    searched = selfplay.play(7, 2)
    assert (searched.weight == (searched.left > 0)).all()
    plain = Selfplay(ENV, hashed.on_rules(SPEC), config()).play(7, 2)
    assert searched.pack() == plain.pack()


def again(model, old, seed=3, index=4, place=0, **changes):
    return Selfplay(ENV, model, config(**changes)).reanalyze(seed, index, old, place)


@pytest.fixture(scope="module")
def old(hashed):
    return Selfplay(ENV, hashed.on_rules(SPEC), config(cheap_share=0.5)).play(7, 0)


def test_what_was_played_stays_and_what_was_thought_is_new(hashed, old):
    new = again(other(hashed), old)
    for name in ("observation", "action_mask", "action", "reward", "left"):
        assert np.array_equal(getattr(new, name), getattr(old, name)), name
    moves = old.left > 0
    assert (new.weight == moves).all() and not (old.weight == moves).all()
    assert np.abs(new.policy[moves].sum(1) - 1).max() < 2e-3
    assert not new.policy[~old.action_mask].any() and not new.policy[~moves].any()
    assert np.abs(new.policy - old.policy).max() > 0.1
    assert np.abs(new.value - old.value).max() > 0.1 and not new.value[~moves].any()
    assert np.array_equal(new.returns, old.returns), "the outcome stays, however it is searched"


def test_policies_and_values_are_those_of_a_search(hashed, old):
    """Without noise nothing but the position decides."""
    quiet = GumbelConfig(simulations=8, gumbel_scale=0.0)
    model, made = other(hashed), config(search=quiet, decay=0.9)
    new = again(model, old, search=quiet, decay=0.9)
    moves = np.flatnonzero(old.left > 0)
    found = search(model, old.observation[moves], old.action_mask[moves], quiet)
    policy, q = hasten(found, made)
    assert np.array_equal(new.policy[moves], policy.astype(np.float16))
    assert np.allclose(new.value[moves], np.nansum(policy * q, 1), atol=2e-3)


def test_returns_that_look_at_values_look_at_the_new_ones(hashed, old):
    new = again(other(hashed), old, n_step=2, decay=0.9)
    for place in np.flatnonzero(old.left > 0):
        if old.left[place] > 2:
            wanted = 0.81 * new.value[place + 2]
        else:
            wanted = (-0.9) ** (old.left[place] - 1) * old.reward[place + old.left[place] - 1]
        assert new.returns[place] == pytest.approx(wanted, abs=1e-5)


def test_it_follows_from_seed_and_chunk_alone(hashed, old):
    one = again(other(hashed), old)
    assert again(other(hashed), old, rows=1).pack() == one.pack()
    assert again(other(hashed), old, seed=4).pack() != one.pack()
    assert again(other(hashed), old, index=5).pack() != one.pack()
    assert again(other(hashed), old, place=1).pack() != one.pack(), "two shards of one chunk"
    assert again(other(hashed), one).pack() == one.pack(), "what was thought before is no matter"


def test_noise_loses_weight_along_a_game_as_it_does_in_self_play(hashed, old):
    model, two = other(hashed), {"search": GumbelConfig(simulations=2)}
    loud, fading = (again(model, old, noise_half=half, **two).policy for half in (0, 1))
    quiet = again(model, old, search=GumbelConfig(simulations=2, gumbel_scale=0.0)).policy
    begin, late = (old.ply == 0) & (old.left > 0), (old.ply >= 5) & (old.left > 0)
    assert np.array_equal(fading[begin], loud[begin])
    assert (fading[late] == quiet[late]).mean() > 0.95 > (loud[late] == quiet[late]).mean()


def test_random_games_teach_a_policy_once_they_are_searched(hashed):
    part = randomly().play(7, 0)
    new = again(hashed.on_rules(SPEC), part)
    assert new.weight.sum() == (part.left > 0).sum()
    assert np.array_equal(new.action, part.action)
    assert np.isfinite(new.value).all() and np.abs(new.value).max() <= 1


def test_trees_that_are_kept_leave_nothing_for_what_comes_next(hashed, old):
    """Whoever plays a chunk may have played any other before, with other weights."""
    changes = {"keep": 64, "random_share": 0.0, "games": 5}
    answers = [other(hashed).network]
    model = RulesModel(SPEC, lambda observation: answers[0](observation))
    opened = np.flatnonzero((old.left > 0) & ~old.observation.any((1, 2, 3)))
    begun = type(old)(*(np.repeat(field[opened], 5, 0) for field in old))
    selfplay = Selfplay(ENV, model, config(**changes))
    selfplay.reanalyze(1, 0, type(old)(*(field[:5] for field in begun)))
    answers[0] = hashed.on_rules(SPEC).network
    fresh = Selfplay(ENV, hashed.on_rules(SPEC), config(**changes))
    assert selfplay.play(7, 3).pack() == fresh.play(7, 3).pack()
    assert selfplay.reanalyze(1, 5, old).pack() == fresh.reanalyze(1, 5, old).pack()


def test_a_shard_that_was_searched_anew_takes_its_place(hashed, old):
    buffer = TrajectoryBuffer(1 << 20)
    for name in ("a", "b"):
        buffer.add(name, old)
    new = again(other(hashed), old)
    size = buffer.size
    buffer.replace("b", "c", new)
    assert buffer.shards == ["a", "c"] and buffer.size == size
    last = buffer.sample(np.array([1 - 1e-9]), 0)
    place = np.flatnonzero(old.left > 0)[-1]
    assert np.array_equal(last.policy[0, 0], new.policy[place].astype(np.float32))


NETWORK = NetworkConfig("board-model", channels=8, blocks=1, column_channels=8, hidden=8)


def training(**changes):
    return TrainConfig(
        **{
            "chunks": 6,
            "barrier": 1,
            "lag": 2,
            "reanalyze": 1.5,
            "recent": 0.8,
            "network": NETWORK,
            "selfplay": config(
                games=6, rows=3, search=GumbelConfig(simulations=4), random_chunks=1
            ),
            "learner": LearnerConfig(batch=24, replay_ratio=1, first_moments=20, unroll=2),
            **changes,
        }
    )


def trained(alone, made, kept=(), state=None):
    """Trains; gives the last progress and the states of all barriers, with what they need."""
    store, states = alone.store(kept), []
    for progress in train(made, ENV, alone.map, store, state):
        parts = {name: bytes(data) for name, data in progress.state().items()}
        kept = {name: store[name] for name in progress.objects()}
        states.append((parts, kept))
        for name in set(store) - set(kept):  # as a run forgets what no checkpoint needs
            del store[name]
    return progress, states


def test_no_shard_is_searched_twice_at_once(alone):
    made = training(reanalyze=3.0, recent=1.0)
    store, named = alone.store(), []

    def watched(work, jobs, ahead):
        def noted(job, report):
            named.append(job.old)
            return work(job, report)

        return alone.map(noted, jobs, ahead)

    *_, progress = train(made, ENV, watched, store)
    for first in range(made.chunks):
        at_once = [name for old in named[first : first + made.lag + 1] for name in old]
        assert len(at_once) == len(set(at_once))
    assert progress.counters["reanalyzed"] > 0


def test_what_was_forgotten_meanwhile_is_neither_kept_nor_counted(alone):
    store = alone.store()
    *_, progress = train(training(recent=0.0, chunks=4), ENV, alone.map, store)
    assert progress.counters["reanalyzed"] == 0
    shards = [data for data in store.values() if b"action_mask" in data[:2000]]
    assert len(shards) == 4


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"lag": 0},
        {
            "network": NetworkConfig(channels=8, blocks=1, column_channels=8, hidden=8),
            "selfplay": config(games=5, rows=5, search=GumbelConfig(simulations=4), keep=32),
            "learner": LearnerConfig(batch=24, replay_ratio=1, first_moments=20),
        },
    ],
    ids=["learned", "no-lag", "rules"],
)
def test_a_training_that_searches_anew_resumes_with_the_same_bits(alone, changes):
    made = training(**changes)
    progress, states = trained(alone, made)
    whole = progress.player(), progress.state()
    assert progress.counters["reanalyzed"] > 0
    for stopped in (1, 3):
        parts, kept = states[stopped]
        found, _ = trained(alone, made, kept, parts)
        assert found.counters == progress.counters
        assert (found.player(), found.state()) == whole
