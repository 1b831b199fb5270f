"""The document of a comparison: who is ranked, on which games, with which intervals."""

import numpy as np
import pytest

from arena import atari_scores, compare
from arena.compare import CompareError, Entry
from envs import atari_games

FIVE = atari_games.GROUPS["atari-5"]


def raw(game, normalised):
    """Returns of a game that are worth some human-normalised scores."""
    known = atari_scores.games()[game]
    return known.random + (known.human - known.random) * np.asarray(normalised, float)


def entry(name, games, protocol="sticky", **options):
    scores = {game: raw(game, values) for game, values in games.items()}
    options = {"unit": "episodes", "source": "a-run", **options}
    episodes = {game: len(values) for game, values in scores.items()}
    return Entry(name=name, protocol=protocol, scores=scores, episodes=episodes, **options)


def published(*names):
    return [compare.published_entry(atari_scores.find(name)) for name in names]


def agents(document):
    return {agent["agent"]: agent for agent in document["agents"]}


def test_published_agents_alone_have_aggregates_and_no_interval():
    games = compare.games_named(["atari-57"])
    document = compare.document(published("dqn", "rainbow", "muzero"), games, "sticky")
    rainbow = agents(document)["rainbow@199M"]
    assert len(document["games"]) == 57 and len(document["shared"]) == 55
    assert rainbow["missing"] == ["defender", "surround"]
    assert rainbow["aggregates"]["median"] == {
        "value": pytest.approx(1.47, abs=0.005),
        "low": None,
        "high": None,
    }
    assert (rainbow["frames"], rainbow["steps"]) == (199_000_000, 49_750_000)
    assert rainbow["games"]["pong"]["episodes"] is None
    assert agents(document)["muzero"]["missing"] == []


def test_only_agents_of_the_protocol_are_ranked():
    games = compare.games_named(["atari-5"])
    document = compare.document(published("muzero", "dqn", "rainbow", "ppo"), games, "sticky")
    places = {name: agent["place"] for name, agent in agents(document).items()}
    assert places == {"muzero": None, "dqn@199M": 2, "rainbow@199M": 1, "ppo": None}
    assert all(agent["aggregates"] for agent in document["agents"])


def test_episodes_have_intervals_and_only_games_of_all_enter():
    chance = np.random.default_rng(0)
    ours = entry("ours", {game: 1 + chance.normal(0, 0.3, 30) for game in [*FIVE, "pong"]})
    other = entry("other", {game: chance.normal(0, 0.3, 30) for game in FIVE[:3]})
    document = compare.document([ours, other], [*FIVE, "pong"], "sticky")
    assert document["shared"] == list(FIVE[:3])
    first = agents(document)["ours"]
    for name in ("mean", "median", "iqm"):
        found = first["aggregates"][name]
        assert found["low"] < found["value"] < found["high"]
        assert found["low"] < 1 < found["high"]
    row = first["games"]["pong"]
    assert row["low"] < row["hns"] < row["high"] and row["episodes"] == 30
    assert row["mean"] == pytest.approx(ours.scores["pong"].mean())
    assert agents(document)["other"]["missing"] == [*FIVE[3:], "pong"]
    (chance_of,) = document["improvement"]
    assert (chance_of["first"], chance_of["second"]) == ("ours", "other")
    assert chance_of["low"] <= chance_of["value"] <= chance_of["high"] and chance_of["low"] > 0.9
    assert document["warnings"] == []


def test_aggregates_are_over_means_as_those_of_published_agents():
    values = {game: [0.0, 0.0, 4.0] for game in FIVE}
    document = compare.document([entry("ours", values)], FIVE, "sticky")
    found = agents(document)["ours"]["aggregates"]
    assert found["iqm"]["value"] == pytest.approx(4 / 3)
    assert found["optimality_gap"]["value"] == 0


