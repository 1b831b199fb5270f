"""The search against plain minimax, and its estimate against counting."""

from functools import cache

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agents import negamax_search as search
from agents.negamax_search import ILLEGAL, PROVEN, WIN
from envs.connectx import rules

SMALL = rules.geometry(4, 4, 3)
SIZES = [(4, 4, 3), (5, 4, 3), (4, 5, 4), (6, 3, 3), (7, 6, 4), (5, 2, 4), (12, 4, 12), (3, 3, 1)]


def played(g, moves):
    """Gives `mine` and `occupied` after moves, without those that are illegal or end the game."""
    mine = occupied = np.uint64(0)
    for column in moves:
        cell = rules.drop(g, occupied, column % g.columns)
        if cell and not rules.has_line(g, mine | cell) and occupied | cell != g.full:
            mine, occupied = mine ^ occupied, occupied | cell
    return mine, occupied


def minimax(g, mine, occupied, depth, leaf):
    """Gives the score by trying everything; the player to move has `mine`."""
    discs = int(occupied).bit_count()
    if rules.has_line(g, mine ^ occupied):
        return discs - WIN
    if occupied == g.full:
        return 0
    if depth == 0:
        return leaf(mine, occupied)
    cells = [rules.drop(g, occupied, column) for column in range(g.columns)]
    return max(
        -minimax(g, mine ^ occupied, occupied | cell, depth - 1, leaf) for cell in cells if cell
    )


@cache
def solved(mine, occupied):
    """Gives the score of a position on the small board, searched to the end."""
    discs = occupied.bit_count()
    if rules.has_line(SMALL, np.uint64(mine ^ occupied)):
        return discs - WIN
    if occupied == int(SMALL.full):
        return 0
    cells = [int(rules.drop(SMALL, np.uint64(occupied), column)) for column in range(4)]
    return max(-solved(mine ^ occupied, occupied | cell) for cell in cells if cell)


def scores(g, mine, occupied, depth, slots=256):
    """Gives the score of each move, ILLEGAL where a column is full."""
    out = np.zeros(g.columns, np.int64)
    s = search.new_search(g, slots)
    search.begin(s)
    best = search.score_moves(s, mine, occupied, depth, out)
    assert best == out.max()
    return out.tolist()


def after_each(g, mine, occupied, value):
    """Gives what `value` says of each move, ILLEGAL where a column is full."""
    cells = [rules.drop(g, occupied, column) for column in range(g.columns)]
    return [-value(mine ^ occupied, occupied | cell) if cell else ILLEGAL for cell in cells]


MOVES = st.lists(st.integers(0, 11), max_size=40)


@given(MOVES)
@settings(deadline=None)
def test_full_search_solves_the_small_board(moves):
    mine, occupied = played(SMALL, moves)
    assume(int(occupied).bit_count() >= 3)
    expected = after_each(SMALL, mine, occupied, lambda m, o: solved(int(m), int(o)))
    assert scores(SMALL, mine, occupied, 16) == expected


def test_the_empty_small_board_is_solved():
    nothing = np.uint64(0)
    expected = after_each(SMALL, nothing, nothing, lambda m, o: solved(int(m), int(o)))
    assert scores(SMALL, nothing, nothing, 16) == expected
    assert max(expected) >= PROVEN  # whoever begins wins three in a row on 4x4


@given(st.sampled_from(SIZES), MOVES, st.integers(1, 4), st.sampled_from([1, 4, 1024]))
@settings(deadline=None, max_examples=60)
def test_search_is_minimax_at_its_depth_whatever_the_table(size, moves, depth, slots):
    g = rules.geometry(*size)
    mine, occupied = played(g, moves)
    s = search.new_search(g, 1)

    def leaf(m, o):
        settled, score = search._visit(s, m, o, 0, -WIN, WIN)
        assert settled
        return score

    depth = min(depth, 3) if g.columns > 5 else depth
    expected = after_each(g, mine, occupied, lambda m, o: minimax(g, m, o, depth - 1, leaf))
    assert scores(g, mine, occupied, depth, slots) == expected


