"""Grading as jobs: some positions each, so any executor gives the same answers.

When a worker dies or is late, its positions are asked again one by one; where that happens once
more, the agent has no move in that position, and only there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from arena import chunk as chunks
from arena import executor as executors
from arena import grade, tournament
from arena.chunk import ChunkError
from arena.executor import Executor, Outcome, Report
from arena.grade import Answer, Labelled
from arena.match import TimeControl


@dataclass(frozen=True, slots=True)
class Batch:
    """Everything that decides how some positions are answered."""

    agent: str
    """Canonical AGENT text."""
    positions: tuple[Labelled, ...]
    seed: int
    """Of the agent's chance."""
    move_s: float
    """Seconds a position may take; 0 = no limit."""
    one_by_one: bool = False
    """Ask for one position after the other, saying before each which it is."""
    faults: tuple[tuple[int, str], ...] = ()
    """Positions, by place, that are known to kill or to block the process, and how."""


def answers(
    agent: str, positions: Sequence[Labelled], seed: int, executor: Executor, move_s: float = 0.0
) -> Iterator[Answer]:
    """Gives the answer to each position in turn, see `grade.answers`.

    Args:
        agent: canonical AGENT text.
        positions: what is asked.
        seed: of the agent's chance.
        executor: who asks.
        move_s: seconds a position may take, 0 = no limit; `Inline` does not see to it.

    Raises:
        AgentError: when the agent cannot be made or cannot play Connect X.
        ChunkError: when a job fails for a reason that is not the agent's.
    """
    tournament.cards_of((agent,), (grade.ENV,), TimeControl(), executor)
    size = grade.CHUNK
    parts = [tuple(positions[first : first + size]) for first in range(0, len(positions), size)]
    jobs = [Batch(agent, part, seed, move_s) for part in parts]
    for outcome in executor.map(answer, jobs, executors.ahead(executor), retry):
        if outcome.status != "ok":
            raise ChunkError(f"positions failed ({outcome.status}): {outcome.value}")
        yield from outcome.value


def answer(batch: Batch, report: Report) -> list[Answer]:
    """Gives the answers to a batch; runs in any process."""
    report(TimeControl().load_s)
    player = chunks.player_of(batch.agent)
    if not batch.one_by_one:
        report(batch.move_s * len(batch.positions))
        return list(grade.answers(player, batch.positions, batch.seed))
    known, found = dict(batch.faults), list[Answer]()
    for place, position in enumerate(batch.positions):
        if place in known:
            found.append(Answer(position, None, 0.0, known[place]))
            continue
        report(batch.move_s, str(place).encode())
        found += grade.answers(player, [position], batch.seed)
    return found


def retry(batch: Batch, outcome: Outcome) -> Batch | None:
    """Gives the batch to ask after one that died or was late; None when no position is to blame."""
    if not batch.one_by_one:
        return replace(batch, one_by_one=True)
    if not outcome.note:
        return None
    words = f"{outcome.status}: {outcome.value.splitlines()[0]}"
    return replace(batch, faults=(*batch.faults, (int(outcome.note), words)))
