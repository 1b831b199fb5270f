"""The player that catches the ball: what it sees, how it steers, what it refuses, how it fares."""

import numpy as np
import pytest
from numba import njit

from agents import paddle
from agents.base import AgentError
from agents.follow_ball import FollowBallPlayer
from envs import registry

_spot, _steer = paddle.spot, paddle.steer


@njit
def spot(picture, rows, ground, out):
    return _spot(picture, rows, ground, out)


@njit
def steer(memory, goal, due, how):
    return _steer(memory, goal, due, how)


def played(env_id, seed, steps):
    """Gives the actions and the return of an episode, or of so many steps of it."""
    env, player = registry.make_recorded(env_id, 1), FollowBallPlayer()
    player.reset(env.spec, np.zeros(1, np.int64), np.zeros(1, np.int64))
    moment = env.reset(np.zeros(1, np.int64), np.array([seed]))
    actions, won = [], 0.0
    while len(actions) < steps and not moment.last[0]:
        actions += player.act(np.zeros(1, np.int64), moment).action.tolist()
        moment = env.step(np.array(actions[-1:]))
        won += moment.rewards[0, 0]
    return actions, won


@pytest.mark.parametrize(("x", "y"), [(40, 100), (41, 103), (90, 150)])
def test_a_ball_is_seen_where_it_is(x, y):
    screen = np.full((210, 160), 87.0)
    screen[y : y + 4, x : x + 2] = 236.0  # a ball of 2 x 4 points
    fine = np.kron(screen, np.ones((2, 21)))  # a pixel takes 5 x 40 of these
    picture = fine.reshape(84, 5, 84, 40).mean((1, 3)).round().astype(np.uint8)
    at, ground = np.zeros(2), np.full(84, 87.0)
    assert spot(picture, (14, 77), ground, at)
    assert abs(at - [x + 1, y + 2]).max() < 0.6
    ground[:] = np.inf
    assert not spot(picture, (14, 77), ground, at)


def moved(place, knob, directions, every=1):
    """Gives where a paddle and its knob are after actions, none of which sticks."""
    for direction in directions:
        for frame in range(paddle.FRAMES):
            if frame % every == every - 1:
                place += (knob - place) / 2
            knob += paddle.SPEED * direction
    return place, knob


@pytest.mark.parametrize("goal", [20.0, 61.0, 77.0, 80.0, 88.0, 140.0])
@pytest.mark.parametrize("every", [1, 2])
def test_a_paddle_is_steered_to_its_goal_in_time(goal, every):
    place = knob = 80.0
    stick = 0
    for due in range(32, 0, -paddle.FRAMES):
        how = (0.0, every, every - 1, 1.0)
        stick = steer(np.array([stick, place, knob]), goal, float(due), how)
        place, knob = moved(place, knob, [stick], every)
    assert abs(place - goal) < 4.0


def test_a_ball_is_asked_for_where_there_is_none():
    actions, _ = played("breakout", 0, 2)
    name = registry.action_name("breakout")
    assert name(actions[0]) == "FIRE"


@pytest.mark.parametrize("env_id", ["pong", "pong@nature-full"])
def test_pong_is_played_to_a_lead(env_id):
    actions, won = played(env_id, 1, 800)
    assert won >= 1.0, f"after {len(actions)} steps"


@pytest.mark.parametrize("env_id", ["breakout", "breakout@nature-full"])
def test_bricks_are_hit(env_id):
    assert played(env_id, 1, 500)[1] >= 8.0


@pytest.mark.slow
def test_it_fares_as_it_is_said_to():
    assert np.mean([played("pong", seed, 27_000)[1] for seed in range(4)]) > 10
    assert np.mean([played("breakout", seed, 27_000)[1] for seed in range(4)]) > 200


@pytest.mark.parametrize("env_id", ["connectx", "ALE/Tennis-v5"])
def test_other_environments_are_refused(env_id):
    words = f"^follow-ball plays pong and breakout only, not '{env_id}'; choose another player$"
    with pytest.raises(AgentError, match=words):
        FollowBallPlayer().reset(registry.spec(env_id), np.zeros(1), np.zeros(1))
