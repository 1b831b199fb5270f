"""Ladder, crosstable and the history of ratings, kept up to date from what was added."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from arena import ladder
from arena.board import shelf
from arena.match_record import MatchRecord
from arena.rating import NoRatingError
from arena.results import Results
from arena.standings import ProtocolError, Standings

_BLOCK = 20_000
_POINTS = 60
"""Points of a history; with twice as many every second one is forgotten."""

Row = tuple[Any, ...]
"""number, env, protocol, seed, start, agents of both seats, actions, returns, digests, blame."""


@dataclass
class _Env:
    """What is known of the rated games of one env."""

    standings: Standings = field(default_factory=Standings)
    protocols: set[str | None] = field(default_factory=set)
    history: list[dict[str, Any]] = field(default_factory=list)
    document: dict[str, Any] | None = None


class Tables:
    """The tables of one run; `read` brings them up to date."""

    def __init__(self, run: Path) -> None:
        """Reads nothing yet."""
        self._run = run
        self._lock = threading.Lock()
        self._mark = ""
        self._last = 0
        self._damaged: set[int] = set()
        self._envs: dict[str, _Env] = {}

    def read(self) -> list[str]:
        """Takes in what was added since; gives the envs of rated games, most games first.

        Raises:
            RecordsError: when the records are damaged; what could be read before is there.
        """
        with self._lock:
            mark = shelf.mark(self._run)
            if mark != self._mark:
                with shelf.reading(self._run) as connection:
                    records = shelf.records(self._run, connection)
                    rows = records.rated_rows(self._last, self._damaged)
                    while block := list(itertools.islice(rows, _BLOCK)):
                        self._take(block)
                self._mark = mark
            return self.envs

    @property
    def envs(self) -> list[str]:
        """Gives the envs of the rated games that were read, most games first."""
        return sorted(self._envs, key=lambda env: -self._envs[env].standings.games)

    def elo(self, env: str) -> dict[str, float]:
        """Gives the rating of every agent of an env."""
        document = self.ladder(env)
        return {agent["agent"]: agent["elo"] for agent in document["agents"]}

    def ladder(self, env: str) -> dict[str, Any]:
        """Gives the document of `arena ladder` for an env of `read`, with `history` and `solo`.

        Raises:
            ProtocolError: when its episodes were played under several protocols.
        """
        with self._lock:
            known = self._envs[env]
            if known.document is None:
                known.document = self._document(env, known)
            return known.document

    def _document(self, env: str, known: _Env) -> dict[str, Any]:
        if len(known.protocols) > 1:
            raise ProtocolError(f"{env} was played here under several protocols; rate runs apart")
        games = known.standings.games
        try:
            found = ladder.document(env, known.standings, partial=True)
        except NoRatingError as error:
            found = {"env": env, "agents": [], "pairings": [], "warnings": [str(error)]}
        if self._damaged:
            count, run = len(self._damaged), self._run.name
            word = f"damaged episodes do not count: {count}; `arena doctor --repair {run}` mends it"
            found = {**found, "warnings": [*found["warnings"], word]}
        return {
            **found,
            "solo": known.standings.alone,
            "games": games,
            "history": _kept(known.history, known.standings),
        }

    def _take(self, rows: list[Row]) -> None:
        """Adds rows to the standings of their envs, with points of the history on the way."""
        self._last = rows[-1][0]
        by_env: dict[str, list[Row]] = {}
        for row in rows:
            by_env.setdefault(row[1], []).append(row)
        for env, found in by_env.items():
            known = self._envs.setdefault(env, _Env())
            known.document = None
            for part in _parts(found, known.standings.games):
                _add(known, part)
                _note(known)


def _parts(rows: list[Row], before: int) -> Iterator[list[Row]]:
    """Gives rows in parts that make the history of ratings: a twentieth of what is known each."""
    place = 0
    while place < len(rows):
        size = max((before + place) // 20, 4)
        yield rows[place : place + size]
        place += size


def _add(known: _Env, rows: list[Row]) -> None:
    standings = known.standings
    known.protocols.update(row[2] for row in rows)
    met = [row for row in rows if row[6] is not None]
    if met:
        standings.tally.add(_results(met))
    standings.outcomes.add(_record(row) for row in rows if row[6] is None)
    for row in rows:
        if row[10] is not None:
            standings.faults[row[5 + row[10]]] += 1
    standings.games += len(rows)


def _results(rows: list[Row]) -> Results:
    """Gives games of two players for rating; equal openings and equal moves have equal numbers."""
    index: dict[str, int] = {}
    for row in rows:
        for agent in row[5:7]:
            index.setdefault(agent, len(index))
    return Results.of(
        players=tuple(index),
        first=[index[row[5]] for row in rows],
        second=[index[row[6]] for row in rows],
        score2=[2 * row[10] if row[10] is not None else _score2(row[8]) for row in rows],
        cluster=[hash(row[4]) >> 1 & (1 << 62) - 1 for row in rows],
        moves=[hash((row[4], row[7])) & (1 << 63) - 1 for row in rows],
    )


@lru_cache(maxsize=1024)
def _score2(returns: str) -> int:
    """Gives the first player's points times two."""
    first, second = json.loads(returns)
    return 1 if first == second else 2 * int(first > second)


def _record(row: Row) -> MatchRecord:
    number, env, protocol, seed, start, agent, _, actions, returns, digests, blame = row
    return MatchRecord(
        env=env,
        agents=(agent,),
        seed=seed,
        start=start,
        actions=actions,
        returns=tuple(json.loads(returns)),
        digests=digests,
        termination="",
        blame=blame,
        protocol=protocol,
        number=number,
    )


def _note(known: _Env) -> None:
    """Adds a point to the history."""
    known.history.append(_point(known.standings))
    if len(known.history) > 2 * _POINTS:
        del known.history[::2]


def _point(standings: Standings) -> dict[str, Any]:
    """Gives the ratings as they stand; of solo play the mean returns, which cost nothing."""
    values: dict[str, float] = {}
    if standings.alone:
        returns = standings.outcomes.returns()
        values = {agent: round(float(found.mean()), 3) for agent, found in returns.items()}
    elif len(standings.counts().players) > 1:
        ratings = standings.fit()
        values = dict(zip(ratings.players, (round(float(e), 1) for e in ratings.elo), strict=True))
    return {"games": standings.games, "values": values}


def _kept(history: list[dict[str, Any]], standings: Standings) -> list[dict[str, Any]]:
    """Gives at most so many points as can be seen, the last one that of now."""
    stride = max(len(history) // _POINTS, 1)
    kept = history[::-1][::stride][::-1]
    if not kept or kept[-1]["games"] != standings.games:
        kept = [*kept, _point(standings)]
    return kept