@given(st.sampled_from(SIZES), MOVES, st.integers(1, 6))
@settings(deadline=None)
def test_mirrored_boards_have_mirrored_scores(size, moves, depth):
    g = rules.geometry(*size)
    mine, occupied = played(g, moves)
    there = (np.uint64(rules.mirror(g, discs)) for discs in (mine, occupied))
    assert scores(g, *there, depth) == scores(g, mine, occupied, depth)[::-1]


@given(MOVES)
@settings(deadline=None)
def test_going_deeper_step_by_step_gives_the_same_scores(moves):
    g = rules.geometry(5, 4, 3)
    mine, occupied = played(g, moves)
    s = search.new_search(g, 64)
    search.begin(s)
    out = np.zeros(5, np.int64)
    for depth in range(1, 9):
        search.score_moves(s, mine, occupied, depth, out)
    assert out.tolist() == scores(g, mine, occupied, 8)


def test_a_used_up_table_is_cleared():
    g = rules.geometry(7, 6, 4)
    s = search.new_search(g, 1024)
    nothing, out = np.uint64(0), np.zeros(7, np.int64)
    for _ in range(4):
        search.begin(s)
        search.score_moves(s, nothing, nothing, 6, out)
    s.control[search.GENERATION] = 2**18 - 1
    search.begin(s)
    assert s.control[search.GENERATION] == 1
    assert not s.table.any()
    search.score_moves(s, nothing, nothing, 6, out)
    assert out.tolist() == scores(g, nothing, nothing, 6)


def test_a_stopped_search_gives_up():
    g = rules.geometry(7, 6, 4)
    s = search.new_search(g, 1024)
    s.control[search.STOP] = 1
    search.score_moves(s, np.uint64(0), np.uint64(0), 40, np.zeros(7, np.int64))
    assert s.control[search.NODES] < 100


def lines(g):
    """Gives all winning lines as lists of (column, height)."""
    steps = ((0, 1), (1, -1), (1, 0), (1, 1))
    for column in range(g.columns):
        for height in range(g.rows):
            for right, up in steps:
                line = [(column + i * right, height + i * up) for i in range(g.inarow)]
                if all(0 <= c < g.columns and 0 <= h < g.rows for c, h in line):
                    yield line


@given(st.sampled_from([size for size in SIZES if size[2] > 1]), MOVES)
@settings(deadline=None)
def test_the_estimate_counts_open_lines(size, moves):
    g = rules.geometry(*size)
    mine, occupied = played(g, moves)

    def has(discs, cell):
        return int(discs) >> (cell[0] * (g.rows + 1) + cell[1]) & 1

    worth = 0
    for line in lines(g):
        if not any(has(mine ^ occupied, cell) for cell in line):
            count = sum(has(mine, cell) for cell in line)
            worth += (count & 1) + 3 * (count >= 2)
    assert search._open_lines(g, mine, mine ^ occupied) == worth


@pytest.mark.parametrize(
    ("cells", "discs", "worth"),
    [
        # Cells of the mover as (column, height); a lasting threat counts 24.
        # Seat 0 to move: (3, 2) and its even height fall to it.
        ([(0, 2), (1, 2), (2, 2)], 0, 24),
        # Seat 1 to move: even heights do not fall to it.
        ([(0, 2), (1, 2), (2, 2)], 1, 0),
        ([(0, 1), (1, 1), (2, 1)], 1, 24),
    ],
)
def test_the_estimate_counts_threats_that_last(cells, discs, worth):
    g = rules.geometry(7, 6, 4)
    mine = np.uint64(sum(1 << (7 * column + height) for column, height in cells))
    theirs = np.uint64(sum(1 << (7 * 6 + height) for height in range(3 + discs)))
    nothing = np.uint64(0)
    spots = rules.winning_spots(g, mine)
    with_threats = search._estimate(g, mine, theirs, spots, nothing)
    assert with_threats - search._estimate(g, mine, theirs, nothing, nothing) == worth
