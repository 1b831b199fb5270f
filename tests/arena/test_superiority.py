"""The likelihood of superiority: of two agents, of several, and at the command line."""

import json

import numpy as np
import pytest

from arena import rating
from arena.elo import superiority_of_wins
from arena.results import Results
from arena.standings import Standings
from arena.superiority import superiority_matrix


def tally(*games):
    out = Standings()
    out.tally.add(Results.from_games(games))
    return out


def test_of_two_it_is_that_of_their_wins_whoever_begins():
    games = tally(("a", "b", 1), ("b", "a", 0), ("b", "a", 0.5), ("a", "b", 1), ("b", "a", 1))
    chance = superiority_of_wins(3, 1)
    assert superiority_matrix(games, ["a", "b"]) == [[None, chance], [1 - chance, None]]
    assert superiority_matrix(games, ["b", "a"]) == [[None, 1 - chance], [chance, None]]


def test_of_several_it_follows_from_the_covariance():
    chance = np.random.default_rng(0)
    pairs = [(x, y) for x in "abc" for y in "abc" if x != y] * 30
    games = tally(*((x, y, int(chance.random() < 0.5 + 0.1 * (x < y))) for x, y in pairs))
    ratings = rating.fit(games.tally)
    matrix = superiority_matrix(games, ["c", "a", "b"])
    for i, x in enumerate("cab"):
        for j, y in enumerate("cab"):
            if x == y:
                assert matrix[i][j] is None
            else:
                assert matrix[i][j] + matrix[j][i] == pytest.approx(1)
                places = ratings.players.index(x), ratings.players.index(y)
                assert matrix[i][j] == ratings.los(*places)


def test_what_games_cannot_tell_is_none():
    matrix = superiority_matrix(tally(("a", "b", 1), ("b", "c", 1)), ["a", "b", "c"])
    assert all(chance is None or 0 <= chance <= 1 for row in matrix for chance in row)


def test_the_ladder_shows_it(arena):
    told = arena(
        *("tournament", "-a", "random", "-a", "one-ply", "-a", "random:seed=1", "--games", "20"),
        *("--env", "connectx-5x4x3", "--executor", "inline"),
    )
    assert told.returncode == 0, told.stderr
    document = json.loads(arena("ladder", "--los", "--json").stdout)
    assert document["agents"][0]["agent"] == "one-ply"
    assert document["los"][0][1] > 0.9 and document["los"][1][0] < 0.1
    assert "los" not in json.loads(arena("ladder", "--json").stdout)
    assert "stronger in %" in arena("ladder", "--los").stdout
