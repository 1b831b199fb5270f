"""Exact search on Connect X boards, one null window at a time. Axes: `A` columns, `S` slots.

A score is seen by the player to move and counts discs. It is positive when the mover wins: 1 with
the last disc that it could still put on the board, one more for each disc sooner. It is negative
when the other wins, by the same count of the other's discs, and 0 for a draw. If the board's `n`-th
disc ends the game, the winner's score is `(cells + 2 - n) // 2`: 18 for a win with the seventh
disc of a 7x6 board, 1 with the last two.

A null window asks whether a score exceeds `alpha`. The search keeps its frames in arrays, so it can
stop after any number of positions and go on where it was. What it stores are facts about positions,
whatever was asked, so a table need never be cleared for the scores to be right.

Sources: http://blog.gamesolver.org/solving-connect-four/ (windows, losing moves, order of moves);
claimeven: V. Allis, A Knowledge-based Approach of Connect-Four, chapter 3,
http://www.informatik.uni-trier.de/~fernau/DSL0607/Masterthesis-Viergewinnt.pdf.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import config, njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from envs.connectx import rules

UNDECIDED = -128
"""What `advance` gives when its budget is spent."""
LEVEL, ALPHA, NODES = 0, 1, 2
"""Places in `Search.control`: open frame, window at the root, positions visited so far."""

_MINE, _OCCUPIED, _SPOTS, _HASH, _COUNT, _TRIED = range(6)
_NONE, _ONE = np.uint64(0), np.uint64(1)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_TWO, _THREE, _LOWER, _TAG, _BOUND = (np.uint64(n) for n in (2, 3, 7, 14, 127))
_BIAS = 64
_STORED, _ASKED = 9, 16
"""With fewer empty cells a position is searched sooner than looked up; with more than `_ASKED` its
children are looked up before any is searched."""


class Search(NamedTuple):
    """What a search works on."""

    g: rules.Geometry
    """The board."""
    order: NDArray[np.uint64]
    """`uint64[A]`: the cells of each column, the centre first."""
    table: NDArray[np.uint64]
    """`uint64[S]`, S a power of two: the rest of a key's hash, lower bound, upper bound."""
    shift: np.uint64
    """Bits of a hash that the slot does not tell."""
    frames: NDArray[np.uint64]
    """`uint64[66, 6]`: the open position at each level."""
    moves: NDArray[np.uint64]
    """`uint64[66, A]`: its moves, as cells, in the order to try them."""
    spots: NDArray[np.uint64]
    """`uint64[66, A]`: the empty cells that win for the mover after each of them."""
    best: NDArray[np.int64]
    """`int64[66]`: the best score found for it."""
    control: NDArray[np.int64]
    """`int64[3]`, see `LEVEL`."""


def new_search(g: rules.Geometry, memory_mb: int) -> Search:
    """Gives a search with an empty table of at most `memory_mb` MiB, at least 1."""
    slots: int = 2 ** ((memory_mb * 2**17).bit_length() - 1)
    middle = (g.columns - 1) / 2
    columns = sorted(range(g.columns), key=lambda column: abs(column - middle))
    return Search(
        g,
        np.array([int(rules.column_mask.py_func(g, c)) for c in columns], np.uint64),
        np.zeros(slots, np.uint64),
        np.uint64(65 - slots.bit_length()),
        np.zeros((66, 6), np.uint64),
        np.zeros((66, g.columns), np.uint64),
        np.zeros((66, g.columns), np.uint64),
        np.zeros(66, np.int64),
        np.zeros(3, np.int64),
    )


@intrinsic
def _prefetch_slot(typingctx: Any, table: Any, slot: Any) -> Any:
    """Asks the hardware to bring a slot near, since waiting for memory is most of the time."""
    from llvmlite import ir
    from numba.core import cgutils as numba_cgutils

    cgutils: Any = numba_cgutils

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        place = builder.bitcast(builder.gep(data, [args[1]]), ir.IntType(8).as_pointer())
        word = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [place.type, word, word, word])
        call = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(call, [place, word(0), word(3), word(1)])
        return context.get_dummy_value()

    return types.void(table, types.uint64), emit


if config.DISABLE_JIT:  # type: ignore[attr-defined]

    def _prefetch(table: Any, slot: Any) -> None:
        """Does nothing, since there is nothing to bring near."""
else:

    @njit(cache=True)
    def _prefetch(table: Any, slot: Any) -> None:
        _prefetch_slot(table, slot)  # type: ignore[call-arg]


