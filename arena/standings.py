"""From stored episodes to what ratings are made of. Axis: `G` games."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable

from arena.records import MatchRecord
from arena.results import Results
from arena.tally import Tally


class Standings:
    """The tally of rated episodes, and who forfeited by a fault; grows with every `add`."""

    def __init__(self) -> None:
        """Starts without games."""
        self.tally = Tally()
        self.faults: Counter[str] = Counter()
        self.games = 0

    def add(self, records: Iterable[MatchRecord]) -> None:
        """Adds the rated episodes of two players among `records`."""
        rated = [r for r in records if r.rated and len(r.agents) == 2]
        if not rated:
            return
        self.tally.add(results(rated))
        self.faults.update(r.agents[r.blame] for r in rated if r.blame is not None)
        self.games += len(rated)


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
