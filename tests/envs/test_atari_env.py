"""Atari episodes: the contract, and lock-step with ale-py's own vector env."""

from dataclasses import replace
from functools import cache, partial

import numpy as np
import pytest
from ale_py import AtariVectorEnv

from envs import registry
from envs.atari_env import emulator_seed
from envs.atari_games import MINIMAL, PROTOCOLS
from envs.atari_state import SavedStateError
from envs.base import Env, IllegalActionError
from envs.check import check_env

EVERYDAY = ["pong", "breakout@nature", "qbert", "pooyan", "trondead@nature-full", "seaquest"]
"""Joystick and paddle; all protocols but one; a screen of 220 lines, and a game of which the
emulator restores no whole frame."""


@cache
def used(id):
    """Gives an env that many tests use, as a used env must play as a new one does."""
    return registry.make(id)


def same(one, other):
    names = ("observation", "rewards", "terminated", "truncated")
    return all(np.array_equal(getattr(one, n), getattr(other, n)) for n in names)


def play(env, actions, moment):
    """Plays actions from a moment on; gives all moments and digests, to the end at most."""
    moments, digests = [moment], [env.digest()]
    for action in actions:
        if moment.last:
            break
        moment = env.step(int(action))
        moments.append(moment)
        digests.append(env.digest())
    return moments, digests


def random_actions(env, steps, seed=0):
    return np.random.default_rng(seed).integers(0, env.spec.num_actions, steps)


@pytest.mark.parametrize("id", EVERYDAY)
def test_games_keep_the_contract(id):
    check_env(partial(used, id), steps=20)
    assert isinstance(used(id), Env)


def test_recorded_episodes_run_side_by_side_in_this_process():
    check_env(partial(used, "pong"), partial(registry.make_recorded, "pong"), steps=6)


def theirs(env, seed, sticky):
    """Gives ale-py's vector env of one row, reset as the episode of `seed` begins."""
    other = AtariVectorEnv(
        env.spec.options["game"],
        1,
        noop_max=0,
        use_fire_reset=False,
        reward_clipping=False,
        repeat_action_probability=sticky,
        num_threads=1,
    )
    observation, info = other.reset(seed=np.array([emulator_seed(seed)]))
    return other, observation[0], info["lives"][0]


def lockstep(env, seed, sticky, actions):
    """Plays both to the end at most and compares everything that both tell."""
    moment = env.reset(seed)
    other, observation, lives = theirs(env, seed, sticky)
    for time, action in enumerate((*actions, None)):
        assert np.array_equal(moment.observation, observation), time
        assert moment.info["lives"] == lives, time
        if moment.last or action is None:
            return moment
        moment = env.step(int(action))
        observations, rewards, terminated, truncated, info = other.step(np.array([action]))
        observation, lives = observations[0], info["lives"][0]
        told = moment.rewards[0], moment.terminated, moment.truncated
        assert told == (rewards[0], terminated[0], truncated[0]), time


@pytest.mark.parametrize(
    ("id", "seed"),
    [("seaquest", 0), ("berzerk", 2**62 + 1), ("breakout", 7), ("miniature_golf", 1)],
)
def test_sticky_actions_are_the_emulators_own(id, seed):
    lockstep(used(id), seed, 0.25, random_actions(used(id), 150, seed))


@pytest.mark.parametrize("id", ["breakout", "trondead"])
def test_the_end_is_that_of_the_emulator(id):
    env = used(id)
    assert lockstep(env, 4, 0.25, random_actions(env, 3000)).terminated


def test_seeds_make_episodes_differ():
    env = used("seaquest")
    actions = random_actions(env, 40)
    assert len({play(env, actions, env.reset(seed))[1][-1] for seed in range(4)}) == 4
    idle = used("breakout@nature")
    begun = {idle.reset(seed).observation.tobytes() + idle.digest() for seed in range(60)}
    assert 10 < len(begun) <= 30  # 1 to 30 idle frames
    for id in ("pong", "seaquest"):  # without idle frames all begin alike
        assert len({used(id).reset(seed).observation.tobytes() for seed in range(4)}) == 1


@pytest.mark.parametrize("id", ["seaquest", "trondead@nature-full"])
def test_a_used_env_plays_as_a_new_one(id):
    env, actions = used(id), random_actions(used(id), 40)
    play(env, random_actions(env, 77, 1), env.reset(9))
    old, new = (play(e, actions, e.reset(5)) for e in (env, registry.make(id)))
    assert all(map(same, old[0], new[0]))
    assert old[1] == new[1]