@njit(cache=True)
def _safe(playable: Any, spots: Any) -> Any:
    """Gives the moves that do not lose at once to the other's `spots`, the empty set if none."""
    forced = playable & spots
    if forced & (forced - _ONE):
        return _NONE
    return (forced or playable) & ~(spots >> _ONE)


@njit(cache=True)
def _spots_of_four(discs: Any, height: Any, empty: Any) -> Any:
    """Gives the empty cells where one more disc completes four, `height` bits to a column."""
    spots = (discs << _ONE) & (discs << _TWO) & (discs << _THREE)
    for shift in (height - _ONE, height, height + _ONE):
        up, down = discs << shift, discs >> shift
        pair = up & (up << shift)
        spots |= pair & ((pair << shift) | down)
        pair = down & (down >> shift)
        spots |= pair & ((pair >> shift) | up)
    return spots & empty


def winning_spots(s: Search, discs: int, empty: int) -> int:
    """Gives the `empty` cells where one more disc completes a line with `discs`."""
    words = np.uint64(discs), np.uint64(empty)
    if s.g.inarow == 4:
        return int(_spots_of_four(words[0], np.uint64(s.g.rows + 1), words[1]))
    return int(rules.winning_spots(s.g, words[0])) & empty


@njit(cache=True)
def _four_in_line(discs: Any, height: Any) -> Any:
    """Says whether `discs` hold four in line, `height` bits to a column."""
    pairs = discs & (discs >> _ONE)
    lines = pairs & (pairs >> _TWO)
    for shift in (height - _ONE, height, height + _ONE):
        pairs = discs & (discs >> shift)
        lines |= pairs & (pairs >> (shift << _ONE))
    return lines != _NONE


@njit(cache=True)
def _followed(g: Any, inarow: Any, mine: Any, theirs: Any, playable: Any) -> Any:
    """Gives an upper bound for a mover who leaves the last disc to the other, 64 if it has none.

    The other can answer above each disc, or, where the mover opens a column with an odd number of
    empty cells, open another such column. So of the cells at an even distance from the top it gets
    all but those playable now.
    """
    empty = g.full & ~(mine | theirs)
    kept = (g.bottom << np.uint64(g.rows - 1)) & g.full
    for _ in range(2, g.rows, 2):
        kept |= kept >> _TWO
    kept &= empty & ~playable
    if inarow is None:
        mine_may = _four_in_line(mine | (empty ^ kept), np.uint64(g.rows + 1))
        theirs_will = _four_in_line(theirs | kept, np.uint64(g.rows + 1))
    else:
        mine_may = rules.has_line(g, mine | (empty ^ kept))
        theirs_will = rules.has_line(g, theirs | kept)
    if mine_may:
        return _BIAS
    return -1 if theirs_will else 0


@njit(cache=True)
def _at_once(safe: Any, left: Any, alpha: Any) -> Any:
    """Gives a bound on its side of `alpha` that a look at the board tells, or UNDECIDED."""
    if safe == _NONE:
        return -(left >> 1)
    if left <= 2:
        return 0
    if (left - 1) >> 1 <= alpha:
        return (left - 1) >> 1
    if 1 - (left >> 1) > alpha:
        return 1 - (left >> 1)
    return UNDECIDED


@njit(cache=True)
def _mixed(g: Any, mine: Any, occupied: Any) -> Any:
    """Gives the hash of a position, another for every other: its top bits are the slot."""
    return (mine + occupied + g.bottom) * _GOLDEN


@njit(cache=True)
def _bounds(entry: Any, mixed: Any, shift: Any) -> Any:
    """Gives the lower and the upper bound that an entry of the table has for a hash."""
    if entry >> _TAG != mixed & ((_ONE << shift) - _ONE):
        return -_BIAS, _BIAS - 1
    return np.int64((entry >> _LOWER) & _BOUND) - _BIAS, np.int64(entry & _BOUND) - _BIAS


@njit(cache=True)
def _entry(mixed: Any, shift: Any, lower: Any, upper: Any) -> Any:
    """Gives what `_bounds` reads again."""
    bounds = np.uint64(lower + _BIAS) << _LOWER | np.uint64(upper + _BIAS)
    return (mixed & ((_ONE << shift) - _ONE)) << _TAG | bounds


def advance(s: Search, budget: int) -> int:
    """Searches on until it knows a bound of the score on its side of the window, and gives it.

    To begin, write the position, which its mover must not win at once, and the empty cells that win
    for the other into the first frame, 0 into LEVEL and the window into ALPHA.

    Args:
        s: what to work on.
        budget: most positions to visit; then it gives UNDECIDED and goes on with the next call.
    """
    return int(_advance(s, budget, None if s.g.inarow == 4 else s.g.inarow))


