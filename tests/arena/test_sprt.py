"""The sequential test: numbers of fishtest, what must hold for any, and where a match ends."""

import dataclasses
import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena import sprt, tournament
from arena.elo import superiority_of_wins
from arena.executor import Inline, Local
from arena.records import MatchRecord, Records
from arena.sprt import Sprt
from arena.tournament import TournamentConfig
from configs.loader import ConfigError

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "sprt.json").read_text())
ROWS = [(row["results"], *row["logistic"].items()) for row in GOLDEN["llr"]]
COUNTS = st.lists(st.integers(0, 500), min_size=5, max_size=5)
ELO = st.floats(-100, 100)
MATCH = TournamentConfig(
    env="connectx-5x4x3",
    agents=("one-ply", "random"),
    games=400,
    openings=3,
    chunk_games=4,
    sprt=(0.0, 100.0),
)


@pytest.mark.parametrize(("results", *"abcd"), ROWS, ids=lambda x: str(x))
def test_ratios_are_those_of_fishtest(results, a, b, c, d):
    for hypotheses, ratio in (a, b, c, d):
        assert sprt.llr(results, *json.loads(hypotheses)) == pytest.approx(ratio, abs=1e-6)


def test_bounds_and_superiority_are_the_reference():
    for text, ends in GOLDEN["bounds"].items():
        errors = [float(part.split("=")[-1]) for part in text.split(",")]
        assert sprt.bounds(errors[0], errors[-1]) == pytest.approx(ends, abs=1e-12)
    for text, chance in GOLDEN["superiority"].items():
        wins, _, losses = (int(word[1:]) for word in text.split())
        assert superiority_of_wins(wins, losses) == pytest.approx(chance, abs=1e-9)


@given(COUNTS, ELO, ELO)
def test_a_test_turns_round_with_the_hypotheses_and_with_the_sides(counts, elo0, elo1):
    ratio = sprt.llr(counts, elo0, elo1)
    assert ratio == pytest.approx(-sprt.llr(counts, elo1, elo0), abs=1e-9)
    assert ratio == pytest.approx(sprt.llr(counts[::-1], -elo0, -elo1), abs=1e-6)


@given(COUNTS, ELO, ELO, ELO)
def test_ratios_add_up(counts, a, b, c):
    whole = sprt.llr(counts, a, c)
    assert whole == pytest.approx(sprt.llr(counts, a, b) + sprt.llr(counts, b, c), abs=1e-7)


def game(first, points, slot, rated=True, opening=b"\0"):
    """A game in which `first` moves first and `a` takes so many points."""
    agents = ("a", "b") if first == "a" else ("b", "a")
    margin = 2 * points - 1 if first == "a" else 1 - 2 * points
    return MatchRecord(
        env="connectx",
        agents=agents,
        seed=0,
        start=opening,
        actions=b"",
        returns=(margin, -margin),
        digests=b"",
        termination="terminated",
        rated=rated,
        slot=slot,
    )


def test_pairs_are_counted_for_the_first_agent():
    test = Sprt((0.0, 10.0), "a")
    results = [(0, 0), (0.5, 0), (1, 0), (0, 1), (0.5, 0.5), (1, 0.5), (1, 1)]
    slots = itertools.count()
    games = [game("ab"[i], r, next(slots)) for pair in results for i, r in enumerate(pair)]
    for record in games:
        test.add([record])
    assert test.verdict().pentanomial == (1, 1, 3, 1, 1)
    at_once = Sprt((0.0, 10.0), "a")
    at_once.add(games)
    assert at_once.verdict() == test.verdict()


def test_void_games_take_their_pair_with_them_and_the_last_attempt_counts():
    test = Sprt((0.0, 10.0), "a")
    test.add([game("a", 1, 1), game("b", 1, 2, rated=False)])
    test.add([game("a", 0, 3, rated=False), game("a", 1, 3), game("b", 1, 4)])
    assert test.verdict().pentanomial == (0, 0, 0, 0, 1)


def test_without_games_or_hypotheses_nothing_is_decided():
    assert Sprt(None, "a").verdict() is None and not Sprt(None, "a").decided
    assert Sprt((0.0, 5.0), "a").verdict()[2:] == (0.0, *sprt.bounds(), (0,) * 5, None)


def played(config, folder, executor, stop=None):
    try:
        cards = tournament.inspect(config, executor)
        with Records.write(folder) as records:
            games = tournament.run(config, cards, records, executor)
            for _ in itertools.islice(games, stop):
                pass
            return list(records.episodes())
    finally:
        executor.close()


@pytest.mark.parametrize(
    ("agents", "decision"), [(("one-ply", "random"), "H1"), (("random", "one-ply"), "H0")]
)
def test_a_match_ends_when_it_is_decided(agents, decision, tmp_path):
    config = dataclasses.replace(MATCH, agents=agents)
    games = played(config, tmp_path / "whole", Inline())
    assert 4 < len(games) < 200 and len(games) % 4 == 0
    test = Sprt(config.sprt, agents[0])
    test.add(games[:-4])
    assert not test.decided
    test.add(games[-4:])
    assert test.verdict().decision == decision
    assert played(config, tmp_path / "local", Local(2)) == games
    for stop in (1, 3, len(games) // 4):
        folder = tmp_path / str(stop)
        assert len(played(config, folder, Inline(), stop)) == 4 * stop
        assert played(config, folder, Inline()) == games


def test_a_match_that_stays_open_plays_all_its_games(tmp_path):
    config = dataclasses.replace(
        MATCH, agents=("random", "random:seed=1"), games=20, sprt=(-1.0, 1.0)
    )
    assert len(played(config, tmp_path, Inline())) == 20


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sprt": (10.0, 0.0)}, "sprt 10 0: give two Elo, the first below the second"),
        ({"sprt": (10.0,)}, "sprt 10: give two Elo"),
        ({"sprt": (0.0, float("nan"))}, "sprt 0 nan: give two Elo"),
        ({"agents": ("random", "one-ply", "random:seed=1")}, "decides between two agents, got 3"),
    ],
)
def test_impossible_tests_are_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        tournament.check(dataclasses.replace(MATCH, **change))


def test_the_command_line_tells_the_verdict(arena):
    options = "tournament -a one-ply -a random --env connectx-5x4x3 --executor inline --games 400"
    told = arena(*options.split(), "--sprt", "0", "100", "--json")
    verdict = json.loads(told.stdout)["sprt"]
    assert told.returncode == 0, told.stderr
    assert verdict["decision"] == "H1" and sum(verdict["pentanomial"]) < 200
    assert verdict["elo1"] == 100 and verdict["llr"] >= verdict["upper"] > 2.9
    told = arena(*options.split(), "--sprt", "0", "100", "--name", "tournament-1", "--resume")
    assert "SPRT: H1, the first agent is stronger by +100 rather than +0 Elo" in told.stdout
