"""What faults of agents from files do to a tournament."""

import dataclasses
import itertools
import sqlite3

import pytest

from arena import tournament
from arena.conduct import Conduct
from arena.executor import Inline, Local
from arena.match import TimeControl
from arena.records import MatchRecord, Records
from arena.tournament import TournamentConfig
from configs.loader import ConfigError

FILES = {
    "good.py": "def agent(o, c): return next(i for i in range(c.columns) if not o.board[i])",
    "raises.py": "def agent(o, c): return 1 / 0",
    "full.py": "def agent(o, c): return 0",
    "dies.py": "import os\ndef agent(o, c): os._exit(9)",
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    for name, source in FILES.items():
        (tmp_path / name).write_text(source)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def config(*agents, **changes):
    clock = TimeControl(move_s=2.0, bank_s=1.0)
    basic = TournamentConfig(env="connectx-5x4x3", agents=agents, games=12, openings=2, clock=clock)
    return dataclasses.replace(basic, **changes)


def played(config, folder, executor, most=None):
    try:
        cards = tournament.inspect(config, executor)
        with Records.write(folder) as records:
            for _ in itertools.islice(tournament.run(config, cards, records, executor), most):
                pass
            return list(records.episodes())
    finally:
        executor.close()


def test_a_forfeit_is_lost_and_rated(here):
    records = played(config("good.py", "full.py", games=4), here / "run", Inline())
    faulty = [r for r in records if r.blame is not None]
    assert len(records) == 4 and faulty
    for record in faulty:
        assert record.agents[record.blame] == "full.py" and record.rated
        assert record.termination == "illegal" and record.scores[record.blame] == 0


def test_a_void_game_is_stored_and_counts_for_nobody(here):
    void = config("good.py", "raises.py", games=4, on_fault="void")
    records = played(void, here / "run", Inline())
    assert len(records) == 4
    for record in records:
        assert (record.termination, record.rated, record.attempt) == ("error", False, 0)
        assert "ZeroDivisionError" in record.fault


def test_a_faulty_game_is_played_again_and_lost_after_the_third(here):
    again = config("good.py", "raises.py", games=2, on_fault="retry")
    records = played(again, here / "run", Inline())
    assert [r.attempt for r in records] == [0, 1, 2, 0, 1, 2]
    assert [r.rated for r in records] == [False, False, True] * 2
    assert len({r.slot for r in records}) == 2 and {r.termination for r in records} == {"error"}


def test_what_goes_well_is_played_once(here):
    records = played(config("good.py", "one-ply", on_fault="retry"), here / "run", Inline())
    assert len(records) == 12 and {(r.attempt, r.rated) for r in records} == {(0, True)}


def test_a_worker_that_dies_is_tried_again(workshop):
    again = config("one-ply", "faulty_players:Dies", games=4, on_fault="retry", env="connectx")
    records = played(again, workshop / "run", Local(2))
    by_slot = {slot: list(rs) for slot, rs in itertools.groupby(records, lambda r: r.slot)}
    assert len(by_slot) == 4
    for tries in by_slot.values():
        assert [r.attempt for r in tries] == list(range(len(tries)))
        assert [r.rated for r in tries] == [False] * (len(tries) - 1) + [True]
        assert len(tries) == 3 or tries[-1].blame is None
        assert {r.termination for r in tries[:-1]} <= {"crash"}


def test_three_faults_in_a_row_suspend(here):
    event = config("good.py", "raises.py", "one-ply", games=20)
    records = played(event, here / "run", Inline())
    assert len(records) == 60
    mine = [r for r in records if "raises.py" in r.agents]
    suspended = [r for r in mine if r.termination == "suspended"]
    # The three, and those that were drawn before the third was known.
    assert 3 <= len(mine) - len(suspended) <= 3 + 16
    for record in suspended:
        assert not record.rated and record.actions == b""
        assert record.agents[record.blame] == "raises.py"
    assert all(r.blame is None for r in records if "raises.py" not in r.agents)


@pytest.mark.parametrize("on_fault", ["forfeit", "void", "retry"])
def test_any_executor_and_any_stop_records_the_same(here, on_fault):
    event = config("good.py", "dies.py", "random", "full.py", on_fault=on_fault)
    whole = played(event, here / "whole", Inline())
    assert "suspended" in {r.termination for r in whole}
    for stop, first, second in ((3, Inline(), Inline()), (30, Inline(), Local(3))):
        played(event, here / str(stop), first, stop)
        assert played(event, here / str(stop), second) == whole


def test_each_chunk_tells_what_contained_it(here):
    played(config("good.py", "random", "one-ply", games=2), here / "run", Inline())
    with sqlite3.connect(here / "run" / "records.sqlite") as connection:
        layers = [row[0] for row in connection.execute("SELECT layers FROM chunk ORDER BY number")]
    assert layers.count(None) == 1 and all("limits" in text for text in layers if text)


def fault(agent, blame, slot, attempt=0, reason="error"):
    return MatchRecord(
        env="connectx",
        agents=(agent, "other"),
        seed=0,
        start=b"",
        actions=b"",
        returns=(0.0, 0.0),
        digests=b"",
        termination=reason if blame is not None else "terminated",
        blame=blame,
        slot=slot,
        attempt=attempt,
    )


def test_a_good_game_ends_the_row():
    conduct = Conduct()
    conduct.add([fault("a", 0, 1), fault("a", 0, 2), fault("a", None, 3), fault("a", 0, 4)])
    conduct.add([fault("a", 0, 5)])
    assert not conduct.suspended
    conduct.add([fault("a", 0, 6)])
    assert conduct.suspended == {"a"}
    conduct.add([fault("a", None, 7)])
    assert conduct.suspended == {"a"}


def test_attempts_at_one_game_are_one_fault_at_most():
    conduct = Conduct()
    conduct.add([fault("a", 0, 1, attempt) for attempt in range(3)])
    conduct.add([fault("a", 0, 2, 0), fault("a", 0, 2, 1), fault("a", None, 2, 2)])
    conduct.add([fault("a", 0, slot) for slot in (3, 4)])
    assert not conduct.suspended


def test_an_unknown_way_is_refused():
    with pytest.raises(ConfigError, match="did you mean 'retry'"):
        tournament.check(config("random", "one-ply", on_fault="retyr"))


def test_the_command_says_yes_and_no(here, arena, monkeypatch):
    done = arena("tournament", "-a", str(here / "good.py"), "-a", "random", "--games", "2")
    assert done.returncode == 0, done.stderr
    monkeypatch.setattr("agents.sandbox.layers", lambda: ("limits",))
    bare = ("tournament", "-a", str(here / "good.py"), "-a", "random", "--games", "2")
    bare += ("--executor", "inline")
    for options, code in (((), 2), (("--trust",), 0), (("--trust", "--require-sandbox"), 2)):
        done = arena(*bare, *options)
        assert done.returncode == code, done.stderr
        assert code == 0 or (done.stderr.count("\n") == 1 and "landlock" in done.stderr)


def test_faults_are_told_by_the_exit_code(here, arena):
    for way in ("forfeit", "void"):
        done = arena(
            "tournament",
            *("-a", str(here / "raises.py"), "-a", "random", "-a", "one-ply"),
            *("--games", "2", "--on-fault", way),
        )
        assert done.returncode == 3, done.stderr
