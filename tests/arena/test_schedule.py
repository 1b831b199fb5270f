"""Schedules that look at results: what they draw, and that they draw it again after any stop."""

import dataclasses
import itertools
from collections import Counter, deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena import tournament
from arena.elo import elo_to_score
from arena.executor import Inline, Local
from arena.records import Records
from arena.results import Results
from arena.schedule import AHEAD, SCHEDULES, Plan, num_rounds
from arena.standings import Standings
from arena.tournament import TournamentConfig
from configs import loader
from configs.loader import ConfigError

CONFIG = TournamentConfig(
    env="connectx-4x4x3",
    agents=("random", "one-ply", "random:seed=3", "negamax:depth=2", "one-ply:seed=2"),
    games=4,
    openings=2,
)


def agents(number):
    return tuple(f"agent{k}" for k in range(number))


def drawn(name, number, result, games=4, chunk_games=32):
    """Gives the meetings of a schedule; `result` gives the points of the first in a game.

    Results become known as late as in a tournament.
    """
    standings, waiting = Standings(), deque()
    plan = Plan(agents(number), games, chunk_games, standings)
    meetings = []
    for meeting in SCHEDULES[name].meetings(plan):
        meetings += [meeting] if meeting else []
        waiting.append(meeting)
        if len(waiting) >= AHEAD and (told := waiting.popleft()):
            first, second, begin, end = told
            pairs = [(first, second) if k % 2 == 0 else (second, first) for k in range(begin, end)]
            points = [
                result(first, second, k) if k % 2 == 0 else 1 - result(first, second, k)
                for k in range(begin, end)
            ]
            standings.games += len(pairs)
            standings.tally.add(
                Results.of(
                    plan.agents,
                    [pair[0] for pair in pairs],
                    [pair[1] for pair in pairs],
                    [round(2 * p) for p in points],
                    [k // 2 for k in range(begin, end)],
                )
            )
    return meetings


def lower_wins(first, second, game):
    return float(first < second)


def higher_wins(first, second, game):
    return float(first > second)


def all_draw(first, second, game):
    return 0.5


RESULTS = st.sampled_from([lower_wins, higher_wins, all_draw])


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 40), st.integers(0, 2**32))
def test_swiss_rounds_hold_everybody_once_and_nobody_meets_twice(number, seed):
    chance = np.random.default_rng(seed)
    strength = chance.permutation(number)
    meetings = drawn("swiss", number, lambda a, b, k: float(strength[a] > strength[b]), games=2)
    pairs = [meeting[:2] for meeting in meetings]
    assert len(pairs) == num_rounds(number) * (number // 2)
    assert max(Counter(pairs).values()) == 1
    for begin in range(0, len(pairs), number // 2):
        busy = [agent for pair in pairs[begin : begin + number // 2] for agent in pair]
        assert len(set(busy)) == len(busy)
    played = Counter(agent for pair in pairs for agent in pair)
    assert max(played.values()) - min(played.values()) <= 1
    assert SCHEDULES["swiss"].total(number, 2) == 2 * len(pairs)


def test_swiss_lets_equals_meet():
    pairs = [meeting[:2] for meeting in drawn("swiss", 8, lower_wins)]
    assert pairs[:4] == [(0, 4), (1, 5), (2, 6), (3, 7)]
    assert pairs[4:8] == [(0, 1), (2, 3), (4, 5), (6, 7)]
    assert pairs[8:] == [(0, 2), (1, 3), (4, 6), (5, 7)]


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 40), RESULTS)
def test_a_knockout_is_won_by_who_wins_all(number, result):
    meetings = drawn("knockout", number, result)
    pairs = list(dict.fromkeys(meeting[:2] for meeting in meetings))
    assert len(pairs) == number - 1, "everybody but one goes out once"
    winner = number - 1 if result is higher_wins else 0
    out = [min(pair) if result is higher_wins else max(pair) for pair in pairs]
    assert sorted([*out, winner]) == list(range(number))
    last = max(index for index, pair in enumerate(pairs) if winner in pair)
    assert last == len(pairs) - 1
    games = sum(meeting.end - meeting.begin for meeting in meetings)
    total = SCHEDULES["knockout"].total(number, 4)
    assert games == (total + 8 * len(pairs) if result is all_draw else total)


def test_the_first_two_seeds_meet_last_and_the_first_rest():
    pairs = [meeting[:2] for meeting in drawn("knockout", 6, lower_wins)]
    assert pairs == [(3, 4), (2, 5), (0, 3), (1, 2), (0, 1)]


def test_a_tie_is_played_on_until_somebody_leads():
    meetings = drawn("knockout", 2, lambda a, b, k: 0.5 if k < 6 else 1.0)
    assert [meeting[2:] for meeting in meetings] == [(0, 4), (4, 6), (6, 8)]


@pytest.mark.parametrize("name", ["swiss", "knockout"])
def test_long_meetings_come_in_parts(name):
    meetings = drawn(name, 4, lower_wins, games=10, chunk_games=4)
    first = [meeting[2:] for meeting in meetings if meeting[:2] == meetings[0][:2]]
    assert first == [(0, 4), (4, 8), (8, 10)]
    pairs = [meeting[:2] for meeting in meetings]
    assert pairs[0] == pairs[2] and pairs[1] == pairs[3] and pairs[0] != pairs[1]


def by_elo(elo, seed=0):
    chance = np.random.default_rng(seed)
    return lambda a, b, k: float(chance.random() < elo_to_score(elo[a] - elo[b]))


@settings(max_examples=10, deadline=None)
@given(st.integers(2, 12), st.integers(0, 1000))
def test_adaptive_plays_pairs_of_games_in_order_and_all_of_them(number, seed):
    elo = np.random.default_rng(seed).normal(0, 300, number)
    meetings = drawn("adaptive", number, by_elo(elo, seed))
    assert 2 * len(meetings) == SCHEDULES["adaptive"].total(number, 4)
    for pair in {meeting[:2] for meeting in meetings}:
        assert pair[0] < pair[1]
        parts = [meeting[2:] for meeting in meetings if meeting[:2] == pair]
        assert parts == [(2 * k, 2 * k + 2) for k in range(len(parts))]
    assert {agent for meeting in meetings for agent in meeting[:2]} == set(range(number))
    assert meetings == drawn("adaptive", number, by_elo(elo, seed))


def test_adaptive_begins_with_everybody_and_then_prefers_equals():
    elo = np.array([0.0, 10.0, 600.0, 620.0, -900.0, 1500.0])
    meetings = drawn("adaptive", 6, by_elo(elo), games=20)
    first = [agent for meeting in meetings[:3] for agent in meeting[:2]]
    assert sorted(first) == list(range(6))
    games = Counter(meeting[:2] for meeting in meetings)
    assert games[0, 1] + games[2, 3] > len(meetings) / 2
    assert games[4, 5] < 10


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
    ("name", "ahead"), [("swiss", None), ("knockout", 5), ("adaptive", None), ("adaptive", 3)]
)
def test_tournaments_are_the_same_with_any_executor_and_after_any_stop(name, ahead, tmp_path):
    config = dataclasses.replace(CONFIG, schedule=name, ahead=ahead)
    whole = played(config, tmp_path / "whole", Inline())
    total = tournament.total_games(config)
    assert len(whole) >= total if name == "knockout" else len(whole) == total
    assert whole == played(config, tmp_path / "local", Local(2))
    for stop in (1, 9, 18):
        folder = tmp_path / str(stop)
        played(config, folder, Inline(), stop)
        assert played(config, folder, Inline()) == whole


def test_how_far_ahead_is_drawn_is_part_of_the_config_once_it_is_given(tmp_path, workshop):
    assert "ahead" not in loader.dump(CONFIG)
    with pytest.raises(ConfigError, match="ahead=0: at least 1"):
        tournament.check(dataclasses.replace(CONFIG, ahead=0))
    agents = ("faulty_players:Raises", "one-ply")  # suspended once three faults are known
    suspended = {}
    for ahead in (1, 4):
        config = dataclasses.replace(CONFIG, agents=agents, chunk_games=2, games=16, ahead=ahead)
        records = played(config, tmp_path / str(ahead), Inline())
        suspended[ahead] = sum(record.termination == "suspended" for record in records)
    assert suspended[1] == suspended[4] + 2 * 3


def test_agents_that_are_suspended_or_void_block_no_schedule(workshop):
    for name in ("swiss", "knockout", "adaptive"):
        config = dataclasses.replace(
            CONFIG,
            agents=("random", "faulty_players:Raises", "one-ply"),
            schedule=name,
            on_fault="void",
        )
        records = played(config, workshop / name, Inline())
        assert any(record.blame is not None for record in records)
        assert {agent for record in records for agent in record.agents} == set(config.agents)
