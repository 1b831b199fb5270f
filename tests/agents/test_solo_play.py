"""What a learner goes through alone: lives, signs of rewards, episodes under seeds of their own."""

import numpy as np
import pytest

from agents.sb3_rows import Rows
from agents.solo_play import Alone, SoloConfig, mean_picture
from envs import registry
from envs.base import EnvSpec, TimeStep

SPEC = EnvSpec("count", {"frame_skip": 4}, 1, 3, (2, 84, 84), 0.99)


class Countdown:
    """Each row pays its seed's last digit a step, loses a life every 3 steps and ends after 7."""

    spec = SPEC

    def __init__(self, rows):
        self.num_rows, self.seeds = rows, np.zeros(rows, np.int64)
        self.steps = np.zeros(rows, np.int64)
        self.begun = []

    def reset(self, rows, seeds, starts=None):
        self.steps[rows], self.seeds[rows] = 0, seeds
        self.begun += list(seeds)
        return self.moment(np.zeros(self.num_rows))

    def step(self, actions):
        running = self.steps < 7
        self.steps[running] += 1
        return self.moment(np.where(running, self.seeds % 10 - 5, 0))

    def moment(self, rewards):
        over = self.steps >= 7
        return TimeStep(
            np.broadcast_to(self.steps[:, None, None, None], (self.num_rows, 2, 84, 84)).astype(
                np.uint8
            ),
            np.repeat(~over[:, None], 3, 1),
            np.zeros(self.num_rows, np.int64),
            rewards[:, None].astype(float),
            over,
            np.zeros(self.num_rows, bool),
            {"lives": 2 - self.steps // 3},
        )


def walk(config, steps=7, rows=4):
    env = Countdown(rows)
    play = Alone(env, config, 3, 0.9)
    return env, [play.begin(), *(play.step(np.zeros(rows, np.int64)) for _ in range(steps))]


def test_episodes_end_with_the_game_and_begin_anew_under_other_seeds():
    env, seen = walk(SoloConfig(clip_rewards=False, life_ends=False))
    assert [step.over.all() for step in seen] == [False] * 7 + [True]
    assert [step.ended.any() for step in seen] == [False] * 7 + [True]
    digits = np.array(env.begun[:4]) % 10 - 5
    np.testing.assert_array_equal(seen[1].reward, digits)
    np.testing.assert_array_equal(seen[-1].returns, 7 * digits)
    assert seen[-1].steps.tolist() == [7] * 4
    assert (seen[-1].observation == 0).all(), "it has begun anew"
    assert len(set(env.begun)) == 8
    assert walk(SoloConfig())[0].begun == env.begun


def test_a_life_ends_it_for_the_learner_only_and_signs_are_paid():
    env, seen = walk(SoloConfig())
    assert [step.ended.all() for step in seen] == [
        False,
        False,
        False,
        True,
        False,
        False,
        True,
        True,
    ]
    assert [step.over.any() for step in seen] == [False] * 7 + [True]
    digits = np.array(env.begun[:4]) % 10 - 5
    np.testing.assert_array_equal(seen[1].reward, np.sign(digits))
    np.testing.assert_array_equal(seen[-1].returns, 7 * digits), "returns are those of the game"


def test_rows_say_returns_and_where_episodes_begin():
    rows = Rows(SPEC, [Alone(Countdown(4), SoloConfig(), 3, 0.9)], 0, False)
    rows.reset()
    assert rows.first.all()
    told = []
    for step in range(14):
        _, reward, ended, infos = rows.step(np.zeros(4, np.int64))
        told += [info["episode"]["l"] for info in infos if info]
        assert rows.first.all() == (step % 7 == 6)
        assert ended.all() == (step % 7 in (2, 5, 6))
        assert reward.dtype == np.float32
    assert told == [7] * 8
    assert rows.episodes == 8
    assert rows.discounts.tolist() == pytest.approx([0.9] * 4)


def test_a_game_of_atari_is_played_alone():
    env = registry.make_vector("breakout", 2)
    play = Alone(env, SoloConfig(), 1, 0.99)
    seen = play.begin()
    assert seen.observation.shape == (2, 4, 84, 84)
    ended = 0
    for _ in range(120):
        seen = play.step(np.ones(2, np.int64))
        ended += int(seen.ended.sum())
        assert set(seen.reward) <= {0.0, 1.0}
    assert ended > 2, "lives are lost while nobody catches the ball"
    env.close()


def test_the_mean_picture_is_that_of_random_moments_from_the_first_on():
    mean = mean_picture(Countdown(4), 12, seed=0)
    assert mean.shape == (84, 84) and mean.dtype == np.uint8
    assert (mean == 1).all()  # three moments of each row: 0, 1 and 2


def test_what_moves_is_left_of_pong():
    env = registry.make_vector("pong", 2)
    mean = mean_picture(env, 200, seed=0)
    env.reset(np.arange(2), np.arange(2))
    for _ in range(100):  # the first pictures have other colours
        seen = env.step(np.zeros(2, np.int64)).observation[:, -1]
    assert (np.abs(seen.astype(int) - mean) > 8).mean() < 0.02 < (seen > 8).mean()
