"""The Gymnasium faces: the checkers of Gymnasium and SB3, and rows equal to Gymnasium's own."""

import subprocess
import sys
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from stable_baselines3.common.env_checker import check_env as check_for_sb3

from agents.base import AgentError
from agents.gym_env import SeatEnv, SeatVectorEnv
from envs.registry import UnknownEnvError

ROOT = Path(__file__).parents[2]
SMALL = {"env": "connectx-5x4x3", "opponent": "one-ply"}


@pytest.mark.parametrize("seat", [0, 1, "alternate"])
@pytest.mark.parametrize("env", ["connectx", "connectx-5x4x3"])
def test_the_checkers_have_nothing_to_say(env, seat):
    options = {"env": env, "opponent": "negamax:depth=2", "seat": seat}
    made = gymnasium.make("arena/connectx-v0", render_mode="rgb_array", **options)
    check_env(made.unwrapped)
    check_for_sb3(made.unwrapped)
    check_for_sb3(made)


def test_gymnasium_makes_it_by_id():
    env = gymnasium.make("arena/connectx-v0", opponent="negamax:depth=4", render_mode="rgb_array")
    check_env(env.unwrapped)
    observation, info = env.reset(seed=3)
    assert observation.shape == (2, 6, 7) and not observation.any()
    assert info["seat"] == 0 and info["action_mask"].all()
    assert env.get_wrapper_attr("action_masks")().all()
    assert env.render().dtype == np.uint8
    rows = gymnasium.make_vec("arena/connectx-v0", num_envs=3, opponent="random", seat=1)
    assert isinstance(rows.unwrapped, SeatVectorEnv)
    assert rows.reset(seed=3)[0].sum() == 3


def test_a_fresh_python_needs_only_the_id():
    code = (
        "import gymnasium; e = gymnasium.make('agents.gym_env:arena/connectx-v0', "
        "opponent='negamax:depth=4'); print(e.reset(seed=1)[0].shape)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, cwd=ROOT
    )
    assert done.stdout == "(2, 6, 7)\n", done.stderr


def scalar(**options):
    return SeatEnv(**{**SMALL, **options})


def same(mine, theirs):
    """Compares what two vector envs gave, dicts as deep as they go."""
    if isinstance(theirs, dict):
        assert mine.keys() == theirs.keys()
        for key in theirs:
            same(mine[key], theirs[key])
    elif isinstance(theirs, np.ndarray) and theirs.dtype == object:
        assert [x is None for x in mine] == [x is None for x in theirs]
        for left, right in zip(mine, theirs, strict=True):
            if right is not None:
                same(left, right)
    else:
        assert mine.dtype == theirs.dtype
        np.testing.assert_array_equal(mine, theirs)


def actions(masks, chance):
    """Gives a legal action for each row, now and then an illegal one."""
    legal = np.array([chance.choice(np.flatnonzero(m)) if m.any() else 0 for m in masks])
    return np.where(chance.random(len(masks)) < 0.02, 4, legal)


@pytest.mark.parametrize("seat", [1, "alternate"])
@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_rows_are_those_of_gymnasium(mode, seat):
    mode = AutoresetMode(mode)
    ours = SeatVectorEnv(5, **SMALL, seat=seat, autoreset_mode=mode)
    theirs = SyncVectorEnv([lambda: scalar(seat=seat)] * 5, autoreset_mode=mode)
    assert ours.metadata["autoreset_mode"] == mode
    assert ours.observation_space == theirs.observation_space
    assert ours.action_space == theirs.action_space
    for seed in (11, [3, 1, 4, 1, 5], None):
        for mine, other in zip(ours.reset(seed=seed), theirs.reset(seed=seed), strict=True):
            same(mine, other)
        chance = np.random.default_rng(0)
        for _ in range(60):
            chosen = actions(ours.action_masks(), chance)
            for mine, other in zip(ours.step(chosen), theirs.step(chosen), strict=True):
                same(mine, other)


def test_rows_begin_when_they_are_told_to():
    ours = SeatVectorEnv(4, **SMALL, autoreset_mode=AutoresetMode.DISABLED)
    theirs = SyncVectorEnv([scalar] * 4, autoreset_mode=AutoresetMode.DISABLED)
    ours.reset(seed=2), theirs.reset(seed=2)
    chance = np.random.default_rng(0)
    for step in range(80):
        chosen = actions(ours.action_masks(), chance)
        results = ours.step(chosen), theirs.step(chosen)
        for mine, other in zip(*results, strict=True):
            same(mine, other)
        over = results[0][2] | results[0][3]
        if over.any():
            seed = [9, None, 9, 8] if step > 40 else None
            told = ours.reset(seed=seed, options={"reset_mask": over})
            for mine, other in zip(
                told, theirs.reset(seed=seed, options={"reset_mask": over}), strict=True
            ):
                same(mine, other)


def test_rows_that_ended_stand_still_without_autoreset():
    rows = SeatVectorEnv(2, **SMALL, seat=0, autoreset_mode=AutoresetMode.DISABLED)
    rows.reset(seed=0)
    observation, reward, terminated, _, _ = rows.step(np.array([9, 1]))
    assert reward.tolist() == [-1, 0] and terminated.tolist() == [True, False]
    again = rows.step(np.array([0, 1]))
    assert again[1][0] == 0 and again[2][0] and (again[0][0] == observation[0]).all()


def test_who_wins_and_loses_is_paid_at_the_end():
    env = SeatEnv(opponent="random", seat=0)
    returns = []
    for seed in range(30):
        env.reset(seed=seed)
        rewards, terminated, height = [], False, 0
        while not terminated:
            column = 3 if env.action_masks()[3] and height < 6 else int(env.action_masks().argmax())
            _, reward, terminated, truncated, _ = env.step(column)
            rewards.append(reward)
            height += 1
        assert not truncated and not any(rewards[:-1])
        returns.append(rewards[-1])
    assert set(returns) <= {1.0, 0.0, -1.0} and returns.count(1.0) > 15


def test_wrong_options_are_said():
    with pytest.raises(AgentError, match="did you mean 'random'"):
        SeatEnv(opponent="randm")
    with pytest.raises(UnknownEnvError, match="did you mean 'connectx'"):
        SeatVectorEnv(2, "conectx", opponent="random")
    with pytest.raises(ValueError, match="Sometimes"):
        SeatVectorEnv(2, opponent="random", autoreset_mode="Sometimes")
