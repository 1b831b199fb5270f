"""What the solver says of the moves of a game: where it went another way than it had to."""

from __future__ import annotations

import time
from typing import NamedTuple

from agents import solver as solving
from agents.solver_root import Budget, Node, OutOfBudgetError, Solver
from arena.match_record import MatchRecord
from arena.moves import MovesError
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


class Judged(NamedTuple):
    """A move; outcomes as in `Lost`, None where the time did not allow for a position."""

    move: int
    seat: int
    action: int
    before: int | None
    after: int | None
    kept: tuple[int, ...]
    """Where it lost value: the columns that kept the outcome, from 0."""
    first: bool
    """Whether it is the first of its seat that lost value."""

    @property
    def words(self) -> str:
        """Gives the outcome, both where the move changed it."""
        if self.before is None:
            return "not solved"
        if self.after is None or self.after >= self.before:
            return _WORDS[self.before]
        return Lost(self.move, self.seat, self.action, self.before, self.after).words


def first(record: MatchRecord, seconds: float = SECONDS) -> tuple[list[Lost], bool]:
    """Gives the first move of each seat that lost value, and whether all positions were solved.

    Positions are solved from the end, where it is quick; those before what the time allows for are
    left out.

    Args:
        record: of a game of Connect X.
        seconds: most time.

    Raises:
        MovesError: when it is of another game.
    """
    game = _Game(record, seconds)
    return sorted(game.first().values()), len(game.values) == len(game.moves) + 1


def judged(record: MatchRecord, seconds: float = SECONDS) -> list[Judged]:
    """Gives what the solver says of every move of a game. Args and Raises as `first`."""
    game = _Game(record, seconds)
    firsts = {lost.move for lost in game.first().values()}
    found = []
    for ply, action in enumerate(game.moves):
        before, after = game.values.get(ply), game.values.get(ply + 1)
        after = None if after is None else -after
        lost = before is not None and after is not None and after < before
        kept = game.keeping(ply) if lost else ()
        found.append(Judged(ply + 1, ply % 2, action, before, after, kept, ply + 1 in firsts))
    return found


class _Game:
    """A game with the outcomes of its positions, for the player to move."""

    def __init__(self, record: MatchRecord, seconds: float) -> None:
        """Solves the positions from the end, as far as the time allows.

        Raises:
            MovesError: when it is no game of Connect X.
        """
        if not record.env.startswith("connectx"):
            raise MovesError(f"only connectx can be solved, not {record.env}; choose another game")
        spec = registry.spec(record.env)
        size = [int(spec.options[name]) for name in ("columns", "rows", "inarow")]
        self._solver = solving.new_solver(size)
        self._solver.budget = Budget(time.monotonic() + seconds)
        self.moves = [*record.start, *record.actions]
        self._states = _states(self._solver, self.moves)
        end = len(self.moves)
        self.values = {end: _last_value(record, end, self._solver, self._states)}
        for ply in range(end - 1, -1, -1):
            try:
                self.values[ply] = _outcome(self._solver, *self._states[ply])
            except OutOfBudgetError:
                return

    def first(self) -> dict[int, Lost]:
        """Gives the first move that lost value by seat."""
        lost: dict[int, Lost] = {}
        for ply in sorted(self.values)[:-1]:
            before, after = self.values[ply], -self.values[ply + 1]
            if after < before:
                seat, action = ply % 2, self.moves[ply]
                lost.setdefault(seat, Lost(ply + 1, seat, action, before, after))
        return lost

    def keeping(self, ply: int) -> tuple[int, ...]:
        """Gives the columns that keep the outcome of a position, none where time is over."""
        nodes = self._solver.children(*self._states[ply])
        try:
            return tuple(self._solver.best(nodes, self.values[ply]))
        except OutOfBudgetError:
            return ()


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
