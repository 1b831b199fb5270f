"""The records of a run: one SQLite file, append only, the one truth that all tables come from.

`records.sqlite` is written by one process at a time (its lock is the run's) and read by any number.
Everything that one chunk of games says is committed in one transaction, so that a finished chunk is
there whole or not at all, whatever kills the writer.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from arena.match_record import MatchRecord as MatchRecord

FORMAT = 1
"""Version of the tables, kept in `user_version`."""

_SCHEMA = """
CREATE TABLE agent (id INTEGER PRIMARY KEY, spec TEXT NOT NULL, digest TEXT,
    UNIQUE (spec, digest));
CREATE TABLE env (id INTEGER PRIMARY KEY, name TEXT NOT NULL, options TEXT NOT NULL,
    protocol TEXT, UNIQUE (name, options, protocol));
CREATE TABLE episode (
    number INTEGER PRIMARY KEY,
    slot INTEGER,
    attempt INTEGER NOT NULL DEFAULT 0,
    env INTEGER NOT NULL REFERENCES env (id),
    seed INTEGER NOT NULL,
    start BLOB NOT NULL,
    seat0 INTEGER NOT NULL REFERENCES agent (id),
    seat1 INTEGER REFERENCES agent (id),
    actions BLOB NOT NULL,
    returns TEXT NOT NULL,
    digests BLOB NOT NULL,
    termination TEXT NOT NULL,
    blame INTEGER,
    fault TEXT,
    source TEXT UNIQUE,
    purpose TEXT NOT NULL,
    rated INTEGER NOT NULL,
    search BLOB,
    UNIQUE (slot, attempt));
CREATE TABLE chunk (
    config TEXT NOT NULL,
    number INTEGER NOT NULL,
    committed REAL NOT NULL,
    layers TEXT,
    PRIMARY KEY (config, number));
"""

_INSERT = """INSERT INTO episode (slot, attempt, env, seed, start, seat0, seat1, actions, returns,
    digests, termination, blame, fault, source, purpose, rated, search)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""

_SELECT = """SELECT episode.number, slot, attempt, env.name, env.options, env.protocol, seed,
    start, a.spec, b.spec, actions, returns, digests, termination, blame, fault, source, purpose,
    rated
    FROM episode JOIN env ON env.id = episode.env JOIN agent a ON a.id = seat0
    LEFT JOIN agent b ON b.id = seat1"""


_MISSES_BORNE = 10_000
"""Episodes missing in a row after which a damaged file is taken to be at its end."""


class RecordsError(OSError):
    """Records that cannot be read or written: damage, a full disk, another version."""


class RunBusyError(RuntimeError):
    """A run that another process is writing."""


class EpisodeNotFoundError(LookupError):
    """An episode that the records do not hold."""


