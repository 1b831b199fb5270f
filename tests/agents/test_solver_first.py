"""The promise of a perfect player: moving first on the empty board, it wins every game."""

import numpy as np
import pytest

from agents import registry as agents
from arena import match, scale
from arena.match import TimeControl
from envs import registry as envs

GAMES = 3


@pytest.mark.parametrize("agent", [*scale.load("connectx").agents, "kaggle:random"])
def test_the_solver_wins_whenever_it_begins(agent):
    players = [agents.make("solver"), agents.make(agent)]
    seats = np.array([[0, 1]] * GAMES)
    vector = envs.make_vector("connectx", GAMES)
    seeds = np.arange(GAMES) * 101
    games = match.play(vector, players, seats, [()] * GAMES, seeds, TimeControl(move_s=0.0))
    assert [game.returns for game in games] == [(1.0, -1.0)] * GAMES