def test_the_likelier_one_comes_first_in_an_improvement():
    worse, better = entry("w", {"pong": [0, 1, 2]}), entry("b", {"pong": [2, 3, 4]})
    (row,) = compare.document([worse, better], ["pong"], "sticky")["improvement"]
    assert (row["first"], row["second"]) == ("b", "w")
    assert row["value"] == pytest.approx(8.5 / 9)
    assert row["low"] <= row["value"] <= row["high"] == 1


def test_few_episodes_are_warned_of_and_one_has_no_interval():
    few = entry("few", {"pong": [1, 2, 3], "qbert": [1] * 30})
    one = entry("one", {"pong": [1], "qbert": [1, 2]})
    document = compare.document([few, one], ["pong", "qbert"], "sticky")
    assert "few: fewer than 10 episodes of pong" in document["warnings"][0]
    assert "one: one episode of pong" in document["warnings"][1]
    assert agents(document)["one"]["aggregates"]["mean"]["low"] is None
    assert agents(document)["one"]["games"]["qbert"]["low"] is not None


def test_no_game_of_all_leaves_scores_without_aggregates():
    one, other = entry("one", {"pong": [1, 2]}), entry("other", {"qbert": [1, 2]})
    document = compare.document([one, other], ["pong", "qbert"], "sticky")
    assert document["shared"] == [] and document["improvement"] == []
    assert [agent["aggregates"] for agent in document["agents"]] == [None, None]
    assert agents(document)["one"]["place"] is None


def test_a_game_without_a_human_score_is_shown_and_enters_nothing():
    ours = entry("ours", {"pong": [1, 2]})
    ours.scores["adventure"] = np.array([0.0, 1.0])
    document = compare.document([ours], ["adventure", "pong"], "sticky")
    row = agents(document)["ours"]["games"]["adventure"]
    assert row["mean"] == 0.5 and row["hns"] is None and row["low"] is None
    assert document["shared"] == ["pong"]
    assert document["games"]["adventure"] == {"random": None, "human": None}


def test_five_games_foretell_the_median_of_all():
    document = compare.document(published("ppo"), FIVE, "nature")
    assert agents(document)["ppo"]["atari5"]["median"] == pytest.approx(0.765, abs=0.001)
    assert agents(compare.document(published("ppo"), FIVE[1:], "nature"))["ppo"]["atari5"] is None


def test_trainings_are_told_by_frames_and_steps():
    ours = entry("ours", {"pong": [1, 2], "qbert": [1, 2]}, steps={"pong": 10, "qbert": 20})
    found = agents(compare.document([ours], ["pong", "qbert"], "sticky"))["ours"]
    assert (found["frames"], found["steps"]) == (80, 20)
    assert (found["games"]["pong"]["frames"], found["games"]["pong"]["steps"]) == (40, 10)


def test_games_and_groups_by_name():
    assert compare.games_named(["Pong", "ALE/MsPacman-v5", "pong"]) == ["pong", "ms_pacman"]
    assert compare.games_named(["qbert", "atari-5"]) == ["qbert", *FIVE[:-1]]
    assert len(compare.games_named(["atari-26"])) == 26


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("pnog", "did you mean 'pong'"),
        ("atari-75", "did you mean 'atari-"),
        ("joust", "for two players"),
        ("pong@nature", "--protocol"),
    ],
)
def test_unknown_games_are_refused_in_a_line(word, told):
    with pytest.raises(CompareError, match=told) as refused:
        compare.games_named([word])
    assert "\n" not in str(refused.value)


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(CompareError, match="no score of ours in qbert"):
        compare.document([entry("ours", {"pong": [1]})], ["qbert"], "sticky")
    with pytest.raises(CompareError, match="two agents are called 'ppo'"):
        compare.document([entry("ppo", {"pong": [1]}), *published("ppo")], ["pong"], "sticky")
    with pytest.raises(CompareError, match="did you mean 'sticky'"):
        compare.protocol_named("stiky")
