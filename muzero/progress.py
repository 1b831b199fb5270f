"""What a trainer yields, and what it is handed. Nothing here writes files or logs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Progress:
    """How far a training has come."""

    counters: Mapping[str, int]
    """`env_steps`, `episodes`, `learner_steps`, `chunks`, and where moments are searched anew
    `reanalyzed`, how many: what was done since the beginning."""
    metrics: Mapping[str, float]
    """Losses and speeds since the last progress, by name."""
    barrier: bool
    """Whether this is a place from which the training goes on exactly; its steps follow from the
    config."""
    player: Callable[[], dict[str, bytes]]
    """Gives the parts of a checkpoint that play, name to contents."""
    state: Callable[[], dict[str, bytes]]
    """Gives the parts from which the training goes on; at barriers only."""
    objects: Callable[[], tuple[str, ...]]
    """Gives the names of what the store must keep for that."""


class Store(Protocol):
    """Immutable objects by the hash of their contents; can be pickled and used in any process."""

    def put(self, data: bytes) -> str:
        """Keeps `data`; gives its name."""
        ...

    def get(self, name: str) -> bytes:
        """Gives what `put` kept.

        Raises:
            OSError: when it is not there.
        """
        ...


class Outcome(Protocol):
    """What became of a job."""

    @property
    def status(self) -> str:
        """`ok`, or what went wrong."""
        ...

    @property
    def value(self) -> Any:
        """The result, or what went wrong in words."""
        ...


Map = Callable[[Callable[[Any, Any], Any], Iterable[Any], int], Iterator[Outcome]]
"""`map(work, jobs, ahead)`: runs `work(job, report)` somewhere and gives the outcomes in the order
of the jobs; job k is drawn only after outcome k - ahead was taken."""


class WorkError(RuntimeError):
    """A job of self-play that ended without a result."""
