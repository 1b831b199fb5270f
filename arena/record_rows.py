"""The tables of `records.sqlite`, and the checksum that ends each of their rows.

A checksum covers all columns before it but `search`, which has one of its own, so that a scan need
not read thoughts. One bit that flips in a row, wherever it is, is noticed when the row is read.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from arena.match_record import MatchRecord

FORMAT = 2
"""Version of the tables, kept in `user_version`; 1 had no checksums and is still read."""
READABLE = (1, FORMAT)

SCHEMA = """
CREATE TABLE agent (id INTEGER PRIMARY KEY, spec TEXT NOT NULL, digest TEXT, crc INTEGER,
    UNIQUE (spec, digest));
CREATE TABLE env (id INTEGER PRIMARY KEY, name TEXT NOT NULL, options TEXT NOT NULL,
    protocol TEXT, crc INTEGER, UNIQUE (name, options, protocol));
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
    search_crc INTEGER,
    crc INTEGER,
    UNIQUE (slot, attempt));
CREATE TABLE chunk (
    config TEXT NOT NULL,
    number INTEGER NOT NULL,
    committed REAL NOT NULL,
    layers TEXT,
    crc INTEGER,
    PRIMARY KEY (config, number));
"""

COVERED = {
    "agent": "id, spec, digest",
    "env": "id, name, options, protocol",
    "episode": "number, slot, attempt, env, seed, start, seat0, seat1, actions, returns, digests, "
    "termination, blame, fault, source, purpose, rated, search_crc",
    "chunk": "config, number, committed, layers",
}
"""Table to the columns that its checksum covers, in their order."""

INSERT_EPISODE = f"INSERT INTO episode ({COVERED['episode']}, search, crc) VALUES " + (
    f"({', '.join('?' * 20)})"
)
JOINED = """FROM episode LEFT JOIN env ON env.id = episode.env LEFT JOIN agent a ON a.id = seat0
    LEFT JOIN agent b ON b.id = seat1"""
"""What conditions on episodes may name; no row is left out because of a damaged reference."""

Row = tuple[Any, ...]


class DamagedRowError(ValueError):
    """A row that is not as it was written."""


class Env(NamedTuple):
    """An env as rows name it."""

    name: str
    options: str
    protocol: str | None


def crc(*values: Any) -> int:
    """Gives the checksum of the values of a row: numbers, texts, bytes or None."""
    return zlib.crc32(ascii(values).encode())


def search_crc(search: bytes | None) -> int | None:
    """Gives the checksum of thoughts, None of none."""
    return None if search is None else zlib.crc32(search)


def columns(table: str, version: int) -> str:
    """Gives the columns to select for `checked`: those that are covered, then the checksum."""
    names = [*COVERED[table].split(", "), "crc"]
    new = {"search_crc", "crc"} if version == 1 else set()
    return ", ".join("NULL" if name in new else f"{table}.{name}" for name in names)


def checked(row: Row, version: int) -> Row:
    """Gives the values of a row without its checksum.

    Args:
        row: as `columns` orders it.
        version: of the tables; those of format 1 cannot be checked.

    Raises:
        DamagedRowError: when the checksum is not that of the values.
    """
    if version > 1 and crc(*row[:-1]) != row[-1]:
        raise DamagedRowError("its checksum is not that of its contents")
    return row[:-1]


def damaged(connection: sqlite3.Connection, numbers: Sequence[int]) -> set[int]:
    """Gives those of some episodes whose rows are not as they were written."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    query = f"SELECT {columns('episode', version)} FROM episode WHERE number = ?"
    found = set()
    for number in numbers:
        for row in connection.execute(query, (number,)):
            try:
                checked(row, version)
            except DamagedRowError:
                found.add(number)
    return found


def row_of(number: int, episode: MatchRecord, env: int, seats: Sequence[int]) -> Row:
    """Gives the row of an episode for `INSERT_EPISODE`.

    Args:
        number: its place in the run.
        episode: what is stored.
        env: id of its env.
        seats: ids of its agents.
    """
    values = (
        number,
        episode.slot,
        int(episode.attempt),
        env,
        int(episode.seed),
        bytes(episode.start),
        seats[0],
        seats[1] if len(seats) > 1 else None,
        bytes(episode.actions),
        json.dumps(episode.returns),
        bytes(episode.digests),
        str(episode.termination),
        episode.blame,
        episode.fault,
        episode.source,
        str(episode.purpose),
        int(episode.rated),
        search_crc(episode.search),
    )
    return (*values, episode.search, crc(*values))


def record_of(values: Row, env: Callable[[int], Env], agent: Callable[[int], str]) -> MatchRecord:
    """Gives the episode that a checked row holds.

    Args:
        values: of the row.
        env: gives the env with an id.
        agent: gives the AGENT text with an id.

    Raises:
        DamagedRowError: when it holds none.
    """
    number, slot, attempt, place, seed, start, first, second, actions, returns = values[:10]
    digests, termination, blame, fault, source, purpose, rated, _ = values[10:]
    try:
        where = env(place)
        return MatchRecord(
            env=where.name,
            agents=(agent(first),) if second is None else (agent(first), agent(second)),
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
            protocol=where.protocol,
            options=json.loads(where.options),
            number=number,
        )
    except (ValueError, TypeError) as error:
        raise DamagedRowError(str(error)) from error


def prepare(connection: sqlite3.Connection) -> None:
    """Makes the tables where there are none, and adds checksums to those of format 1."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        connection.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT;")
    elif version == 1:
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            _upgrade(connection)


def _upgrade(connection: sqlite3.Connection) -> None:
    connection.create_function("crc_of", -1, crc)
    connection.create_function("search_crc_of", 1, search_crc)
    connection.execute("ALTER TABLE episode ADD COLUMN search_crc INTEGER")
    connection.execute("UPDATE episode SET search_crc = search_crc_of(search)")
    for table, covered in COVERED.items():
        connection.execute(f"ALTER TABLE {table} ADD COLUMN crc INTEGER")
        connection.execute(f"UPDATE {table} SET crc = crc_of({covered})")
    connection.execute(f"PRAGMA user_version = {FORMAT}")
