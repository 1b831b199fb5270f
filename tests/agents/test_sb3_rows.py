"""Our episodes as Stable-Baselines3 takes them: legal, in mirrors, several plays side by side."""

import numpy as np

from agents import registry as agent_registry
from agents.sb3_rows import Rows
from agents.selfplay import BothSeats, OneSeat, Other, Starts
from envs import registry

ENV = "connectx-4x4x3"


def rows(mirror=True, seed=5):
    def play(count, other):
        env, starts = registry.make_vector(ENV, count), Starts(ENV, seed + count, 4)
        return OneSeat(env, starts, 0.9, other) if other else BothSeats(env, starts, 0.9)

    other = Other("one-ply", 8, agent_registry.make("one-ply"))
    return Rows(registry.spec(ENV), [play(8, other), play(24, None)], seed, mirror)


def walk(made, steps=40):
    """Plays random legal actions; gives all that is seen."""
    seen, generator = [made.reset()], np.random.default_rng(0)
    for _ in range(steps):
        mask = made.action_masks()
        actions = (mask * generator.random(mask.shape)).argmax(1)
        seen.append(made.step(actions))
    return seen


def test_what_is_legal_is_what_is_seen_also_in_a_mirror():
    made = rows()
    observation = made.reset()
    for _ in range(30):
        top = observation[:, :, 0].sum(1)
        np.testing.assert_array_equal(made.action_masks(), top == 0)
        observation, *_ = made.step(made.action_masks().argmax(1))
    straight = np.array([s.sum() for s in walk(rows(mirror=False))[0]])
    np.testing.assert_array_equal(straight, [s.sum() for s in walk(rows())[0]])


def test_half_of_the_episodes_are_seen_in_a_mirror():
    one, other = rows(mirror=False).reset(), rows().reset()
    same = (one == other).all((1, 2, 3))
    mirrored = (one == other[..., ::-1]).all((1, 2, 3))
    assert (same | mirrored).all()
    assert 4 < (mirrored & ~same).sum() < 24


def test_actions_in_a_mirror_are_played_in_the_mirror():
    made = rows()
    before = made.reset()
    actions = made.action_masks().argmax(1)
    after, _, ended, _ = made.step(actions)
    alone = np.flatnonzero(~ended & (np.arange(32) >= 8))
    for row in alone:  # against itself the other side sees the new disc as not its own
        new = after[row, 1] - before[row, 0]
        assert np.argwhere(new)[:, 1].tolist() == [actions[row]]


def test_discounts_rewards_and_ends_are_those_of_the_plays():
    made = rows()
    assert made.discounts.tolist() == [np.float32(0.81)] * 8 + [np.float32(-0.9)] * 24
    told = [info for _, _, _, infos in walk(made)[1:] for info in infos if info]
    ended = sum(int(step[2].sum()) for step in walk(made)[1:])
    assert made.episodes == sum(map(len, made.returns.values())) or ended > 100
    assert {info["episode"]["r"] for info in told} <= {-1.0, 0.0, 1.0}
    assert set(made.returns) == {"one-ply", "itself"}
    assert np.mean(made.returns["one-ply"]) < 0


def test_equal_seeds_give_equal_rows():
    for one, other in zip(walk(rows())[1:], walk(rows())[1:], strict=True):
        for part, same in zip(one[:3], other[:3], strict=True):
            np.testing.assert_array_equal(part, same)
