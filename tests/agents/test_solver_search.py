"""Exact scores: against brute force on small boards, bitbully's on the standard one, and laws."""

import functools
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agents import solver_search as search
from agents.solver import new_solver
from agents.solver_root import Budget, OutOfBudgetError, Solver
from envs.connectx import rules
from envs.connectx.rules import geometry

GOLDEN = Path(__file__).parents[1] / "golden" / "connectx_scores.jsonl"
SMALL = ((4, 4, 3), (5, 3, 3), (3, 5, 3), (4, 3, 4), (1, 3, 2), (5, 2, 5))


@functools.cache
def solver(*size):
    return new_solver(size, 16)


@functools.cache
def standard():
    return new_solver((7, 6, 4))


def played(one, moves):
    """The running position after as many of `moves` as can be played."""
    mine = occupied = 0
    for move in moves:
        cell = one.cell(occupied, move % one.g.columns)
        if cell and (occupied | cell == int(one.g.full) or line(one, mine | cell)):
            break
        if cell:
            mine, occupied = mine ^ occupied, occupied | cell
    return mine, occupied


def line(one, discs):
    return rules.has_line(one.g, np.uint64(discs))


def brute(one, mine, occupied, seen):
    """The score by looking at everything."""
    if (mine, occupied) in seen:
        return seen[mine, occupied]
    left, best = one.cells - occupied.bit_count(), -one.cells
    for column in range(one.g.columns):
        cell = one.cell(occupied, column)
        if cell:
            if line(one, mine | cell):
                score = (left + 1) // 2
            elif left == 1:
                score = 0
            else:
                score = -brute(one, mine ^ occupied, occupied | cell, seen)
            best = max(best, score)
    seen[mine, occupied] = best
    return best


@pytest.mark.parametrize("size", SMALL)
def test_small_boards_are_solved_as_by_brute_force(size):
    one, seen = Solver(geometry(*size), 1), {}
    assert one.solve(one.node(0, 0)) == brute(one, 0, 0, seen)
    for (mine, occupied), score in list(seen.items())[:: max(1, len(seen) // 1000)]:
        assert one.solve(one.node(mine, occupied)) == score


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([(5, 4, 3), (5, 5, 4)]), st.lists(st.integers(0, 4), min_size=12))
def test_later_positions_of_larger_boards_are_solved_as_by_brute_force(size, moves):
    one = solver(*size)
    mine, occupied = played(one, moves)
    assume(one.cells - occupied.bit_count() <= 12)
    assert one.solve(one.node(mine, occupied)) == brute(one, mine, occupied, {})


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=18, max_size=45))
def test_mirrored_positions_have_mirrored_scores(moves):
    one = standard()
    mine, occupied = played(one, moves)
    assume(occupied.bit_count() >= 16)
    scores = one.scores(mine, occupied)
    assert one.scores(*played(one, [6 - move for move in moves])) == scores[::-1]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=18, max_size=45))
def test_a_score_is_the_best_of_the_children_and_the_opposite_of_theirs(moves):
    one = standard()
    mine, occupied = played(one, moves)
    assume(occupied.bit_count() >= 16)
    scores = one.scores(mine, occupied)
    assert one.solve(one.node(mine, occupied)) == max(s for s in scores if s is not None)
    for score, child in zip(scores, one.children(mine, occupied), strict=True):
        over = score == (43 - occupied.bit_count()) // 2 or occupied.bit_count() == 41
        if child is not None and not over:
            after = one.scores(child.mine, child.occupied)
            assert score == -max(s for s in after if s is not None)


def test_scores_are_those_of_an_independent_solver():
    lines = GOLDEN.read_text().splitlines()
    assert len(lines) >= 2000
    plies = set()
    for entry in map(json.loads, lines):
        moves = [int(name) - 1 for name in entry["moves"]]
        mine, occupied = played(standard(), moves)
        assert occupied.bit_count() == len(moves)
        plies.add(len(moves))
        assert standard().scores(mine, occupied) == entry["scores"], entry["moves"]
    assert plies == set(range(42))


def test_a_spent_budget_leaves_what_was_found():
    one, other = Solver(geometry(6, 5, 4), 4), Solver(geometry(6, 5, 4), 4)
    position = played(one, [2, 3, 2, 2, 3, 1, 0])
    node, whole = one.node(*position), other.node(*position)
    cuts = 0
    while not node.solved:
        one.budget = Budget(nodes=20_000)
        try:
            one.solve(node)
        except OutOfBudgetError:
            cuts += 1
            assert one.budget.nodes <= 0
    assert cuts
    assert node.low == other.solve(whole)


def test_calls_of_few_positions_give_the_same_bound_after_the_same_number():
    bounds, counts = [], []
    for budget in (1, 10**9):
        s = search.new_search(geometry(5, 5, 4), 1)
        s.control[search.ALPHA] = 0
        bound = search.UNDECIDED
        while bound == search.UNDECIDED:
            bound = search.advance(s, budget)
        bounds.append(bound)
        counts.append(int(s.control[search.NODES]))
    assert bounds[0] == bounds[1]
    assert counts[0] == counts[1] > 100


def test_a_deadline_in_the_past_searches_nothing():
    one = Solver(geometry(7, 6, 4), 1)
    one.budget = Budget(deadline=0.0)
    node = one.node(0, 0)
    with pytest.raises(OutOfBudgetError):
        one.solve(node)
    assert (one.nodes, node.low, node.high) == (0, -21, 20)


def test_best_play_ends_the_game_at_the_score():
    one = standard()
    mine, occupied = played(one, [3, 3, 3, 3, 3, 2, 2, 2, 4, 2, 2, 4, 4, 4, 4])
    score = one.solve(one.node(mine, occupied))
    plies = occupied.bit_count() + len(one.line(mine, occupied))
    assert (44 - plies) // 2 == abs(score) if score else plies == 42
