"""From stored episodes to what ratings are made of. Axis: `G` games."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable

from arena import rating, solo
from arena.rating import Ratings
from arena.records import MatchRecord
from arena.results import Results
from arena.solo import Outcomes
from arena.tally import Counts, Tally


class ProtocolError(ValueError):
    """Episodes of one env that were played under different protocols."""


class Standings:
    """The rated episodes of one env, and who forfeited by a fault; grows with every `add`.

    Those of two players are counted in `tally`, solo ones are kept in `outcomes`.
    """

    def __init__(self) -> None:
        """Starts without games."""
        self.tally = Tally()
        self.outcomes = Outcomes()
        self.faults: Counter[str] = Counter()
        self.games = 0
        self._protocols: set[str | None] = set()

    def add(self, records: Iterable[MatchRecord]) -> None:
        """Adds the rated episodes among `records`.

        Raises:
            ProtocolError: when they were played under another protocol than those before.
        """
        rated = [r for r in records if r.rated]
        self._protocols.update(r.protocol for r in rated)
        if len(self._protocols) > 1:
            names = " and ".join(sorted(name or "none" for name in self._protocols))
            raise ProtocolError(
                f"{rated[0].env} was played under the protocols {names}, whose returns cannot be "
                "compared; rate the runs apart"
            )
        if met := [r for r in rated if len(r.agents) == 2]:
            self.tally.add(results(met))
        self.outcomes.add(r for r in rated if len(r.agents) == 1)
        self.faults.update(r.agents[r.blame] for r in rated if r.blame is not None)
        self.games += len(rated)

    @property
    def alone(self) -> bool:
        """Gives whether the env is a solo one."""
        return bool(self.outcomes.by_seed)

    def counts(self) -> Counts:
        """Gives what ratings follow from; of solo play, the games derived from equal seeds."""
        return rating.counts_of(self.outcomes.results()) if self.alone else self.tally.counts()

    def fit(self, prior: str = "gauss:2000") -> Ratings:
        """Gives the ratings. Raises as `rating.fit`."""
        if self.alone:
            return solo.fit(self.outcomes.results(), prior)
        return rating.fit(self.tally, prior)


ByEnv = dict[str, Standings]
"""The standings of each env, by its canonical id."""


def games_of(by_env: ByEnv) -> int:
    """Gives the number of rated episodes."""
    return sum(standings.games for standings in by_env.values())


def add_by_env(by_env: ByEnv, records: Iterable[MatchRecord]) -> None:
    """Adds episodes to the standings of their env, and makes those that are missing."""
    found: dict[str, list[MatchRecord]] = {}
    for record in records:
        found.setdefault(record.env, []).append(record)
    for env, of_env in found.items():
        by_env.setdefault(env, Standings()).add(of_env)


def results(records: list[MatchRecord]) -> Results:
    """Gives episodes of two players as arrays for rating, clustered by their opening."""
    index: dict[str, int] = {}
    for record in records:
        for agent in record.agents:
            index.setdefault(agent, len(index))
    return Results.of(
        players=tuple(index),
        first=[index[r.agents[0]] for r in records],
        second=[index[r.agents[1]] for r in records],
        score2=[round(2 * r.scores[0]) for r in records],
        cluster=[_hash(r.start) >> 1 for r in records],
        moves=[_hash(r.start + b"\xff" + r.actions) for r in records],
    )


def _hash(data: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")
