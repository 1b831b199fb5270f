"""The PettingZoo face: its own tests, and games that go as the env's do."""

import warnings

import numpy as np
import pytest

from envs import registry
from envs.aec import ArenaAECEnv
from envs.base import EnvOptionError, EnvSpec, IllegalActionError

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # it imports envs of its own the old way
    from pettingzoo.test import api_test, seed_test


@pytest.mark.parametrize("env", ["connectx", "connectx-5x4x3"])
def test_pettingzoo_has_nothing_to_say(env, capsys):
    api_test(ArenaAECEnv(env, render_mode="rgb_array"), num_cycles=200)
    seed_test(lambda: ArenaAECEnv(env), num_cycles=20)
    assert "Passed API test" in capsys.readouterr().out


def test_a_game_goes_as_the_env_does():
    face, env = ArenaAECEnv("connectx-5x4x3", "rgb_array"), registry.make("connectx-5x4x3")
    chance = np.random.default_rng(1)
    for _ in range(30):
        face.reset(seed=0)
        moment, movers = env.reset(0), []
        while not moment.last:
            movers.append(face.agent_selection)
            observation, reward, ended, _, info = face.last()
            assert not ended and reward == 0
            assert (observation[:2] == moment.observation).all()
            assert (observation.sum(0) == 1).all()
            other = face.observe(face.possible_agents[1 - moment.to_play])
            assert (other == observation[[1, 0, 2]]).all()
            assert (info["action_mask"] == moment.action_mask).all()
            action = int(chance.choice(np.flatnonzero(moment.action_mask)))
            moment = env.step(action)
            face.step(action)
        assert movers == [f"player_{i % 2}" for i in range(len(movers))]
        assert list(face.rewards.values()) == moment.rewards.tolist()
        assert (face.render() == env.render()).all()
        seen = {name: face.observe(name) for name in face.possible_agents}
        for _ in range(2):
            name = face.agent_selection
            _, reward, ended, _, _ = face.last()
            assert ended and reward == moment.rewards[int(name[-1])]
            face.step(None)
            for one, was in seen.items():
                assert (face.observe(one) == was).all()
        assert not face.agents


def test_an_illegal_action_is_refused_and_changes_nothing():
    env = ArenaAECEnv("connectx-5x4x3")
    env.reset()
    with pytest.raises(IllegalActionError, match="action 5 is illegal"):
        env.step(5)
    assert env.agent_selection == "player_0" and env.infos["player_0"]["action_mask"].all()


def test_without_a_mode_nothing_is_drawn():
    env = ArenaAECEnv()
    env.reset()
    assert env.render() is None
    env.close()


def test_games_for_one_are_refused(monkeypatch):
    class Alone:
        spec = EnvSpec("pong", {}, 1, 6, (84, 84), 0.99)

    monkeypatch.setattr(registry, "make", lambda id: Alone())
    with pytest.raises(EnvOptionError, match="pong is a game for one"):
        ArenaAECEnv("pong")