@pytest.mark.parametrize("id", ["seaquest", "breakout@nature", "trondead@nature-full", "qbert"])
@pytest.mark.parametrize("steps", [0, 2, 41])
def test_a_saved_state_goes_on_as_if_it_had_never_stopped(id, steps):
    env, actions = used(id), random_actions(used(id), 60)
    env.reset(3, actions[:steps].tolist())
    saved, picture = env.save(), env.render()
    assert len(saved) < 20_000
    expected = play(env, actions[steps:], env.reset(3, actions[:steps].tolist()))
    env.reset(8, [1] * 5)
    for _ in range(2):
        moment = env.reset(3, saved)
        assert np.array_equal(env.render(), picture)
        again = env.save()
        found = play(env, actions[steps:], moment)
        assert all(map(same, found[0], expected[0]))
        assert found[1] == expected[1]
        saved = again


def test_a_saved_state_can_be_saved_again_later():
    env, actions = used("seaquest"), random_actions(used("seaquest"), 120).tolist()
    expected = play(env, actions, env.reset(1))
    moment = env.reset(1)
    for time, action in enumerate(actions):
        if time % 23 == 22:
            moment = env.reset(1, env.save())
            assert env.digest() == expected[1][time]
        moment = env.step(action)
        assert np.array_equal(moment.observation, expected[0][time + 1].observation)


def test_another_seed_lets_a_saved_state_go_on_otherwise():
    env = used("seaquest")
    env.reset(0, [2] * 30)
    saved = env.save()
    actions = random_actions(env, 40)
    assert len({play(env, actions, env.reset(seed, saved))[1][-1] for seed in range(4)}) == 4


def test_bad_states_and_starts_are_refused():
    env = used("pong")
    env.reset(0)
    saved = env.save()
    for bad in (b"", b"nonsense", saved[:-9]):
        with pytest.raises(SavedStateError, match="is damaged"):
            env.reset(0, bad)
    with pytest.raises(
        SavedStateError, match=r"is of ALE/Pong-v5 by .*, not of ALE/Seaquest-v5 by"
    ):
        used("seaquest").reset(0, saved)
    with pytest.raises(IllegalActionError, match=r"start of 2 actions .* number 2, 6, is illegal"):
        env.reset(0, [0, 6])


def test_the_longest_episode_is_truncated(monkeypatch):
    env = registry.make("seaquest")
    longer, _ = play(env, [2] * 20, env.reset(0))
    short = replace(PROTOCOLS["sticky"], max_frames=40)
    monkeypatch.setattr(env, "_protocol", short)
    moments, _ = play(env, [2] * 20, env.reset(0))
    assert len(moments) == 11
    assert moments[-1].truncated
    assert not moments[-1].terminated
    assert not moments[-1].action_mask.any()
    assert np.array_equal(moments[-1].observation, longer[10].observation)
    for call in (env.save, partial(env.step, 0)):
        with pytest.raises(IllegalActionError, match=r"ALE/Seaquest-v5 is over"):
            call()


def test_the_picture_is_the_last_frame():
    env = used("pooyan")
    env.reset(0)
    first = env.render()
    assert first.shape == (220, 160, 3)
    env.step(0)
    assert not np.array_equal(env.render(), first)
    env.reset(0)
    assert np.array_equal(env.render(), first)


@pytest.mark.slow
@pytest.mark.parametrize("game", MINIMAL)
def test_every_game_repeats_saves_and_is_the_emulators_own(game):
    env = registry.make(game)
    assert [a.value for a in env._ale.getMinimalActionSet()] == list(MINIMAL[game])
    check_env(lambda: env, steps=60)
    actions = random_actions(env, 1000)
    if game != "double_dunk":  # ale-py lets actions stick in the menu that begins it
        lockstep(env, 7, 0.25, actions)
    moments, digests = play(env, actions, env.reset(7))
    env.reset(1, [0] * 9)
    moment, saves = env.reset(7), []
    for time, action in enumerate(actions[: len(moments) - 1]):
        assert same(moment, moments[time]), time
        assert env.digest() == digests[time], time
        if time % 90 == 11:
            saves.append((time, env.save()))
        moment = env.step(int(action))
    for time, saved in saves:
        found = play(env, actions[time : time + 100], env.reset(7, saved))
        assert all(map(same, found[0][1:], moments[time + 1 :]))
        assert all(map(np.array_equal, found[1], digests[time:]))
