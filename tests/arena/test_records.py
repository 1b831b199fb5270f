import os
import resource
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from arena.records import (
    EpisodeNotFoundError,
    MatchRecord,
    Records,
    RecordsError,
    RunBusyError,
)

ROOT = Path(__file__).parents[2]


def record(number, **changes):
    values = {
        "env": "connectx",
        "agents": ("random", "one-ply"),
        "seed": number,
        "start": b"\x03\x03",
        "actions": bytes([number % 7, 1, 2]),
        "returns": (1.0, -1.0),
        "digests": number.to_bytes(8, "little"),
        "termination": "terminated",
        "slot": number,
        "digest_by_seat": (None, "ab"),
    }
    return MatchRecord(**{**values, **changes})


@pytest.fixture
def run(tmp_path):
    return tmp_path / "run"


def test_what_is_stored_is_read_back(run):
    stored = [record(1), record(2, blame=1, termination="illegal", fault="column 9", rated=False)]
    solo = record(
        3,
        agents=("random",),
        returns=(17.5,),
        digest_by_seat=(None,),
        slot=None,
        protocol="sticky-1a2b3c4d",
        options={"game": "pong", "repeat_action_probability": 0.25, "max_pool": True},
    )
    with Records.write(run) as records:
        assert records.commit(stored, "config", 0) == 1
        assert records.commit([solo]) == 3
        assert records.chunks("config") == {0}
        assert records.chunks("other") == set()
    with Records.read(run) as records:
        read = list(records.episodes())
        assert [r.number for r in read] == [1, 2, 3]
        for before, after in zip([*stored, solo], read, strict=True):
            assert after == record(1).__class__(
                **{
                    name: getattr(before if name != "number" else after, name)
                    for name in MatchRecord.__dataclass_fields__
                }
            )
        assert records.episode(2).fault == "column 9"
        assert records.count() == 3
        with pytest.raises(EpisodeNotFoundError, match=r"no episode 9 .* holds 1-3"):
            records.episode(9)


def test_scores_follow_from_returns_and_blame():
    assert record(1).scores == (1.0, 0.0)
    assert record(1, returns=(0.0, 0.0)).scores == (0.5, 0.5)
    assert record(1, blame=0).scores == (0.0, 1.0)


def test_a_chunk_is_stored_whole_or_not_at_all(run):
    with Records.write(run) as records:
        records.commit([record(1)], "config", 0)
        with pytest.raises(RecordsError):
            records.commit([record(2), record(1)], "config", 1)  # slot 1 is taken
        assert records.count() == 1
        assert records.chunks("config") == {0}
        records.commit([record(2)], "config", 1)
        assert records.count() == 2


def test_a_chunk_cannot_be_committed_twice(run):
    with Records.write(run) as records:
        records.commit([record(1)], "config", 0)
        with pytest.raises(RecordsError):
            records.commit([record(2)], "config", 0)
        assert records.count() == 1


def test_two_writers_are_refused_and_readers_are_not(run):
    with Records.write(run) as records:
        records.commit([record(1)])
        with pytest.raises(RunBusyError, match=str(os.getpid())):
            Records.write(run)
        with Records.read(run) as reader:
            assert reader.count() == 1
            records.commit([record(2)])
            assert reader.count() == 2
    with Records.write(run) as records:
        assert records.count() == 2


def test_missing_records_are_said(run):
    with pytest.raises(RecordsError, match="no records there"):
        Records.read(run)


def test_records_of_another_format_are_refused(run):
    with Records.write(run):
        pass
    connection = sqlite3.connect(run / "records.sqlite")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    for opened in (Records.read, Records.write):
        with pytest.raises(RecordsError, match="format 99"):
            opened(run)