class Records:
    """The records of one run, open for writing or for reading."""

    def __init__(self, path: Path, connection: sqlite3.Connection, lock: int | None = None) -> None:
        self.path = path
        self._connection = connection
        self._lock = lock
        self._agents: dict[tuple[str, str | None], int] = {}
        self._envs: dict[tuple[str, str, str | None], int] = {}

    @classmethod
    def write(cls, run: Path) -> Records:
        """Opens the records of `run` for writing, and makes them where there are none.

        Raises:
            RunBusyError: when another process writes this run.
            RecordsError: when the file is damaged, of another version, or cannot be written.
        """
        path = run / "records.sqlite"
        with _said(path):
            run.mkdir(parents=True, exist_ok=True)
            lock = take_lock(run)
        try:
            with _said(path):
                connection = sqlite3.connect(path, isolation_level=None)
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                _check_version(path, connection, create=True)
                connection.execute("PRAGMA quick_check(1)").fetchall()
        except BaseException:
            os.close(lock)
            raise
        return cls(path, connection, lock)

    @classmethod
    def read(cls, run: Path) -> Records:
        """Opens the records of `run` for reading, while somebody may be writing them.

        Raises:
            RecordsError: when there are none, or when they are of another version.
        """
        path = run / "records.sqlite"
        if not path.exists():
            raise RecordsError(f"{path}: no records there")
        with _said(path):
            connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
            connection.execute("PRAGMA writable_schema = ON")  # reads what a cut file still holds
            _check_version(path, connection, create=False)
        return cls(path, connection)

    def close(self) -> None:
        """Closes the file and gives the lock back."""
        self._connection.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Records:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def commit(
        self,
        episodes: Sequence[MatchRecord],
        config: str = "",
        chunk: int | None = None,
        layers: str | None = None,
    ) -> int:
        """Stores episodes, all or none; gives the number of the first.

        Args:
            episodes: what was played.
            config: hash of the config that the chunk belongs to.
            chunk: the chunk's number; None = the episodes are no chunk.
            layers: what contained foreign code in the chunk, see `agents.sandbox`.

        Raises:
            RecordsError: when they cannot be written; nothing of them is stored then.
        """
        with _said(self.path), self._transaction() as connection:
            first = connection.execute("SELECT ifnull(max(number), 0) + 1 FROM episode").fetchone()
            connection.executemany(_INSERT, [self._row(episode) for episode in episodes])
            if chunk is not None:
                connection.execute(
                    "INSERT INTO chunk VALUES (?, ?, ?, ?)", (config, chunk, time.time(), layers)
                )
        return int(first[0])

    def chunks(self, config: str) -> set[int]:
        """Gives the numbers of the chunks of a config that are committed."""
        with _said(self.path):
            rows = self._connection.execute("SELECT number FROM chunk WHERE config = ?", (config,))
            return {number for (number,) in rows}

    def episodes(self, where: str = "1", values: Sequence[Any] = ()) -> Iterator[MatchRecord]:
        """Gives the stored episodes in order, those for which the SQL condition holds.

        Raises:
            RecordsError: on the first damaged page, after everything before it was given.
        """
        with _said(self.path):
            query = f"{_SELECT} WHERE {where} ORDER BY episode.number"
            for row in self._connection.execute(query, tuple(values)):
                yield _whole(self.path, row)

    def episode(self, number: int) -> MatchRecord:
        """Gives one episode.

        Raises:
            EpisodeNotFoundError: when there is none with this number.
        """
        for record in self.episodes("episode.number = ?", (number,)):
            return record
        count = self.count()
        raise EpisodeNotFoundError(f"no episode {number} in {self.path.parent}; it holds 1-{count}")

    def search(self, number: int) -> bytes | None:
        """Gives what the players of an episode thought, see `arena.thoughts`; None = nothing."""
        with _said(self.path):
            query = "SELECT search FROM episode WHERE number = ?"
            row = self._connection.execute(query, (number,)).fetchone()
            return row[0] if row else None

    def salvage(self) -> list[MatchRecord]:
        """Gives the rated episodes that can still be read in a damaged file, one by one."""
        found: list[MatchRecord] = []
        number = misses = 0
        while misses < _MISSES_BORNE:
            number += 1
            try:
                row = self._connection.execute(f"{_SELECT} WHERE number = ?", (number,)).fetchone()
                found += [_whole(self.path, row)] if row else []
            except (sqlite3.Error, RecordsError):
                row = None
            misses = 0 if row else misses + 1
        return [record for record in found if record.rated]

    def count(self) -> int:
        """Gives the number of stored episodes."""
        with _said(self.path):
            row = self._connection.execute("SELECT count(*) FROM episode").fetchone()
            return int(row[0])

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
            self._connection.execute("COMMIT")
        except BaseException:
            self._agents.clear()
            self._envs.clear()
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise

    def _row(self, episode: MatchRecord) -> tuple[Any, ...]:
        digests = episode.digest_by_seat or (None,) * len(episode.agents)
        seats = [self._agent(a, d) for a, d in zip(episode.agents, digests, strict=True)]
        return (
            episode.slot,
            episode.attempt,
            self._env(episode),
            episode.seed,
            episode.start,
            seats[0],
            seats[1] if len(seats) > 1 else None,
            episode.actions,
            json.dumps(episode.returns),
            episode.digests,
            episode.termination,
            episode.blame,
            episode.fault,
            episode.source,
            episode.purpose,
            episode.rated,
            episode.search,
        )

    def _agent(self, spec: str, digest: str | None) -> int:
        key = (spec, digest)
        if key not in self._agents:
            self._agents[key] = self._name("agent", {"spec": spec, "digest": digest})
        return self._agents[key]

    def _env(self, episode: MatchRecord) -> int:
        options = json.dumps(dict(episode.options), sort_keys=True)
        key = (episode.env, options, episode.protocol)
        if key not in self._envs:
            columns = dict(zip(("name", "options", "protocol"), key, strict=True))
            self._envs[key] = self._name("env", columns)
        return self._envs[key]

    def _name(self, table: str, columns: dict[str, str | None]) -> int:
        """Gives the id of a row of a table of names, and adds the row where it is missing."""
        where = " AND ".join(f"{column} IS ?" for column in columns)
        values = tuple(columns.values())
        query = f"SELECT id FROM {table} WHERE {where}"
        row = self._connection.execute(query, values).fetchone()
        if row:
            return int(row[0])
        marks = ", ".join("?" * len(columns))
        insert = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"
        return int(self._connection.execute(insert, values).lastrowid or 0)


def _record(row: Iterable[Any]) -> MatchRecord:
    values = list(row)
    number, slot, attempt, env, options, protocol, seed, start, first, second = values[:10]
    actions, returns, digests = values[10:13]
    termination, blame, fault, source, purpose, rated = values[13:]
    return MatchRecord(
        env=env,
        agents=(first,) if second is None else (first, second),
        seed=seed,
        start=start,
        actions=actions,
        returns=tuple(json.loads(returns)),
        digests=digests,
        termination=termination,
        blame=blame,
        fault=fault,
        purpose=purpose,
        rated=bool(rated),
        source=source,
        slot=slot,
        attempt=attempt,
        protocol=protocol,
        options=json.loads(options),
        number=number,
    )


def take_lock(run: Path) -> int:
    """Gives the lock of a run, held until it is closed.

    Raises:
        RunBusyError: when another process has it.
    """
    lock = os.open(run / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        owner = os.read(lock, 20).decode(errors="replace").strip()
        os.close(lock)
        raise RunBusyError(
            f"{run} is being written by process {owner or '?'}; wait for it, or take another --name"
        ) from error
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return lock


def _check_version(path: Path, connection: sqlite3.Connection, create: bool) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == 0 and create:
        statements = f"BEGIN; {_SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT;"
        connection.executescript(statements)
    elif version != FORMAT:
        raise RecordsError(
            f"{path}: records of format {version}, this arena reads format {FORMAT}; "
            "use the version that wrote them"
        )


def _whole(path: Path, row: tuple[Any, ...]) -> MatchRecord:
    """Gives the record that a row holds.

    Raises:
        RecordsError: when bits of it have flipped, so that it is none.
    """
    try:
        return _record(row)
    except (ValueError, TypeError) as error:
        raise RecordsError(f"{path}: a record is damaged: {error}") from error


@contextlib.contextmanager
def _said(path: Path) -> Iterator[None]:
    """Turns an error of SQLite or of the disk into one that names the file."""
    try:
        yield
    except RecordsError:
        raise
    except (sqlite3.Error, OSError) as error:
        raise RecordsError(
            f"{path}: {error}; what was committed before is safe, `--resume` goes on from there"
        ) from error
