"""Who may go on playing: three faults in a row suspend an agent for the rest of its event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from arena.records import MatchRecord

SUSPENDED = "suspended"
"""Termination of a game that was not played because an agent was suspended."""
_BORNE = 3


class Conduct:
    """The faults in a row of every agent; grows with every `add`."""

    def __init__(self) -> None:
        """Starts without games."""
        self.suspended: set[str] = set()
        self._row: Counter[str] = Counter()

    def add(self, records: Iterable[MatchRecord]) -> None:
        """Adds episodes in their order; of several attempts at a game only the last counts."""
        last = {record.slot: record for record in records if record.termination != SUSPENDED}
        for record in last.values():
            for seat, agent in enumerate(record.agents):
                self._row[agent] = self._row[agent] + 1 if record.blame == seat else 0
                if self._row[agent] >= _BORNE:
                    self.suspended.add(agent)
