"""The records of a run: one SQLite file, append only, the one truth that all tables come from.

`records.sqlite` is written by one process at a time (its lock is the run's) and read by any number.
Everything that one chunk of games says is committed in one transaction, so that a finished chunk is
there whole or not at all, whatever kills the writer.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from agents.disk import DiskError
from arena import committed, record_rows
from arena.committed import CountError, Total
from arena.match_record import MatchRecord as MatchRecord
from arena.record_names import Names
from arena.record_rows import FORMAT, JOINED, DamagedRowError, Row
from arena.run_lock import RunBusyError as RunBusyError
from arena.run_lock import take_lock

_MISSES_BORNE = 10_000
"""Episodes missing in a row after which a damaged file is taken to be at its end."""


class RecordsError(OSError):
    """Records that cannot be read or written: damage, a full disk, another version."""


class EpisodeNotFoundError(LookupError):
    """An episode that the records do not hold."""


class Records:
    """The records of one run, open for writing or for reading."""

    def __init__(self, path: Path, connection: sqlite3.Connection, lock: int | None = None) -> None:
        self.path = path
        self._connection = connection
        self._lock = lock
        self._version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        self._columns = record_rows.columns("episode", self._version)
        self._names = Names(connection, self._version)
        self._counter: int | None = None
        self._total = Total(0, 0)

    @classmethod
    def write(cls, run: Path, locked: bool = False) -> Records:
        """Opens the records of `run` for writing, and makes them where there are none.

        Args:
            run: folder of the run.
            locked: whether this process has the lock of the run already.

        Raises:
            RunBusyError: when another process writes this run.
            RecordsError: when the file is damaged, of another version, or cannot be written.
        """
        path = run / "records.sqlite"
        with _said(path):
            run.mkdir(parents=True, exist_ok=True)
            lock = None if locked else take_lock(run)
        try:
            with _said(path):
                connection = sqlite3.connect(path, isolation_level=None)
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                _check_version(path, connection, create=True)
                _check_whole(path, connection)
                records = cls(path, connection, lock)
                records._count_on()
        except BaseException:
            if lock is not None:
                os.close(lock)
            raise
        return records

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
        for handle in (self._counter, self._lock):
            if handle is not None:
                os.close(handle)
        self._counter = self._lock = None

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
        with _said(self.path):
            with self._transaction() as connection:
                query = "SELECT ifnull(max(number), 0) + 1 FROM episode"
                first = int(connection.execute(query).fetchone()[0])
                rows = [self._row(first + place, one) for place, one in enumerate(episodes)]
                connection.executemany(record_rows.INSERT_EPISODE, rows)
                if chunk is not None:
                    row = (config, chunk, time.time(), layers)
                    check = record_rows.crc(*row)
                    connection.execute("INSERT INTO chunk VALUES (?, ?, ?, ?, ?)", (*row, check))
            there = self._total
            now = Total(there.episodes + len(episodes), there.chunks + (chunk is not None))
            self._count(now)
        return first

    def chunks(self, config: str) -> set[int]:
        """Gives the numbers of the chunks of a config that are committed.

        Raises:
            RecordsError: when one of them is damaged.
        """
        with _said(self.path):
            query = f"SELECT {record_rows.columns('chunk', self._version)} FROM chunk"
            rows = self._connection.execute(f"{query} WHERE config = ?", (config,))
            return {self._checked(row, "a chunk")[1] for row in rows}

    def episodes(self, where: str = "1", values: Sequence[Any] = ()) -> Iterator[MatchRecord]:
        """Gives the stored episodes in order, those for which the SQL condition holds.

        Raises:
            RecordsError: on the first damaged page or row, after everything before it was given;
                at the end of all episodes, when some that were committed are not there.
        """
        with _said(self.path):
            least = self._least().episodes if where == "1" else 0
            seen = 0
            query = f"SELECT {self._columns} {JOINED} WHERE {where} ORDER BY episode.number"
            for row in self._connection.execute(query, tuple(values)):
                yield self._record(row)
                seen += 1
            if seen < least:
                raise _lost(self.path, "episodes", seen, least)

    def at_slot(self, slot: int) -> list[MatchRecord]:
        """Gives the episodes at a slot of a committed chunk, a try each.

        Raises:
            RecordsError: when there are none, or one is damaged.
        """
        if found := list(self.episodes("slot = ?", (slot,))):
            return found
        raise _damage(self.path, f"no episode at slot {slot} of a finished chunk")

    def rated_rows(self, after: int, damaged: set[int]) -> Iterator[Row]:
        """Gives the rated episodes behind a number in order, as plain values, which is quicker.

        Each is its number, env, protocol, seed, start, the agents of both seats (None where one
        plays alone), actions, returns as JSON, digests, and the seat to blame.

        Args:
            after: number of the last one that is known.
            damaged: gets the numbers of those that are damaged, which are left out.

        Raises:
            RecordsError: on the first damaged page, after everything before it was given.
        """
        env, agent = self._names.env, self._names.agent
        query = f"SELECT {self._columns} FROM episode WHERE number > ? ORDER BY number"
        with _said(self.path):
            for row in self._connection.execute(query, (after,)):
                try:
                    values = record_rows.checked(row, self._version)
                    names = agent(row[6]), None if row[7] is None else agent(row[7])
                    where = env(row[3])
                except DamagedRowError:
                    damaged.add(row[0])
                    continue
                if values[16]:
                    head = (values[0], where.name, where.protocol, *values[4:6], *names)
                    yield (*head, *values[8:11], values[12])

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
        """Gives what the players of an episode thought, see `arena.thoughts`; None = nothing.

        Raises:
            RecordsError: when it is not what was stored.
        """
        check = "NULL" if self._version == 1 else "search_crc"
        with _said(self.path):
            query = f"SELECT search, {check} FROM episode WHERE number = ?"
            row = self._connection.execute(query, (number,)).fetchone()
            search: bytes | None = row[0] if row else None
            if row and self._version > 1 and record_rows.search_crc(search) != row[1]:
                raise _damage(self.path, f"what was thought in episode {number} is damaged")
            return search

    def salvage(self) -> list[MatchRecord]:
        """Gives the rated episodes that can still be read in a damaged file, one by one."""
        found: list[MatchRecord] = []
        query = f"SELECT {self._columns} FROM episode WHERE number = ?"
        number = misses = 0
        while misses < _MISSES_BORNE:
            number += 1
            try:
                row = self._connection.execute(query, (number,)).fetchone()
                found += [self._record(row)] if row else []
            except (sqlite3.Error, RecordsError, UnicodeDecodeError):
                row = None
            misses = 0 if row else misses + 1
        return [record for record in found if record.rated]

    def verdict(self) -> str | None:
        """Gives the first thing that is not as it was written, None where all is.

        Raises:
            RecordsError: on a damaged page, or an episode that is damaged or gone.
        """
        with _said(self.path):
            for _ in self.episodes():
                pass
            for table in ("agent", "env", "chunk"):
                query = f"SELECT {record_rows.columns(table, self._version)} FROM {table}"
                for row in self._connection.execute(query):
                    self._checked(row, f"{table} {row[0]}")
            if self._version > 1:
                query = "SELECT number, search, search_crc FROM episode"
                for number, search, check in self._connection.execute(query):
                    if record_rows.search_crc(search) != check:
                        return f"what was thought in episode {number} is damaged"
            chunks = self._connection.execute("SELECT count(*) FROM chunk").fetchone()[0]
            least = self._least().chunks
            return (
                f"holds {chunks} chunks of {least} that were committed" if chunks < least else None
            )

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
            self._names.forget()
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise

    def _count_on(self) -> None:
        """Goes on with the count of what was committed.

        Raises:
            RecordsError: when there is less than that.
        """
        run = self.path.parent
        count = "SELECT (SELECT count(*) FROM episode), (SELECT count(*) FROM chunk)"
        there = Total(*self._connection.execute(count).fetchone())
        try:
            counted = committed.read(run) or Total(0, 0)
        except CountError as error:
            raise _damage(run / committed.FILE, str(error)) from error
        for what, has, had in zip(Total._fields, there, counted, strict=True):
            if has < had:
                raise _lost(self.path, what, has, had)
        self._counter = committed.create(run, there)
        self._count(there)

    def _count(self, now: Total) -> None:
        self._total = now
        if self._counter is not None:
            committed.write(self._counter, now)

    def _least(self) -> Total:
        """Gives what must be there, as far as somebody has counted."""
        with contextlib.suppress(CountError):  # `arena doctor` says so; what is there can be read
            return committed.read(self.path.parent) or Total(0, 0)
        return Total(0, 0)

    def _checked(self, row: Row, what: str) -> Row:
        try:
            return record_rows.checked(row, self._version)
        except DamagedRowError as error:
            raise _damage(self.path, f"{what} is damaged, {error}") from error

    def _record(self, row: Row) -> MatchRecord:
        """Gives the episode of a row.

        Raises:
            RecordsError: when bits of it have flipped.
        """
        what = f"episode {row[0]}"
        try:
            values = self._checked(row, what)
            return record_rows.record_of(values, self._names.env, self._names.agent)
        except DamagedRowError as error:
            raise _damage(self.path, f"{what} is damaged, {error}") from error

    def _row(self, number: int, episode: MatchRecord) -> Row:
        digests = episode.digest_by_seat or (None,) * len(episode.agents)
        named = zip(episode.agents, digests, strict=True)
        seats = [self._names.number("agent", (spec, digest)) for spec, digest in named]
        options = json.dumps(dict(episode.options), sort_keys=True)
        env = self._names.number("env", (episode.env, options, episode.protocol))
        return record_rows.row_of(number, episode, env, seats)


def _check_version(path: Path, connection: sqlite3.Connection, create: bool) -> None:
    if create:
        record_rows.prepare(connection)
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        raise _damage(path, "there are no records in it")
    elif version not in record_rows.READABLE:
        raise RecordsError(
            f"{path}: records of format {version}, this arena reads format {FORMAT}; "
            "use the version that wrote them"
        )


def _check_whole(path: Path, connection: sqlite3.Connection) -> None:
    """Raises RecordsError when pages or indices do not fit together."""
    (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if verdict != "ok":
        raise _damage(path, str(verdict).splitlines()[-1])


def _damage(path: Path, what: str) -> RecordsError:
    """Gives the error that says what is damaged, and how to save the rest."""
    run = path.parent
    how = f"`arena doctor --repair {run.name} --dir {run.parent}` says what can be saved"
    return RecordsError(f"{path}: {what}; {how}")


def _lost(path: Path, what: str, has: int, had: int) -> RecordsError:
    return _damage(path, f"holds {has:,} {what} of {had:,} that were committed")


@contextlib.contextmanager
def _said(path: Path) -> Iterator[None]:
    """Turns an error of SQLite or of the disk into one that names the file."""
    try:
        yield
    except RecordsError:
        raise
    except DiskError as error:
        raise RecordsError(str(error)) from error
    except (sqlite3.OperationalError, OSError) as error:
        raise RecordsError(
            f"{path}: {error}; what was committed before is safe, `--resume` goes on from there"
        ) from error
    except (sqlite3.Error, DamagedRowError, UnicodeDecodeError) as error:
        raise _damage(path, str(error)) from error
