import json

import pytest

from arena.ladder import DisconnectedError, crosstable, ladder_document, overall
from arena.rating import NoRatingError
from arena.results import Results
from arena.tally import Tally

GAMES = [
    ("random", "negamax:depth=2", 0),
    ("negamax:depth=2", "random", 1),
    ("negamax:depth=4", "negamax:depth=2", 1),
    ("negamax:depth=2", "negamax:depth=4", 0.5),
    ("negamax:depth=2", "negamax:depth=4", 0.5),
    ("random", "muzero", 0),
    ("muzero", "random", 0.5),
]
KEYS = ["agent", "elo", "error95", "bound", "bound_elo", "games", "distinct_games", "score"]


def tally_of(games):
    tally = Tally()
    tally.add(Results.from_games(games))
    return tally


def test_the_document_holds_what_is_promised():
    tally = tally_of(GAMES * 5)
    document = ladder_document("connectx", tally, {"random": 2})
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert list(document) == ["env", "model", "first_move_elo", "agents", "pairings", "warnings"]
    agents = {agent["agent"]: agent for agent in document["agents"]}
    assert all(list(agent) == [*KEYS, "faults"] for agent in agents.values())
    assert [a["elo"] for a in document["agents"]] == sorted(
        (a["elo"] for a in document["agents"]), reverse=True
    )
    assert agents["random"]["faults"] == 2
    assert agents["muzero"]["faults"] == 0
    assert agents["negamax:depth=2"]["games"] == 25
    assert agents["negamax:depth=2"]["score"] == pytest.approx(3 / 5)
    for agent in agents.values():
        assert (agent["error95"] is None) == (agent["bound"] is not None)
        assert (agent["bound_elo"] is None) == (agent["bound"] is None)


def test_the_crosstable_counts_by_seat_for_the_first_mover():
    rows = crosstable(tally_of(GAMES))
    cells = {(row["first"], row["second"]): row for row in rows}
    assert len(cells) == len(rows) == 6
    row = cells["negamax:depth=2", "negamax:depth=4"]
    assert (row["wins"], row["draws"], row["losses"]) == (0, 2, 0)
    row = cells["random", "muzero"]
    assert (row["wins"], row["draws"], row["losses"]) == (0, 0, 1)
    assert sum(row["wins"] + row["draws"] + row["losses"] for row in rows) == len(GAMES)


def test_groups_that_never_met_are_refused_unless_more_games_follow():
    tally = tally_of([("a", "b", 1), ("b", "a", 1), ("c", "d", 1), ("d", "c", 0.5)])
    with pytest.raises(DisconnectedError, match="a, b; c, d"):
        ladder_document("connectx", tally, {})
    document = ladder_document("connectx", tally, {}, partial=True)
    assert len(document["agents"]) == 4
    assert any("never met" in text for text in document["warnings"])


def test_no_games_are_refused():
    with pytest.raises(NoRatingError):
        ladder_document("connectx", Tally(), {})


def test_one_ladder_over_envs_gives_each_the_same_weight():
    def env(strong, weak, times):
        games = [(strong, weak, 1), (weak, strong, 0), (weak, strong, 0.5)] * times
        return ladder_document("env", tally_of(games), {})

    balanced = overall([env("x:depth=1", "y", 1), env("y", "x", 50)])
    assert [agent["agent"] for agent in balanced["agents"]] == ["x", "y"]
    assert [agent["elo"] for agent in balanced["agents"]] == pytest.approx([0, 0], abs=1e-6)
    tilted = overall([env("x", "y", 1), env("y", "x", 50), env("x:depth=9", "y", 2)])
    assert tilted["agents"][0]["elo"] > 20
    zoo = overall([env("zoo/connectx-ppo", "random", 1), env("zoo/pong-ppo:sample=true", "dqn", 1)])
    assert sorted(row["agent"] for row in zoo["agents"]) == ["dqn", "ppo", "random"]
    assert overall([])["agents"] == []
    assert overall([env("x:depth=1", "x:depth=2", 3)])["agents"] == []
