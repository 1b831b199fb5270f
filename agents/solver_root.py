"""What the search knows of a position and of its columns. Axes: `A` columns.

Positions are pairs of sets of cells, `mine` and `occupied`, as Python integers; scores are those of
`agents.solver_search`. Bounds are narrowed window by window, so a spent budget leaves a sound
interval instead of nothing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agents import solver_search as search
from envs.connectx.rules import Geometry

Lookup = Callable[[int, int], int | None]
"""Gives the score of a position, `(mine, occupied)`, or None where it is not known."""

_SLICE = 20_000
"""Positions visited between two looks at the clock, about 2 ms."""


class OutOfBudgetError(Exception):
    """The clock or the number of positions allowed has run out."""


@dataclass
class Budget:
    """What a search may still use up."""

    deadline: float = math.inf
    """On the scale of `time.monotonic()`, seconds."""
    nodes: float = math.inf
    """Positions that may be visited."""


@dataclass
class Node:
    """A position and an interval that its score, seen by its mover, lies in."""

    mine: int
    occupied: int
    spots: int
    """Empty cells that win for the other."""
    low: int
    high: int

    @property
    def solved(self) -> bool:
        """True where the score is known."""
        return self.low == self.high


def _unknown(mine: int, occupied: int) -> int | None:
    return None


class Solver:
    """A transposition table and what is asked of it; one board, one thread."""

    def __init__(self, g: Geometry, memory_mb: int = 64, lookup: Lookup = _unknown) -> None:
        """Compiles the search for a board.

        Args:
            g: the board.
            memory_mb: MiB of the table.
            lookup: scores known beforehand.
        """
        self.g = g
        self.cells = g.columns * g.rows
        self.lookup = lookup
        self.budget = Budget()
        self._search = search.new_search(g, memory_mb)
        search.advance(self._search, 0)
        self._bottom, self._full = int(g.bottom), int(g.full)

    @property
    def nodes(self) -> int:
        """Positions visited so far."""
        return int(self._search.control[search.NODES])

    def forget(self) -> None:
        """Empties the table, so that what follows depends on nothing before."""
        self._search.table[:] = 0

    def cell(self, occupied: int, column: int) -> int:
        """Gives the cell where a disc in `column` lands, 0 if the column is full."""
        height = self.g.rows + 1
        return (occupied + self._bottom) & self._full & ((1 << height) - 1 << column * height)

    def node(self, mine: int, occupied: int) -> Node:
        """Gives a running position with what is known of it without a search."""
        playable = (occupied + self._bottom) & self._full
        left = self.cells - occupied.bit_count()
        if self._spots(mine, occupied) & playable:
            return Node(mine, occupied, 0, (left + 1) // 2, (left + 1) // 2)
        spots = self._spots(mine ^ occupied, occupied)
        known = self.lookup(mine, occupied)
        if known is None and left == 0:
            known = 0
        if known is not None:
            return Node(mine, occupied, spots, known, known)
        return Node(mine, occupied, spots, -(left // 2), (left - 1) // 2)

    def children(self, mine: int, occupied: int) -> list[Node | None]:
        """Gives the position after each column, None where it is full.

        A won position is solved, with the score of its loser, though it is over.
        """
        wins = self._spots(mine, occupied)
        left = self.cells - occupied.bit_count()
        nodes: list[Node | None] = []
        for column in range(self.g.columns):
            cell = self.cell(occupied, column)
            if not cell:
                nodes.append(None)
            elif cell & wins:
                lost = -((left + 1) // 2)
                nodes.append(Node(mine ^ occupied, occupied | cell, 0, lost, lost))
            else:
                nodes.append(self.node(mine ^ occupied, occupied | cell))
        return nodes

    def probe(self, node: Node, alpha: int) -> bool:
        """Says whether the score of `node` exceeds `alpha`, and narrows its interval.

        Raises:
            OutOfBudgetError: when the budget ends first.
        """
        if node.low <= alpha < node.high:
            bound = self._window(node, alpha)
            if bound > alpha:
                node.low = min(bound, node.high)
            else:
                node.high = max(bound, node.low)
        return node.low > alpha

    def solve(self, node: Node) -> int:
        """Gives the score of `node`; asks for far scores first, since they need short searches.

        Source: http://blog.gamesolver.org/solving-connect-four/10-iterative-deepening/.

        Raises:
            OutOfBudgetError: when the budget ends first.
        """
        while node.low < node.high:
            alpha = (node.low + node.high) // 2
            if alpha <= 0:
                alpha = min(alpha, -(-node.low // 2))
            if alpha >= 0:
                alpha = max(alpha, node.high // 2)
            self.probe(node, min(alpha, node.high - 1))
        return node.low

    def scores(self, mine: int, occupied: int) -> list[int | None]:
        """Gives the score of each column for the player to move, None where it is full.

        Raises:
            OutOfBudgetError: when the budget ends first.
        """
        nodes = self.children(mine, occupied)
        return [None if node is None else -self.solve(node) for node in nodes]

    def line(self, mine: int, occupied: int, first: Sequence[int] = ()) -> list[int]:
        """Gives the columns of best play to the end, after the columns `first`.

        Raises:
            OutOfBudgetError: when the budget ends first.
        """
        moves: list[int] = []
        while True:
            nodes = self.children(mine, occupied)
            if all(node is None for node in nodes):
                return moves
            if len(moves) < len(first):
                column = first[len(moves)]
            else:
                column = self.best(nodes, self.solve(self.node(mine, occupied)))[0]
            moves.append(column)
            node = nodes[column]
            assert node is not None
            if node.low == node.high == -((self.cells - occupied.bit_count() + 1) // 2):
                return moves
            mine, occupied = node.mine, node.occupied

    def best(self, nodes: Sequence[Node | None], score: int) -> list[int]:
        """Gives the columns whose score is at least `score`, given the position after each.

        Raises:
            OutOfBudgetError: when the budget ends first.
        """
        return [
            column
            for column, node in enumerate(nodes)
            if node is not None and not self.probe(node, -score)
        ]

    def narrow(self, nodes: Sequence[Node | None]) -> None:
        """Narrows all intervals evenly from both ends, where wins and losses that come soon lie.

        Raises:
            OutOfBudgetError: when the budget ends before all are solved.
        """
        left = [node for node in nodes if node is not None]
        while left := [node for node in left if not node.solved]:
            for node in left:
                self.probe(node, node.high - 1)
                self.probe(node, node.low)

    def _spots(self, discs: int, occupied: int) -> int:
        empty = self._full ^ occupied
        return search.winning_spots(self._search, discs, empty)

    def _window(self, node: Node, alpha: int) -> int:
        """Gives a bound of the score of `node` on its side of `alpha`."""
        control, frame = self._search.control, self._search.frames[0]
        frame[:3] = node.mine, node.occupied, node.spots
        control[search.LEVEL], control[search.ALPHA] = 0, alpha
        while True:
            allowed = min(self.budget.nodes, _SLICE)
            if allowed <= 0 or time.monotonic() >= self.budget.deadline:
                raise OutOfBudgetError
            before = control[search.NODES]
            bound = search.advance(self._search, int(allowed))
            self.budget.nodes -= int(control[search.NODES] - before)
            if bound != search.UNDECIDED:
                return bound
