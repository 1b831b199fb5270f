import dataclasses
import itertools

import pytest

from agents.base import AgentError
from arena import tournament
from arena.executor import Inline, Local
from arena.match import TimeControl
from arena.records import Records
from arena.schedule import SCHEDULES, Meeting, Plan, Schedule, gauntlet, round_robin
from arena.standings import Standings
from arena.tournament import TournamentConfig
from configs.loader import ConfigError
from envs.base import EnvOptionError
from envs.registry import UnknownEnvError

THREE = TournamentConfig(
    env="connectx-5x4x3", agents=("random", "one-ply", "random:seed=3"), games=6, openings=2
)


def played(config, folder, executor):
    try:
        cards = tournament.inspect(config, executor)
        with Records.write(folder) as records:
            for _ in tournament.run(config, cards, records, executor):
                pass
        with Records.read(folder) as records:
            return list(records.episodes())
    finally:
        executor.close()


def plan(agents, games=4, chunk_games=32):
    names = tuple(f"agent{number}" for number in range(agents))
    return Plan(names, games, chunk_games, Standings())


@pytest.mark.parametrize("agents", range(2, 12))
def test_a_round_robin_holds_every_pairing_once(agents):
    pairings = [meeting[:2] for meeting in round_robin(plan(agents))]
    assert sorted(pairings) == list(itertools.combinations(range(agents), 2))
    games_a_round = agents // 2
    for begin in range(0, len(pairings), games_a_round):
        busy = [agent for pairing in pairings[begin : begin + games_a_round] for agent in pairing]
        assert len(set(busy)) == len(busy)


def test_a_gauntlet_holds_the_first_against_each_other():
    assert [meeting[:2] for meeting in gauntlet(plan(4))] == [(0, 1), (0, 2), (0, 3)]


@pytest.mark.parametrize("name", ["round-robin", "gauntlet"])
def test_every_pairing_gets_its_games_in_parts_that_fit(name):
    meetings = list(SCHEDULES[name].meetings(plan(5, games=10, chunk_games=4)))
    assert sum(m.end - m.begin for m in meetings) == SCHEDULES[name].total(5, 10)
    assert [m[2:] for m in meetings if m[:2] == (0, 1)] == [(0, 4), (4, 8), (8, 10)]


def test_a_schedule_knows_the_same_with_any_executor_and_after_a_stop(tmp_path, monkeypatch):
    """A schedule that lets the leader of what it may know meet the others."""

    def leader(plan):
        for number in range(30):
            if number % 7 == 3:
                yield None
            faults = plan.standings.games
            yield Meeting(faults % 3, (faults + 1 + number % 2) % 3, 2 * number, 2 * number + 2)

    monkeypatch.setitem(SCHEDULES, "leader", Schedule(leader, lambda agents, games: 60))
    config = dataclasses.replace(THREE, schedule="leader")
    whole = played(config, tmp_path / "whole", Inline())
    assert len(whole) == 60
    assert whole == played(config, tmp_path / "local", Local(2))
    for stop in (1, 5, 17, 29):
        with Records.write(tmp_path / str(stop)) as records:
            cards = tournament.inspect(config, Inline())
            for _ in itertools.islice(tournament.run(config, cards, records, Inline()), stop):
                pass
        assert played(config, tmp_path / str(stop), Local(2)) == whole


def test_any_executor_records_the_same(tmp_path):
    by_inline = played(THREE, tmp_path / "a", Inline())
    assert by_inline == played(THREE, tmp_path / "b", Local(1))
    assert by_inline == played(THREE, tmp_path / "c", Local(3))
    assert len(by_inline) == 18
    assert len({record.slot for record in by_inline}) == 18


def test_the_size_of_a_chunk_changes_no_game(tmp_path):
    small = dataclasses.replace(THREE, chunk_games=2)
    games = [
        {(r.agents, r.seed, r.start, r.actions) for r in played(config, tmp_path / name, Inline())}
        for name, config in (("a", THREE), ("b", small))
    ]
    assert games[0] == games[1]


