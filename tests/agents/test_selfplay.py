"""Whom a learner meets, where games begin, and what it is paid."""

import numpy as np
import pytest

from agents import registry as agent_registry
from agents import selfplay
from agents.selfplay import BothSeats, OneSeat, Other, PoolConfig, Starts
from configs.loader import ConfigError
from envs import registry

ENV = "connectx-4x4x3"


def starts(plies=4, seed=1):
    return Starts(ENV, seed, plies)


def first_legal(seen):
    return seen.action_mask.argmax(1)


def test_openings_are_legal_random_and_follow_from_the_seed():
    drawn = starts(8).draw(200)
    env, rows = registry.make_vector(ENV, 200), np.arange(200)
    assert not env.reset(rows, rows, drawn).last.any()
    assert {len(opening) for opening in drawn} >= {0, 1, 2, 3, 4, 5}
    assert starts(8).draw(200) == drawn
    again = starts(8)
    assert again.draw(80) + again.draw(120) == drawn, "in whatever portions"
    assert starts(8, seed=2).draw(200) != drawn


def test_against_itself_every_ply_is_a_step_paid_to_who_moved():
    play = BothSeats(registry.make_vector(ENV, 32), starts(), 0.9)
    seen = play.begin()
    assert play.discount == -0.9
    paid = 0
    for _ in range(40):
        seen = play.step(first_legal(seen))
        assert seen.action_mask.any(1).all(), "ended rows have begun anew"
        assert set(seen.reward) <= {0, 1}, "nobody loses by his own move"
        assert (seen.reward[~seen.ended] == 0).all()
        assert (np.abs(seen.returns[seen.ended]) == seen.reward[seen.ended]).all()
        paid += seen.reward.sum()
    assert paid > 20


def test_against_another_the_learner_sits_at_both_seats_and_can_lose():
    other = Other("one-ply", 64, agent_registry.make("one-ply"))
    play = OneSeat(registry.make_vector(ENV, 64), starts(3), 0.9, other)
    seen = play.begin()
    assert play.discount == pytest.approx(0.81)
    discs = seen.observation.sum((1, 2, 3))
    assert {0, 1} <= set(discs % 2)
    rewards = []
    for _ in range(30):
        before = seen.observation.sum((1, 2, 3))
        seen = play.step(first_legal(seen))
        after = seen.observation.sum((1, 2, 3))
        assert (after - before)[~seen.ended].tolist() == [2] * int((~seen.ended).sum())
        rewards += seen.reward[seen.ended].tolist()
        assert seen.reward.tolist() == seen.returns.tolist()
    assert {-1, 1} <= set(rewards)
    assert np.mean(rewards) < 0


def test_a_guest_moves_for_one_side_of_each_game_only():
    class Last:
        """Plays the last legal column."""

        def reset(self, spec, seats, seeds):
            self.seats = seats

        def act(self, rows, steps, clock=None):
            self.rows, self.steps = rows, steps
            mask = steps.action_mask
            return type("D", (), {"action": mask.shape[1] - 1 - mask[:, ::-1].argmax(1)})

    guest = Last()
    play = BothSeats(registry.make_vector(ENV, 16), starts(2), 1.0, Other("last", 16, guest))
    seen = play.begin()
    for _ in range(12):
        wished = first_legal(seen)
        actions = play.fill(wished)
        assert (guest.steps.to_play == guest.seats[guest.rows]).all()
        own = np.setdiff1d(np.arange(16), guest.rows)
        assert (actions[own] == wished[own]).all()
        mask = seen.action_mask[guest.rows]
        assert (actions[guest.rows] == 3 - mask[:, ::-1].argmax(1)).all()
        seen = play.step(actions)


def test_rows_of_a_pool_are_shared_out_and_the_newest_past_self_is_met():
    config = PoolConfig(("random", "one-ply"), 0.25, 0.5, past_at_once=2)
    made = [lambda n=n: f"self {n}" for n in range(5)]
    found = selfplay.others(config, 64, made, seed=3)
    assert [(other.name, other.rows) for other in found[:2]] == [("random", 8), ("one-ply", 8)]
    past = found[2:]
    assert [other.rows for other in past] == [16, 16]
    assert past[-1].player == "self 4"
    assert past[-1].name == "past 1"
    others = {selfplay.others(config, 64, made, seed)[2].player for seed in range(30)}
    assert others == {"self 0", "self 1", "self 2", "self 3"}
    assert len(selfplay.others(config, 64, [], 0)) == 2


def test_pools_that_cannot_be_are_refused():
    with pytest.raises(ConfigError, match="whose sum is at most 1"):
        PoolConfig(agents_share=0.6, past_share=0.6)
    with pytest.raises(ConfigError, match="random_plies = 0; give at least 1"):
        PoolConfig(random_plies=0)
