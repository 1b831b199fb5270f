"""The list of recorded games, filtered by the database itself."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any, NamedTuple

from arena import record_rows
from arena.board.query import Query

PAGE = 100
"""Games a page."""
_UPSET = 100
"""Elo that the winner is rated below the loser in an upset."""
OUTCOMES = ("won", "drawn", "lost")

_COLUMNS = """SELECT e.number, env.name, a.spec, b.spec, length(e.start), length(e.actions),
    e.returns, e.termination, e.blame, e.purpose, e.rated"""
_TABLES = """ FROM episode e LEFT JOIN env ON env.id = e.env LEFT JOIN agent a ON a.id = e.seat0
    LEFT JOIN agent b ON b.id = e.seat1"""
_MARGIN = """(CASE WHEN e.blame = 0 THEN -1 WHEN e.blame = 1 THEN 1 WHEN json_valid(e.returns)
    THEN json_extract(e.returns, '$[0]') - json_extract(e.returns, '$[1]') END)"""
"""Above 0 where the first player has won, NULL where the row is damaged."""


class Wanted(NamedTuple):
    """Which games are wanted, as SQL."""

    tables: str
    where: str
    values: list[Any]


def wanted(query: Query, elo: Mapping[str, float]) -> Wanted:
    """Gives the condition that a query describes.

    Args:
        query: `env`, `player`, `other` (who met the player), `outcome` (for the player, else for
            who began), `least` and `most` plies, `faults`, `upsets`.
        elo: ratings, for upsets.

    Raises:
        QueryError: on a value that makes no sense.
    """
    tables, where = _TABLES, ["1"]
    values: list[Any] = []
    if env := query.text("env", ""):
        where.append("env.name = ?")
        values.append(env)
    player, other = query.text("player", ""), query.text("other", "")
    for name in filter(None, (player, other)):
        where.append("(a.spec = ? OR b.spec = ?)")
        values += [name, name]
    if outcome := query.choice("outcome", OUTCOMES):
        sign = {"won": ">", "drawn": "=", "lost": "<"}[outcome]
        where.append("b.id IS NOT NULL")
        if player:
            where.append(f"(CASE WHEN a.spec = ? THEN 1 ELSE -1 END) * {_MARGIN} {sign} 0")
            values.append(player)
        else:
            where.append(f"{_MARGIN} {sign} 0")
    for name, sign in (("least", ">="), ("most", "<=")):
        if plies := query.number(name, 0):
            where.append(f"length(e.start) * (b.id IS NOT NULL) + length(e.actions) {sign} ?")
            values.append(plies)
    if query.number("faults", 0):
        where.append("e.blame IS NOT NULL")
    if query.number("upsets", 0):
        rows = ", ".join("(?, ?)" for _ in elo) or "(NULL, NULL)"
        tables = f"{tables} JOIN elo x ON x.column1 = a.spec JOIN elo y ON y.column1 = b.spec"
        where.append(
            f"((x.column2 < y.column2 - {_UPSET} AND {_MARGIN} > 0) OR "
            f"(y.column2 < x.column2 - {_UPSET} AND {_MARGIN} < 0))"
        )
        pairs = [value for pair in elo.items() for value in pair]
        return Wanted(f"WITH elo AS (VALUES {rows})|{tables}", " AND ".join(where), pairs + values)
    return Wanted(f"|{tables}", " AND ".join(where), values)


def page(connection: sqlite3.Connection, which: Wanted, before: int) -> dict[str, Any]:
    """Gives the newest games below the number `before` (0 = all), and whether more follow."""
    head, tables = which.tables.split("|")
    where, values = which.where, list(which.values)
    if before:
        where += " AND e.number < ?"
        values.append(before)
    rows = connection.execute(
        f"{head} {_COLUMNS}{tables} WHERE {where} ORDER BY e.number DESC LIMIT {PAGE + 1}", values
    ).fetchall()
    damaged = record_rows.damaged(connection, [row[0] for row in rows])
    found = [_game(row, row[0] in damaged) for row in rows[:PAGE]]
    return {"games": found, "more": len(rows) > PAGE}


def neighbours(connection: sqlite3.Connection, number: int) -> tuple[int | None, int | None]:
    """Gives the numbers of the games before and after one."""
    found = connection.execute(
        "SELECT (SELECT max(number) FROM episode WHERE number < ?), "
        "(SELECT min(number) FROM episode WHERE number > ?)",
        (number, number),
    ).fetchone()
    return found[0], found[1]


def _game(row: Any, damaged: bool) -> dict[str, Any]:
    number, env, first, second, start, length, returns, termination, blame, purpose, rated = row
    return {
        "number": number,
        "env": env,
        "agents": [first] if second is None else [first, second],
        "length": length + (start if second is not None else 0),
        "returns": None if damaged else _numbers(returns),
        "termination": termination,
        "blame": blame,
        "purpose": purpose,
        "rated": bool(rated),
    }


def _numbers(text: str) -> list[float] | None:
    """Gives the returns of a row, None where it is damaged: the list goes on."""
    try:
        found = json.loads(text)
    except (TypeError, ValueError):
        return None
    return found if isinstance(found, list) else None