def test_another_agent_changes_no_game_of_the_others(tmp_path):
    two = dataclasses.replace(THREE, agents=THREE.agents[:2])
    games = [
        {(r.agents, r.seed, r.start, r.actions) for r in played(config, tmp_path / name, Inline())}
        for name, config in (("a", THREE), ("b", two))
    ]
    assert games[1] < games[0]


def test_each_opening_is_played_from_both_seats(tmp_path):
    records = played(dataclasses.replace(THREE, agents=THREE.agents[:2]), tmp_path, Inline())
    for first, second in zip(records[::2], records[1::2], strict=True):
        assert first.start == second.start and len(first.start) == 2
        assert first.agents == second.agents[::-1]
    assert len({record.start for record in records}) == 3


def test_a_resumed_tournament_plays_only_what_is_missing(tmp_path):
    config = dataclasses.replace(THREE, chunk_games=2)
    whole = played(config, tmp_path / "whole", Inline())
    for stop in range(1, 9):
        folder = tmp_path / str(stop)
        with Records.write(folder) as records:
            cards = tournament.inspect(config, Inline())
            for _ in itertools.islice(tournament.run(config, cards, records, Inline()), stop):
                pass
            assert records.count() == 2 * stop
        assert played(config, folder, Inline()) == whole


@pytest.mark.parametrize(("player", "reason"), [("Dies", "crash"), ("Hangs", "timeout")])
def test_who_kills_or_blocks_a_worker_loses_that_game_and_no_other(workshop, player, reason):
    config = TournamentConfig(
        agents=("one-ply", f"faulty_players:{player}"),
        games=8,
        clock=TimeControl(move_s=0.05, bank_s=0.2, load_s=60.0),
    )
    records = played(config, workshop / "run", Local(2))
    assert len(records) == 8
    faults = [record for record in records if record.blame is not None]
    assert 0 < len(faults) < 8
    for record in faults:
        assert record.termination == reason
        assert record.agents[record.blame] == f"faulty_players:{player}"
        assert len(record.start + record.actions) >= 6
    if reason == "crash":
        assert "farewell" in faults[0].fault and "exit status 9" in faults[0].fault
    honest = TournamentConfig(agents=("one-ply", "faulty_players:First"), games=8)
    for record, clean in zip(records, played(honest, workshop / "two", Inline()), strict=True):
        assert record.start == clean.start


def test_whoever_dies_while_loading_loses_the_chunk(workshop, monkeypatch):
    config = TournamentConfig(agents=("random", "faulty_players:DiesLoading"), games=4)
    cards = tournament.inspect(config, Inline())
    monkeypatch.setenv("ARENA_TEST_DIE", "1")
    executor = Local(1)
    try:
        with Records.write(workshop / "run") as records:
            list(tournament.run(config, cards, records, executor))
            stored = list(records.episodes())
    finally:
        executor.close()
    assert [r.termination for r in stored] == ["crash"] * 4
    assert {r.agents[r.blame] for r in stored} == {"faulty_players:DiesLoading"}


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"agents": ("random",)}, ConfigError, "at least two agents"),
        ({"games": 3}, ConfigError, "games=3: give an even number"),
        ({"games": 0}, ConfigError, "games=0"),
        ({"chunk_games": 0}, ConfigError, "chunk_games=0"),
        ({"schedule": "round-robbin"}, ConfigError, "did you mean 'round-robin'"),
        ({"env": "conectx"}, UnknownEnvError, "did you mean 'connectx'"),
        ({"env": "connectx-9x9x4"}, EnvOptionError, "64"),
        ({"clock": TimeControl(move_s=-1.0)}, ConfigError, "negative"),
    ],
)
def test_an_impossible_config_is_refused(change, error, message):
    with pytest.raises(error, match=message):
        tournament.check(dataclasses.replace(THREE, **change))


@pytest.mark.parametrize(
    ("agents", "message"),
    [
        (("random", "randm"), "did you mean 'random'"),
        (("random", "random"), "named twice"),
        (("random", "negamax:depth=0"), "depth"),
    ],
)
def test_an_impossible_agent_is_refused_before_the_first_game(agents, message):
    with pytest.raises(AgentError, match=message):
        tournament.inspect(dataclasses.replace(THREE, agents=agents), Inline())
