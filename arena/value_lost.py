"""The first move of each player that lost value: where a game went another way than it had to."""

from __future__ import annotations

import time
from typing import NamedTuple

from agents import solver as solving
from agents.solver_root import Budget, Node, OutOfBudgetError, Solver
from arena.match_record import MatchRecord
from envs import registry

SECONDS = 60.0
"""Most time for a game."""
_WORDS = {1: "won", 0: "drawn", -1: "lost"}


class Lost(NamedTuple):
    """A move that lost value; values are outcomes, 1 won to -1 lost, for who made it."""

    move: int
    """Number of the move in the game, from 1, those of the opening counted."""
    seat: int
    action: int
    """The column, from 0."""
    before: int
    """With best play."""
    after: int
    """After the move."""

    @property
    def words(self) -> str:
        """Gives both outcomes in words."""
        return f"{_WORDS[self.before]} to {_WORDS[self.after]}"


def first(record: MatchRecord, seconds: float = SECONDS) -> tuple[list[Lost], bool]:
    """Gives the first move of each seat that lost value, and whether all positions were solved.

    Positions are solved from the end, where it is quick; those before what the time allows for are
    left out.

    Args:
        record: of a game of Connect X.
        seconds: most time.
    """
    spec = registry.spec(record.env)
    solver = solving.new_solver([int(spec.options[n]) for n in ("columns", "rows", "inarow")])
    solver.budget = Budget(time.monotonic() + seconds)
    moves = [*record.start, *record.actions]
    states = _states(solver, moves)
    values: dict[int, int] = {len(moves): _last_value(record, len(moves), solver, states)}
    whole = True
    for ply in range(len(moves) - 1, -1, -1):
        try:
            values[ply] = _outcome(solver, *states[ply])
        except OutOfBudgetError:
            whole = False
            break
    lost: dict[int, Lost] = {}
    for ply in sorted(values)[:-1]:
        before, after = values[ply], -values[ply + 1]
        if after < before:
            lost.setdefault(ply % 2, Lost(ply + 1, ply % 2, moves[ply], before, after))
    return sorted(lost.values()), whole


def _states(solver: Solver, moves: list[int]) -> list[tuple[int, int]]:
    """Gives `(mine, occupied)` before each move and after the last, for the player to move."""
    states = [(0, 0)]
    for column in moves:
        mine, occupied = states[-1]
        states.append((mine ^ occupied, occupied | solver.cell(occupied, column)))
    return states


def _last_value(
    record: MatchRecord, plies: int, solver: Solver, states: list[tuple[int, int]]
) -> int:
    """Gives the value of the last position for who would be to move."""
    if record.blame is not None:
        try:
            return _outcome(solver, *states[plies])
        except OutOfBudgetError:
            return 0
    score = record.scores[plies % 2]
    return (score > 0.5) - (score < 0.5)


def _outcome(solver: Solver, mine: int, occupied: int) -> int:
    """Gives the outcome of a running position, 1, 0 or -1, for the player to move.

    Raises:
        OutOfBudgetError: when the time is over.
    """
    node: Node = solver.node(mine, occupied)
    if solver.probe(node, 0):
        return 1
    return 0 if solver.probe(node, -1) else -1
