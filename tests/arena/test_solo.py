"""Solo episodes rated: games from equal seeds, forfeits, errors by seed."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena import ladder, rating, solo
from arena.records import MatchRecord
from arena.solo import Outcome, Outcomes
from arena.standings import ProtocolError, Standings, add_by_env
from arena.tally import pairing_players

ENV = "ALE/Pong-v5"


def record(agent, seed, episode_return, blame=None, env=ENV):
    return MatchRecord(
        env=env,
        agents=(agent,),
        seed=seed,
        start=b"",
        actions=bytes([seed % 6]),
        returns=(float(episode_return),),
        digests=seed.to_bytes(8, "little"),
        termination="terminated" if blame is None else "error",
        blame=blame,
    )


def standings(*records):
    out = Standings()
    out.add(records)
    return out


def games(found):
    """Lost, drawn and won games of each two agents, for the first by name."""
    counts = found.counts()
    pairs = zip(*pairing_players(len(counts.players)), strict=True)
    return {
        (counts.players[low], counts.players[high]): counts.cells[row].sum(0).tolist()
        for row, (low, high) in enumerate(pairs)
    }


def test_the_higher_return_on_a_seed_wins_and_equal_ones_draw():
    found = standings(
        record("a", 1, 5),
        record("b", 1, 3),
        record("a", 2, 1),
        record("b", 2, 1),
        record("a", 3, 9),
    )
    assert games(found) == {("a", "b"): [0, 1, 1]}  # lost, drawn, won by a; seed 3 met nobody
    assert found.games == 5


def test_a_forfeit_loses_to_any_episode_that_is_none_and_draws_with_another():
    high = Outcome(21.0, True, 1)
    low = Outcome(-21.0, False, 2)
    assert (high.score2(low), low.score2(high)) == (0, 2)
    assert high.score2(Outcome(0.0, True, 3)) == 1
    found = standings(record("a", 1, 21, blame=0), record("b", 1, -21))
    assert games(found) == {("a", "b"): [1, 0, 0]}
    assert found.faults == {"a": 1}


@given(st.lists(st.tuples(st.floats(-5, 5), st.booleans()), min_size=2, max_size=2))
def test_points_of_a_seed_add_up(pair):
    one, other = (Outcome(value, faulty, 0) for value, faulty in pair)
    assert one.score2(other) + other.score2(one) == 2


def test_an_episode_that_was_played_in_two_runs_counts_once():
    found = standings(record("a", 1, 5), record("b", 1, 3), record("a", 1, 5))
    assert games(found) == {("a", "b"): [0, 0, 1]}


def test_two_protocols_are_never_rated_together():
    found = standings(replace(record("a", 1, 5), protocol="sticky-1"))
    with pytest.raises(ProtocolError, match="sticky-1 and sticky-2"):
        found.add([replace(record("b", 1, 5), protocol="sticky-2")])


def test_seeds_are_a_list_that_a_longer_one_begins_with():
    assert solo.seeds(0, 5) == solo.seeds(0, 8)[:5]
    assert not set(solo.seeds(0, 50)) & set(solo.seeds(1, 50))


def drawn(agents, seeds, chance):
    outcomes = Outcomes()
    for seed in range(seeds):
        outcomes.by_seed[seed] = {
            f"a{k}": Outcome(chance.normal() + 0.2 * k, False, seed * agents + k)
            for k in range(agents)
        }
    return outcomes.results()


def test_errors_by_seed_hold_the_truth_where_those_by_pairing_do_not():
    chance = np.random.default_rng(0)
    truth = solo.fit(drawn(6, 3000, chance)).elo
    by_seed, by_pairing = [], []
    for _ in range(60):
        results = drawn(6, 30, chance)
        found = solo.fit(results)
        by_seed += list(abs(found.elo - truth) <= found.error95)
        found = rating.fit(results, first_move=False)
        by_pairing += list(abs(found.elo - truth) <= found.error95)
    assert 0.9 <= np.mean(by_seed) <= 0.99
    assert np.mean(by_pairing) < 0.88


def test_one_seed_gives_ratings_without_errors():
    found = solo.fit(standings(record("a", 1, 5), record("b", 1, 5)).outcomes.results())
    assert np.isnan(found.error95).all() and found.first_move_elo is None


def test_a_ladder_tells_episodes_and_mean_returns():
    rows = [record(agent, seed, seed % 7 + shift) for seed in range(12) for agent, shift in SHIFTS]
    document = json.loads(json.dumps(ladder.document(ENV, standings(*rows))))
    assert [row["agent"] for row in document["agents"]] == ["best", "middle", "worst"]
    assert document["agents"][0]["episodes"] == 12
    assert document["agents"][0]["mean_return"] == pytest.approx(
        np.mean([s % 7 + 2 for s in range(12)])
    )
    assert document["first_move_elo"] is None


SHIFTS = (("worst", 0), ("best", 2), ("middle", 1))


def test_a_ladder_warns_of_few_and_of_unequal_seeds():
    rows = [record("a", 1, 1), record("b", 1, 2), record("a", 2, 3), record("b", 2, 1)]
    words = " ".join(ladder.document(ENV, standings(*rows, record("a", 3, 0)))["warnings"])
    assert "unequal numbers of seeds: " in words and "only 2 seeds" in words


def test_several_envs_have_a_ladder_each_and_one_over_all():
    by_env = {}
    other = "ALE/Breakout-v5"
    add_by_env(
        by_env,
        [
            record(agent, seed, seed % 3 + shift, env=env)
            for env in (ENV, other)
            for seed in range(10)
            for agent, shift in SHIFTS
        ],
    )
    document = ladder.united(by_env)
    assert [part["env"] for part in document["ladders"]] == [ENV, other]
    assert document["overall"]["agents"][0]["agent"] == "best"


def test_the_overall_ladder_tells_human_normalised_aggregates():
    by_env = {}
    rows = [record(agent, seed, shift, env=ENV) for seed in range(4) for agent, shift in SHIFTS]
    boxing = [record("best", seed, 12.1, env="ALE/Boxing-v5") for seed in range(4)]
    add_by_env(by_env, [*rows, *boxing])
    by_env["ALE/Boxing-v5"].add(
        [record("worst", seed, 0.1, env="ALE/Boxing-v5") for seed in (0, 1)]
    )
    returns = ladder.united(by_env)["overall"]["returns"]
    assert set(returns) == {"best", "worst"}  # middle did not play everywhere
    assert returns["best"]["envs"] == 2
    # human-normalised: Pong (2 + 20.7) / 35.3, Boxing (12.1 - 0.1) / 12
    assert returns["best"]["mean"][0] == pytest.approx(((2 + 20.7) / 35.3 + 1.0) / 2)
    assert returns["worst"]["median"][0] == pytest.approx((20.7 / 35.3 + 0.0) / 2)


def test_improvements_compare_episodes_whatever_their_seeds():
    rows = [record("a", seed, seed) for seed in range(4)] + [record("b", s, 1) for s in range(2)]
    (row,) = ladder.document(ENV, standings(*rows))["improvements"]
    assert (row["first"], row["second"]) in {("a", "b"), ("b", "a")}
    share = row["probability"] if row["first"] == "a" else 1 - row["probability"]
    assert share == pytest.approx((0 + 0.5 + 1 + 1) / 4)