def test_cut_records_keep_what_is_left_readable(run):
    with Records.write(run) as records:
        for number in range(1, 2001):
            records.commit([record(number)])
    path = run / "records.sqlite"
    os.truncate(path, path.stat().st_size * 2 // 3)
    with pytest.raises(RecordsError, match=r"records\.sqlite"):
        Records.write(run)
    with Records.read(run) as records:
        with pytest.raises(RecordsError):
            list(records.episodes())
        left = records.salvage()
    assert 500 < len(left) < 2000
    assert all(r.slot == r.number for r in left)


def test_no_records_at_all_in_the_file(run):
    run.mkdir()
    (run / "records.sqlite").write_bytes(b"not a database" * 500)
    for opened in (Records.read, Records.write):
        with pytest.raises(RecordsError, match="not a database"):
            opened(run)


FILL = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.arena.test_records import record
from arena.records import Records, RecordsError
with Records.write(Path(sys.argv[1])) as records:
    try:
        for number in range(1, 100_000):
            records.commit([record(number, fault="x" * 500)], "config", number)
    except RecordsError as error:
        print(number - 1)
        print(error)
"""


def test_a_full_disk_loses_nothing_that_was_committed(run):
    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))

    run.mkdir()
    filled = subprocess.run(
        [sys.executable, "-c", FILL, str(run), str(ROOT)],
        capture_output=True,
        text=True,
        preexec_fn=small_files,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    committed, message = filled.stdout.splitlines()
    assert "records.sqlite" in message and "safe" in message
    assert int(committed) > 50
    with Records.read(run) as records:
        assert records.count() == int(committed)
    with Records.write(run) as records:
        records.commit([record(int(committed) + 1)])
        assert records.count() == int(committed) + 1


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE episode SET attempt = 1 WHERE number = 2",
        "UPDATE episode SET rated = 0 WHERE number = 2",
        "UPDATE episode SET blame = 0 WHERE number = 2",
        "UPDATE episode SET seat1 = 1 WHERE number = 2",
        "UPDATE episode SET env = 9 WHERE number = 2",
        "UPDATE episode SET returns = '[-1.0, 1.0]' WHERE number = 2",
        "UPDATE episode SET actions = x'010102' WHERE number = 2",
        "UPDATE episode SET number = 7 WHERE number = 2",
        "UPDATE agent SET spec = 'randon' WHERE id = 1",
        "UPDATE env SET name = 'connecty'",
        "DELETE FROM episode WHERE number = 3",
    ],
)
def test_what_changed_in_the_file_is_noticed(run, change):
    with Records.write(run) as records:
        records.commit([record(1), record(2), record(3)], "config", 0)
    with sqlite3.connect(run / "records.sqlite") as connection:
        connection.execute(change)
    connection.close()
    with (
        Records.read(run) as records,
        pytest.raises(RecordsError, match=r"arena doctor --repair run"),
    ):
        list(records.episodes())


def test_damaged_thoughts_leave_their_game(run):
    with Records.write(run) as records:
        records.commit([record(1, search=b"some thoughts"), record(2)])
    with sqlite3.connect(run / "records.sqlite") as connection:
        connection.execute("UPDATE episode SET search = NULL WHERE number = 1")
    connection.close()
    with Records.read(run) as records:
        assert records.count() == len(list(records.episodes())) == 2
        assert records.search(2) is None
        with pytest.raises(RecordsError, match="thought in episode 1 is damaged"):
            records.search(1)


def test_a_finished_chunk_without_its_games_is_no_chunk(run):
    with Records.write(run) as records:
        records.commit([record(1)], "config", 0)
        assert [r.number for r in records.at_slot(1)] == [1]
        with pytest.raises(RecordsError, match="no episode at slot 2"):
            records.at_slot(2)
    with sqlite3.connect(run / "records.sqlite") as connection:
        connection.execute("UPDATE chunk SET number = 1")
    connection.close()
    with Records.read(run) as records, pytest.raises(RecordsError, match="a chunk is damaged"):
        records.chunks("config")


@pytest.mark.parametrize("left", ["nothing", "less"])
def test_records_that_hold_less_than_was_committed_are_refused(run, left):
    with Records.write(run) as records:
        records.commit([record(1)], "config", 0)
    file = run / "records.sqlite"
    before = file.read_bytes() if left == "less" else b""
    with Records.write(run) as records:
        records.commit([record(2)], "config", 1)
    file.write_bytes(before)
    with pytest.raises(RecordsError, match="of 2 that were committed"):
        Records.write(run)
    (run / "records.count").write_bytes(b"000000000000002 000000000000003 00000000\n")
    with pytest.raises(RecordsError, match=r"records\.count"):
        Records.write(run)


FORMAT_1 = """
CREATE TABLE agent (id INTEGER PRIMARY KEY, spec TEXT NOT NULL, digest TEXT,
    UNIQUE (spec, digest));
CREATE TABLE env (id INTEGER PRIMARY KEY, name TEXT NOT NULL, options TEXT NOT NULL,
    protocol TEXT, UNIQUE (name, options, protocol));
CREATE TABLE episode (number INTEGER PRIMARY KEY, slot INTEGER,
    attempt INTEGER NOT NULL DEFAULT 0, env INTEGER NOT NULL, seed INTEGER NOT NULL,
    start BLOB NOT NULL, seat0 INTEGER NOT NULL, seat1 INTEGER, actions BLOB NOT NULL,
    returns TEXT NOT NULL, digests BLOB NOT NULL, termination TEXT NOT NULL, blame INTEGER,
    fault TEXT, source TEXT UNIQUE, purpose TEXT NOT NULL, rated INTEGER NOT NULL, search BLOB,
    UNIQUE (slot, attempt));
CREATE TABLE chunk (config TEXT NOT NULL, number INTEGER NOT NULL, committed REAL NOT NULL,
    layers TEXT, PRIMARY KEY (config, number));
INSERT INTO agent VALUES (1, 'random', NULL), (2, 'one-ply', 'ab');
INSERT INTO env VALUES (1, 'connectx', '{}', NULL);
INSERT INTO episode VALUES (1, 1, 0, 1, 1, x'0303', 1, 2, x'010102', '[1.0, -1.0]',
    x'0100000000000000', 'terminated', NULL, NULL, NULL, 'tournament', 1, x'0102');
INSERT INTO chunk VALUES ('config', 0, 12.5, NULL);
PRAGMA user_version = 1;
"""


def test_records_of_format_1_are_read_and_get_checksums_when_they_are_written(run):
    run.mkdir()
    connection = sqlite3.connect(run / "records.sqlite")
    connection.executescript(FORMAT_1)
    connection.close()
    with Records.read(run) as records:
        (before,) = records.episodes()
        assert records.search(1) == b"\x01\x02" and records.chunks("config") == {0}
    assert before.agents == ("random", "one-ply") and before.returns == (1.0, -1.0)
    with Records.write(run) as records:
        assert list(records.episodes()) == [before]
        assert records.commit([record(2)]) == 2
        assert records.search(1) == b"\x01\x02" and records.chunks("config") == {0}
        assert records.verdict() is None
    with sqlite3.connect(run / "records.sqlite") as connection:
        connection.execute("UPDATE episode SET seed = 3 WHERE number = 1")
    connection.close()
    with Records.read(run) as records, pytest.raises(RecordsError, match="episode 1 is damaged"):
        list(records.episodes())
