"""Alpha-beta search on Connect X boards, as kernels. Axes: `A` columns, `S` slots.

The score of a position at a depth is a number of these two alone: discs fix how deep a position is
searched, so a stored score never stands for another depth, and a row gets the same scores in any
batch. Scores are seen by the player to move. `WIN - n` is a win with the board's `n`-th disc, so
sooner is better; such scores hold at any depth. Smaller ones are estimates; 0 is a draw.

Sources: https://www.chessprogramming.org/Alpha-Beta,
http://blog.gamesolver.org/solving-connect-four/.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from envs.connectx import rules

WIN = 1_000_000
"""A win before the first disc; a win with disc `n` is worth `n` less."""
PROVEN = WIN - 100
"""From here on a score is a win, not an estimate."""
ILLEGAL = -2 * WIN
"""The score of a full column."""
NODES, GENERATION, STOP = 0, 1, 2
"""Places in `Search.control`: positions visited, number of the search, nonzero = give up."""

_ODD, _PAIR, _THREAT = 1, 3, 24
"""Worth of an open line with an odd number of discs, of one with two or more; of a threat."""
_NONE, _ONE = np.uint64(0), np.uint64(1)
_GOLDEN, _HASH = np.uint64(0x9E3779B97F4A7C15), np.uint64(40)
_EVEN_HEIGHTS = np.uint64(0x5555555555555555)
_LOW, _SIX = np.uint64(0xFFFFFFFF), np.uint64(63)
_CELL, _DEPTH, _BOUND, _GENERATION = np.uint64(32), np.uint64(38), np.uint64(44), np.uint64(46)
_EXACT, _LOWER, _UPPER = 0, 1, 2
_GENERATIONS = 2**18
inner = njit(cache=True, no_cpython_wrapper=True)  # type: ignore[call-overload]
"""Compiles what only kernels call, in half the time."""
_FRAME = np.dtype(
    [(name, np.uint64) for name in ("mine", "occupied", "best_cell")]
    + [(name, np.int64) for name in ("alpha", "beta", "best", "count", "tried")],
    align=True,
)


class Search(NamedTuple):
    """What a search works on; it is reused, and what other searches left counts as empty."""

    g: rules.Geometry
    """The board."""
    order: NDArray[np.int64]
    """`int64[A]`: columns, the centre first."""
    table: NDArray[np.uint64]
    """`uint64[S, 2]`, S a power of two: the key, then score, cell, depth, bound, generation."""
    frames: NDArray[Any]
    """`[64]`: the open position at each remaining depth."""
    moves: NDArray[np.uint64]
    """`uint64[64, A]`: its moves, as cells, in the order to try them."""
    worth: NDArray[np.int64]
    """`int64[A]`: what moves are sorted by."""
    control: NDArray[np.int64]
    """`int64[3]`, see `NODES`."""


def new_search(g: rules.Geometry, slots: int) -> Search:
    """Gives a search with an empty table of `slots` entries, a power of two up to 2**24."""
    return Search(
        g,
        np.array(sorted(range(g.columns), key=lambda column: abs(2 * column - g.columns + 1))),
        np.zeros((slots, 2), np.uint64),
        np.zeros(64, _FRAME).view(np.recarray),
        np.zeros((64, g.columns), np.uint64),
        np.zeros(g.columns, np.int64),
        np.zeros(3, np.int64),
    )


@njit(cache=True)
def _open_lines(g: Any, mine: Any, theirs: Any) -> Any:
    """Gives the worth of the lines that `mine` can still fill: the more discs, the more."""
    worth = 0
    slanted = min(g.rows, g.columns)
    ways = ((1, g.rows), (g.rows, slanted), (g.rows + 1, g.columns), (g.rows + 2, slanted))
    for shift, room in ways:
        if g.inarow > room:
            continue
        windows = g.full & ~theirs
        width = 1
        while width < g.inarow:
            more = min(width, g.inarow - width)
            windows &= windows >> np.uint64(more * shift)
            width += more
        odd, pair = _NONE, _NONE
        for i in range(g.inarow):
            discs = mine >> np.uint64(i * shift)
            pair |= odd & discs
            odd ^= discs
        worth += _ODD * rules.popcount(odd & windows) + _PAIR * rules.popcount(pair & windows)
    return worth


@njit(cache=True)
def _estimate(g: Any, mine: Any, theirs: Any, my_spots: Any, their_spots: Any) -> Any:
    """Gives what a position is worth at a glance: open lines, and threats that last.

    When all else is full, heights of one parity fall to the mover and the others to the opponent,
    so a cell that would win counts where its owner will get to play it.
    Source: Allis, A Knowledge-based Approach of Connect-Four, 1988, sections 3.3 and 4,
    https://tromp.github.io/c4/connect4_thesis.pdf.
    """
    empty = g.full & ~(mine | theirs)
    ours = g.bottom * (_EVEN_HEIGHTS & ((_ONE << np.uint64(g.rows)) - _ONE))
    if (rules.popcount(mine | theirs) + g.rows * (g.columns - 1)) & 1:
        ours ^= g.full
    threats = rules.popcount(my_spots & empty & ours) - rules.popcount(their_spots & empty & ~ours)
    return _THREAT * threats + _open_lines(g, mine, theirs) - _open_lines(g, theirs, mine)


@njit(cache=True)
def begin(s: Any) -> None:
    """Makes whatever the table holds count as empty."""
    s.control[GENERATION] = (s.control[GENERATION] + 1) % _GENERATIONS
    if s.control[GENERATION] == 0:
        s.table[:] = 0
        s.control[GENERATION] = 1


@inner
def look_up(s: Any, key: Any, depth: Any, alpha: Any, beta: Any) -> Any:
    """Gives whether the table settles a position, its score, and the best cell known or none."""
    slot = np.int64((key * _GOLDEN) >> _HASH) & (s.table.shape[0] - 1)
    entry = s.table[slot, 1]
    if s.table[slot, 0] != key or np.int64(entry >> _GENERATION) != s.control[GENERATION]:
        return False, 0, _NONE
    score = np.int64(entry & _LOW) - 2 * WIN
    bound = np.int64(entry >> _BOUND) & 3
    same = np.int64((entry >> _DEPTH) & _SIX) == depth
    settled = (bound == _EXACT) & (same | (abs(score) >= PROVEN))
    settled |= (bound == _LOWER) & (score >= beta) & (same | (score >= PROVEN))
    settled |= (bound == _UPPER) & (score <= alpha) & (same | (score <= -PROVEN))
    return settled, score, _ONE << ((entry >> _CELL) & _SIX)


@inner
def _store(s: Any, depth: Any) -> None:
    """Keeps what the frame of `depth` found."""
    frame = s.frames[depth]
    bound = _EXACT
    if frame.best >= frame.beta:
        bound = _LOWER
    elif frame.best <= frame.alpha:
        bound = _UPPER
    key = rules.key(s.g, frame.mine, frame.occupied)
    slot = np.int64((key * _GOLDEN) >> _HASH) & (s.table.shape[0] - 1)
    s.table[slot, 0] = key
    s.table[slot, 1] = (
        np.uint64(frame.best + 2 * WIN)
        | (np.uint64(rules.popcount(frame.best_cell - _ONE)) << _CELL)
        | (np.uint64(depth) << _DEPTH)
        | (np.uint64(bound) << _BOUND)
        | (np.uint64(s.control[GENERATION]) << _GENERATION)
    )


@inner
def _sort_moves(s: Any, depth: Any, moves: Any, first: Any) -> Any:
    """Writes `moves` in the order to try them: `first`, then the most threats; gives their number.

    Source: http://blog.gamesolver.org/solving-connect-four/09-anticipate-losing-moves/ and on.
    """
    frame = s.frames[depth]
    empty = s.g.full ^ frame.occupied
    count = 0
    if first & moves:
        s.moves[depth, 0] = first
        moves ^= first
        count = 1
    start = count
    for i in range(s.g.columns):
        cell = moves & rules.column_mask(s.g, s.order[i])
        if cell == _NONE:
            continue
        worth = rules.popcount(rules.winning_spots(s.g, frame.mine | cell) & empty)
        place = count
        while place > start and s.worth[place - 1] < worth:
            s.worth[place] = s.worth[place - 1]
            s.moves[depth, place] = s.moves[depth, place - 1]
            place -= 1
        s.worth[place] = worth
        s.moves[depth, place] = cell
        count += 1
    return count


@njit(cache=True)
def _visit(s: Any, mine: Any, occupied: Any, depth: Any, alpha: Any, beta: Any) -> Any:
    """Gives `(settled, score)` of a position; opens the frame of `depth` if it is not settled."""
    g = s.g
    s.control[NODES] += 1
    playable = rules.playable(g, occupied)
    discs = rules.popcount(occupied)
    my_spots = rules.winning_spots(g, mine)
    if my_spots & playable:
        return True, WIN - (discs + 1)
    if occupied == g.full:
        return True, 0
    their_spots = rules.winning_spots(g, mine ^ occupied)
    forced = their_spots & playable
    # A disc below a cell that wins for the other loses, as does leaving two such cells open.
    moves = (forced or playable) & ~(their_spots >> _ONE)
    if moves == _NONE or forced & (forced - _ONE):
        return True, discs + 2 - WIN
    if depth == 0:
        return True, _estimate(g, mine, mine ^ occupied, my_spots, their_spots)
    settled, score, first = look_up(s, rules.key(g, mine, occupied), depth, alpha, beta)
    if settled:
        return True, score
    frame = s.frames[depth]
    frame.mine, frame.occupied = mine, occupied
    frame.alpha, frame.beta, frame.best = alpha, beta, ILLEGAL
    frame.tried = 0
    frame.count = _sort_moves(s, depth, moves, first)
    return False, 0


@inner
def score(s: Any, mine: Any, occupied: Any, depth: Any) -> Any:
    """Gives the score of a position, 0 if told to stop.

    Frames stand in for recursion, since Numba cannot reload a kernel that calls itself.
    """
    settled, score = _visit(s, mine, occupied, depth, -WIN, WIN)
    level = depth
    while not settled or level < depth:
        if s.control[STOP]:
            return 0
        frame = s.frames[level]
        if settled:
            level += 1
            frame = s.frames[level]
            if -score > frame.best:
                frame.best = -score
                frame.best_cell = s.moves[level, frame.tried - 1]
        if frame.tried < frame.count and frame.best < frame.beta:
            after = frame.occupied | s.moves[level, frame.tried]
            frame.tried += 1
            low = max(frame.alpha, frame.best)
            level -= 1
            settled, score = _visit(s, frame.mine ^ frame.occupied, after, level, -frame.beta, -low)
        else:
            _store(s, level)
            settled, score = True, frame.best
    return score


@njit(cache=True)
def score_moves(s: Any, mine: Any, occupied: Any, depth: Any, scores: Any) -> Any:
    """Writes the exact score of each move, `int64[A]`, `depth` plies deep; gives the best."""
    best = ILLEGAL
    spots = rules.winning_spots(s.g, mine)
    for column in range(s.g.columns):
        cell = rules.drop(s.g, occupied, column)
        if cell == _NONE:
            scores[column] = ILLEGAL
        elif cell & spots:
            scores[column] = WIN - rules.popcount(occupied) - 1
        else:
            scores[column] = -score(s, mine ^ occupied, occupied | cell, depth - 1)
        best = max(best, scores[column])
    return best
