"""One episode as it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class MatchRecord:
    """One episode as it is stored. Moves are stored; boards, ratings, pictures are derived."""

    env: str
    """Canonical env id."""
    agents: tuple[str, ...]
    """Canonical AGENT texts by seat."""
    seed: int
    """The episode's seed."""
    start: bytes
    """Actions played before the first recorded one (a byte each), or a saved state."""
    actions: bytes
    """Recorded actions, a byte each."""
    returns: tuple[float, ...]
    """Sum of the env's rewards by seat; a forfeit is no reward, see `blame`."""
    digests: bytes
    """8 bytes each, the digests of the state after every 1,000 actions, then at the end."""
    termination: str
    """`terminated`, `truncated`, or the reason of the forfeit: `illegal`, `error`, `timeout`..."""
    blame: int | None = None
    """Seat that forfeited."""
    fault: str | None = None
    """What happened then, at most 10 kB."""
    purpose: str = "tournament"
    """`tournament`, `evaluation`, `human` or `import`."""
    rated: bool = True
    """Whether ladders count it."""
    source: str | None = None
    """Id that it has elsewhere; an import is noticed twice."""
    slot: int | None = None
    """Where it belongs in the run: a function of config and index; None = nowhere."""
    digest_by_seat: tuple[str | None, ...] = field(default=(), compare=False)
    """SHA-256 of each agent's weights, None where it has none."""
    search: bytes | None = field(default=None, compare=False)
    """What the players thought, see `arena.thoughts`; to be stored, `Records.search` reads it."""
    attempt: int = 0
    """Which try at its slot it is, from 0; those before the last were lost by a fault."""
    protocol: str | None = None
    """Hash of the protocol it was played under, None where the env has only one."""
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """What the env was made of, see `EnvSpec.options`; empty in records that do not tell."""
    number: int = 0
    """Place in the run, from 1; 0 = not stored yet."""

    @property
    def scores(self) -> tuple[float, ...]:
        """Scores by seat, in {0, 0.5, 1}; who forfeits loses. For two players."""
        if self.blame is not None:
            return tuple(0.0 if seat == self.blame else 1.0 for seat in range(len(self.agents)))
        margin = self.returns[0] - self.returns[-1]
        first = 0.5 if margin == 0 else float(margin > 0)
        return first, 1.0 - first