@njit(cache=True, nogil=True)
def _advance(s: Any, budget: Any, inarow: Any) -> Any:  # noqa: C901
    """Does the work of `advance`; `inarow` is None for four, which is quicker to compile."""
    g, order, table, shift = s.g, s.order, s.table, s.shift
    frames, moves, spots, best = s.frames, s.moves, s.spots, s.best
    height = np.uint64(g.rows + 1)
    level = s.control[LEVEL]
    first = g.columns * g.rows - rules.popcount(frames[0, _OCCUPIED])
    nodes = 0
    while nodes < budget:
        nodes += 1
        mine, occupied = frames[level, _MINE], frames[level, _OCCUPIED]
        theirs, empty = mine ^ occupied, g.full ^ occupied
        playable = (occupied + g.bottom) & g.full
        alpha = -1 - s.control[ALPHA] if level & 1 else s.control[ALPHA]
        left = first - level
        safe = _safe(playable, frames[level, _SPOTS])
        value = _at_once(safe, left, alpha)
        if value == UNDECIDED and alpha >= -1 and left & 1 == 0:
            bound = _followed(g, inarow, mine, theirs, playable)
            if bound <= alpha:
                value = bound
        mixed = _mixed(g, mine, occupied)
        if value == UNDECIDED and left >= _STORED:
            lower, upper = _bounds(table[mixed >> shift], mixed, shift)
            if lower > alpha:
                value = lower
            elif upper <= alpha:
                value = upper
        if value == UNDECIDED:
            bound, count = UNDECIDED, 0
            for i in range(g.columns):
                cell = safe & order[i]
                if cell == _NONE:
                    continue
                if left > _STORED:
                    _prefetch(table, _mixed(g, theirs, occupied | cell) >> shift)
                if inarow is None:
                    wins = _spots_of_four(mine | cell, height, empty ^ cell)
                else:
                    wins = rules.winning_spots(g, mine | cell) & (empty ^ cell)
                opened = (playable ^ cell) | ((cell << _ONE) & g.full)
                if _safe(opened, wins) == _NONE:
                    bound = (left - 1) >> 1
                    break
                if alpha <= 0 and left & 1:
                    bound = -_followed(g, inarow, theirs, mine | cell, opened)
                    if bound > alpha:
                        break
                    bound = UNDECIDED
                place, ranked = count, rules.popcount(wins)
                while place > 0 and rules.popcount(spots[level, place - 1]) < ranked:
                    moves[level, place] = moves[level, place - 1]
                    spots[level, place] = spots[level, place - 1]
                    place -= 1
                moves[level, place], spots[level, place] = cell, wins
                count += 1
            if bound == UNDECIDED and (left - 3) >> 1 <= alpha:
                bound = (left - 3) >> 1
            if bound == UNDECIDED and left > _ASKED:
                for i in range(count):
                    other = _mixed(g, theirs, occupied | moves[level, i])
                    _, upper = _bounds(table[other >> shift], other, shift)
                    if -upper > alpha:
                        bound = -upper
                        break
            best[level], frames[level, _HASH], frames[level, _TRIED] = bound, mixed, 0
            frames[level, _COUNT] = count if bound == UNDECIDED else 0
            level += 1
            value = -bound
        while value != UNDECIDED:
            if level == 0:
                s.control[NODES] += nodes
                return value
            level -= 1
            alpha = -1 - s.control[ALPHA] if level & 1 else s.control[ALPHA]
            value = best[level] = max(best[level], -value)
            if value <= alpha and frames[level, _TRIED] < frames[level, _COUNT]:
                tried = np.int64(frames[level, _TRIED])
                frames[level, _TRIED] = tried + 1
                mine, occupied = frames[level, _MINE], frames[level, _OCCUPIED]
                frames[level + 1, _MINE] = mine ^ occupied
                frames[level + 1, _OCCUPIED] = occupied | moves[level, tried]
                frames[level + 1, _SPOTS] = spots[level, tried]
                level += 1
                value = UNDECIDED
            elif first - level >= _STORED:
                mixed = frames[level, _HASH]
                lower, upper = _bounds(table[mixed >> shift], mixed, shift)
                if value > alpha:
                    lower = value
                else:
                    upper = value
                table[mixed >> shift] = _entry(mixed, shift, lower, upper)
    s.control[LEVEL] = level
    s.control[NODES] += nodes
    return UNDECIDED
