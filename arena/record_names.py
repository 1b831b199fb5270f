"""The names that rows of episodes refer to by number: agents and envs."""

from __future__ import annotations

import sqlite3

from arena import record_rows
from arena.record_rows import COVERED, DamagedRowError, Env, Row

Named = tuple[str | None, ...]


class Names:
    """Agents and envs of one file, each read and checked once."""

    def __init__(self, connection: sqlite3.Connection, version: int) -> None:
        """Reads nothing yet; `version` is that of the tables."""
        self._connection, self._version = connection, version
        self._ids: dict[tuple[str, Named], int] = {}
        self._agents: dict[int, str] = {}
        self._envs: dict[int, Env] = {}

    def agent(self, number: int) -> str:
        """Gives an AGENT text. Raises DamagedRowError when it is damaged or not there."""
        if number not in self._agents:
            self._agents[number] = str(self._found("agent", number)[1])
        return self._agents[number]

    def env(self, number: int) -> Env:
        """Gives an env. Raises DamagedRowError when it is damaged or not there."""
        if number not in self._envs:
            self._envs[number] = Env(*self._found("env", number)[1:])
        return self._envs[number]

    def number(self, table: str, named: Named) -> int:
        """Gives the number of a row, and adds the row where it is missing."""
        key = (table, named)
        if key not in self._ids:
            self._ids[key] = self._added(table, named)
        return self._ids[key]

    def forget(self) -> None:
        """Forgets the numbers that were added: they were rolled back."""
        self._ids.clear()

    def _found(self, table: str, number: int) -> Row:
        query = f"SELECT {record_rows.columns(table, self._version)} FROM {table} WHERE id = ?"
        row = self._connection.execute(query, (number,)).fetchone()
        if row is None:
            raise DamagedRowError(f"there is no {table} {number}")
        return record_rows.checked(row, self._version)

    def _added(self, table: str, named: Named) -> int:
        names = COVERED[table].split(", ")[1:]
        where = " AND ".join(f"{name} IS ?" for name in names)
        row = self._connection.execute(f"SELECT id FROM {table} WHERE {where}", named).fetchone()
        if row:
            return int(row[0])
        highest = self._connection.execute(f"SELECT ifnull(max(id), 0) FROM {table}").fetchone()
        number = int(highest[0]) + 1
        stored = (number, *named)
        marks = ", ".join("?" * (len(stored) + 1))
        insert = f"INSERT INTO {table} ({COVERED[table]}, crc) VALUES ({marks})"
        self._connection.execute(insert, (*stored, record_rows.crc(*stored)))
        return number
