"""A perfect player of Connect X. Axes: `B` rows, `R` rows to move, `A` actions = columns.

Where it says a value, its move is one of the best: it wins soonest, loses latest, and chooses among
equally good moves by a hash of the row's seed and of the number of its own moves in the row. Where
a position cannot be solved in time (the empty board of 8x7 cannot in any), its value is nan and its
move the best by the bounds that it has proven.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agents import board
from agents import solver_book as book
from agents.base import AgentError, Clock, Decisions
from agents.solver_root import Budget, Node, OutOfBudgetError, Solver
from envs.base import EnvSpec, TimeStep
from envs.connectx.rules import geometry
from envs.seeding import derive, mix

HOPELESS = 44
"""With more empty cells than this hardly any position is solved in reasonable time."""
_MOST_NODES = 500_000_000
"""Positions visited for a move without a clock, about 40 s."""
_FRESH = 31
"""With at least so many empty cells a search begins with an empty table, so that a spent budget is
spent at the same place whatever was searched before."""
_MARGIN = 0.02
"""Seconds kept back from a deadline."""
_GUESSING = 0.1
"""Share of a budget that is left for a guess."""
_HALF = np.uint64(32)


@dataclass
class Thought:
    """What the player thinks of a position, seen by the player to move."""

    columns: list[int]
    """The moves to choose from, all equally good."""
    value: float
    """Expected return, nan if it is not proven."""
    q: list[float]
    """`[A]`, expected return after each column; nan where it is unknown."""


class SolverPlayer:
    """Plays perfectly where it can, and says so; any Connect X board."""

    max_batch: int | None
    digest: str | None = None

    def __init__(
        self, *, seconds: float | None = None, memory_mb: int = 64, book: bool = True
    ) -> None:
        """Makes the player.

        Args:
            seconds: most seconds to think about a move; without it, until the move is solved, the
                clock is nearly up, or 500 million positions are visited.
            memory_mb: MiB of the transposition table, 1 to 4096.
            book: whether to use the opening books.

        Raises:
            AgentError: when a number is out of range.
        """
        if seconds is not None and not seconds > 0:
            raise AgentError(f"solver cannot take seconds={seconds:g}; choose more than 0")
        if not 1 <= memory_mb <= 4096:
            raise AgentError(f"solver cannot take memory_mb={memory_mb}; choose 1 to 4096")
        self.max_batch = None if seconds is None else 1
        self._seconds, self._memory_mb, self._book = seconds, memory_mb, book
        self._solver: Solver | None = None
        self._streams = np.zeros(0, np.uint64)
        self._moves = np.zeros(0, np.int64)

    def reset(self, spec: EnvSpec, seats: NDArray[np.int64], seeds: NDArray[np.int64]) -> None:
        """Prepares new episodes, and compiles and reads the books before any clock runs.

        Raises:
            AgentError: when the environment is not Connect X.
        """
        size = board.geometry(spec, "solver")[:3]
        if self._solver is None or size != self._solver.g[:3]:
            self._solver = new_solver(size, self._memory_mb, self._book)
        self._streams = mix(seeds, derive("solver"))
        self._moves = np.zeros(len(seeds), np.int64)

    def act(
        self, rows: NDArray[np.int64], steps: TimeStep, clock: Clock | None = None
    ) -> Decisions:
        """Chooses a column for each row; `value` is nan where it is no proven best one."""
        solver = self._solver
        assert solver is not None
        words = mix(self._streams[rows], self._moves[rows])
        self._moves[rows] += 1
        boards = positions(np.asarray(steps.observation))
        action = np.full(len(rows), -1, np.int64)
        value = np.full(len(rows), np.nan)
        q = np.full((len(rows), solver.g.columns), np.nan)
        lines: list[Sequence[int]] = []
        for i, (mine, occupied) in enumerate(boards):
            line: Sequence[int] = ()
            if np.any(steps.action_mask[i]):
                budget = self._budget(clock, len(rows) - i)
                thought = think(solver, mine, occupied, budget, self._book)
                count = np.uint64(len(thought.columns))
                column = thought.columns[int((words[i] >> _HALF) * count >> _HALF)]
                action[i], value[i], q[i] = column, thought.value, thought.q
                line = [column]
                if not math.isnan(thought.value):
                    line = expected_line(solver, mine, occupied, column, self._book)
            lines.append(line)
        return Decisions(action, value, q=q, line=lines)

    def _budget(self, clock: Clock | None, rows: int) -> Budget:
        """Gives what may be used for the first of `rows` that are left."""
        now = time.monotonic()
        seconds = math.inf if self._seconds is None else self._seconds
        if clock is not None:
            seconds = min(seconds, (clock.deadline - _MARGIN - now) / rows)
        return Budget(now + seconds, _MOST_NODES if math.isinf(seconds) else math.inf)


def new_solver(size: Sequence[int], memory_mb: int = 64, with_book: bool = True) -> Solver:
    """Gives a solver for a board of `size`: columns, rows, in a row; it reads the books there are.

    Raises:
        EnvOptionError: when there is no such board.
    """
    g = geometry(*size)
    if not with_book or tuple(size) != (book.COLUMNS, book.ROWS, 4):
        return Solver(g, memory_mb)
    book.moves()
    book.scores()
    return Solver(g, memory_mb, book.score)


def positions(observations: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """Gives `(mine, occupied)` of each observation, `uint8[R, 2, rows, A]`."""
    _, _, rows, columns = observations.shape
    heights = np.arange(rows)[::-1, None] + np.arange(columns) * (rows + 1)
    discs = (observations.astype(np.uint64) << heights.astype(np.uint64)).sum((2, 3))
    return [(int(mine), int(mine | theirs)) for mine, theirs in discs]


def think(solver: Solver, mine: int, occupied: int, budget: Budget, with_book: bool) -> Thought:
    """Gives the best moves of a running position, proven or, where the budget ends, guessed."""
    nodes = solver.children(mine, occupied)
    standard = solver.lookup == book.score
    advice = book.advice(mine, occupied) if with_book and standard else None
    if advice is not None:
        for column in advice.columns:
            node = nodes[column]
            assert node is not None
            node.low = node.high = -advice.score
        return Thought(advice.columns, float(np.sign(advice.score)), _returns(nodes))
    left = solver.cells - occupied.bit_count()
    if left >= _FRESH:
        solver.forget()
    try:
        solver.budget = _share(budget, 1 - _GUESSING if left <= HOPELESS else 0.0)
        score = solver.solve(solver.node(mine, occupied))
        columns = solver.best(nodes, score)
    except OutOfBudgetError:
        solver.budget = budget
        return _guess(solver, nodes)
    with suppress(OutOfBudgetError):
        solver.budget = _share(budget, 1 - _GUESSING)
        for node in nodes:
            if node is not None and solver.probe(node, -1):
                solver.probe(node, 0)
    return Thought(columns, float(np.sign(score)), _returns(nodes))


def expected_line(
    solver: Solver, mine: int, occupied: int, column: int, with_book: bool
) -> list[int]:
    """Gives best play after `column`, no further than the book where the position is in it."""
    line = [column]
    if solver.lookup == book.score and occupied.bit_count() <= book.LAST_MOVE_PLY:
        while True:
            mine, occupied = mine ^ occupied, occupied | solver.cell(occupied, line[-1])
            advice = book.advice(mine, occupied) if with_book else None
            if advice is None:
                return line
            line.append(advice.columns[0])
    try:
        return solver.line(mine, occupied, line)
    except OutOfBudgetError:
        return line


def _share(budget: Budget, share: float) -> Budget:
    now = time.monotonic()
    if not share:
        return Budget(now, 0)
    return Budget(now + share * (budget.deadline - now), share * budget.nodes)


def _guess(solver: Solver, nodes: list[Node | None]) -> Thought:
    """Gives the moves with the best bounds: what is proven, what is possible, threats."""
    with suppress(OutOfBudgetError):
        solver.narrow(nodes)
    low = max(-node.high for node in nodes if node is not None)
    high = max(-node.low for node in nodes if node is not None)
    worth = [
        None if node is None else (-node.high, -node.low, node.spots.bit_count()) for node in nodes
    ]
    most = max(entry for entry in worth if entry is not None)
    columns = [column for column, entry in enumerate(worth) if entry == most]
    proven = low == high
    return Thought(columns, float(np.sign(low)) if proven else math.nan, _returns(nodes))


def _returns(nodes: Sequence[Node | None]) -> list[float]:
    """Gives the return that is proven after each column, nan where none is."""

    def known(node: Node | None) -> float:
        if node is None or np.sign(node.low) != np.sign(node.high):
            return math.nan
        return float(-np.sign(node.low)) + 0.0

    return [known(node) for node in nodes]
