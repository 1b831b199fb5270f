"""The rules against a naive board of lists: `grid[height][column]`."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.base import EnvOptionError
from envs.connectx import rules

SIZES = [(7, 6, 4), (5, 4, 3), (4, 4, 3), (1, 1, 1), (9, 5, 4), (8, 7, 4), (10, 5, 5), (2, 2, 2)]
SIZES += [(7, 6, 5), (6, 5, 2), (3, 20, 4), (20, 2, 4), (1, 63, 4), (32, 1, 3), (4, 15, 4)]
DIRECTIONS = ((1, 0), (0, 1), (1, 1), (1, -1))

sizes = st.sampled_from(SIZES) | st.tuples(st.integers(1, 8), st.integers(1, 7), st.integers(1, 6))
words = st.integers(0, 2**64 - 1) | st.builds(
    lambda a, b: a | b, st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)
)


def cells(g, discs):
    height = g.rows + 1
    return {
        (column, row)
        for column, row in product(range(g.columns), range(g.rows))
        if int(discs) >> (column * height + row) & 1
    }


def bits(g, places):
    return np.uint64(sum(1 << (column * (g.rows + 1) + row) for column, row in places))


def naive_line(g, held):
    return any(
        all((c + k * right, r + k * up) in held for k in range(g.inarow))
        for c, r in held
        for right, up in DIRECTIONS
    )


def naive_spots(g, held):
    every = set(product(range(g.columns), range(g.rows)))
    spots = set()
    for (c, r), (right, up) in product(every, DIRECTIONS):
        line = [(c + k * right, r + k * up) for k in range(g.inarow)]
        if all(place in every for place in line):
            spots |= {p for p in line if all(q in held for q in line if q != p)}
    return spots


def random_game(g, picks):
    """Gives the states of a game, `(mine, occupied)`, and its columns; picks choose among legal."""
    state, mask = np.zeros(2, np.uint64), np.zeros(g.columns, np.bool_)
    states, moves = [tuple(state)], []
    for pick in picks:
        rules.legal(g, state, mask)
        legal = np.flatnonzero(mask)
        if not legal.size:
            break
        moves.append(int(legal[pick % legal.size]))
        rules.step(g, state, moves[-1], state)
        states.append(tuple(state))
    return states, moves


@given(sizes, words)
@settings(max_examples=300, deadline=None)
def test_lines_and_spots_are_those_of_a_naive_board(size, word):
    g = rules.geometry(*size)
    discs = np.uint64(word) & g.full
    held = cells(g, discs)
    assert bool(rules.has_line(g, discs)) == naive_line(g, held)
    assert cells(g, rules.winning_spots(g, discs)) == naive_spots(g, held)
    assert int(rules.winning_spots(g, discs)) & ~int(g.full) == 0


@given(sizes, words)
@settings(max_examples=100, deadline=None)
def test_mirror_swaps_columns_and_popcount_counts(size, word):
    g = rules.geometry(*size)
    discs = np.uint64(word) & g.full
    swapped = {(g.columns - 1 - column, row) for column, row in cells(g, discs)}
    assert cells(g, rules.mirror(g, discs)) == swapped
    assert rules.popcount(discs) == len(swapped)
    assert bool(rules.has_line(g, discs)) == bool(rules.has_line(g, rules.mirror(g, discs)))


@given(sizes, st.lists(st.integers(0, 255), max_size=63))
@settings(max_examples=100, deadline=None)
def test_discs_land_on_top_of_each_other(size, picks):
    g = rules.geometry(*size)
    states, moves = random_game(g, picks)
    for move, (_, occupied), (_, after) in zip(moves, states, states[1:], strict=False):
        heights = [sum(c == column for c, _ in cells(g, occupied)) for column in range(g.columns)]
        landing = {(c, h) for c, h in enumerate(heights) if h < g.rows}
        assert cells(g, rules.playable(g, occupied)) == landing
        for column in range(-1, g.columns + 1):
            fits = 0 <= column < g.columns and heights[column] < g.rows
            assert bool(rules.is_legal(g, occupied, column)) == fits
        bit = rules.drop(g, occupied, move)
        assert cells(g, bit) == {(move, heights[move])}
        assert rules.column_of(g, bit) == move
        assert after == occupied | bit


@given(sizes, st.lists(st.integers(0, 255), max_size=63))
@settings(max_examples=100, deadline=None)
def test_a_mirrored_game_has_mirrored_states_and_equal_keys(size, picks):
    g = rules.geometry(*size)
    states, moves = random_game(g, picks)
    state = np.zeros(2, np.uint64)
    for move, expected in zip(moves, states[1:], strict=True):
        rules.step(g, state, g.columns - 1 - move, state)
        assert tuple(state) == tuple(rules.mirror(g, discs) for discs in expected)
        assert rules.state_key(g, state) == rules.canonical_key(g, *expected)
        assert rules.state_key(g, state) <= rules.key(g, *expected)


@given(sizes, st.lists(st.integers(0, 255), max_size=63))
@settings(max_examples=100, deadline=None)
def test_observation_and_state_tell_the_same(size, picks):
    g = rules.geometry(*size)
    for state in random_game(g, picks)[0]:
        seen = np.full((2, g.rows, g.columns), 7, np.uint8)
        rules.observe(g, np.array(state), seen)
        back = np.zeros(2, np.uint64)
        rules.state(g, seen, back)
        assert tuple(back) == state
        mine = {(c, g.rows - 1 - line) for line, c in np.argwhere(seen[0])}
        assert mine == cells(g, state[0])


def test_keys_tell_all_positions_apart():
    g = rules.geometry(4, 4, 3)
    rng = np.random.default_rng(3)
    states = {s for _ in range(300) for s in random_game(g, rng.integers(0, 99, 16))[0]}
    assert len({int(rules.key(g, *state)) for state in states}) == len(states)


def test_the_last_sentinel_is_bit_63():
    g = rules.geometry(8, 7, 4)
    occupied = np.uint64(0)
    for height in range(7):
        bit = rules.drop(g, occupied, 7)
        assert int(bit) == 1 << (56 + height)
        assert rules.column_of(g, bit) == 7
        occupied |= bit
    assert not rules.is_legal(g, occupied, 7)
    assert rules.drop(g, occupied, 7) == 0
    assert int(rules.playable(g, occupied)) == sum(1 << (8 * c) for c in range(7))
    assert int(rules.key(g, occupied, occupied)) > 2**63
    assert rules.mirror(g, occupied) == np.uint64(0x7F)
    assert int(rules.playable(g, g.full)) == 0


def test_legal_is_empty_once_somebody_has_a_line():
    g = rules.geometry(7, 6, 4)
    line, stack = bits(g, {(0, 0), (1, 0), (2, 0), (3, 0)}), bits(g, {(0, 1), (1, 1), (2, 1)})
    for mine in (line, stack):
        mask = np.ones(7, np.bool_)
        rules.legal(g, np.array([mine, line | stack]), mask)
        assert not mask.any()


@pytest.mark.parametrize("size", [(0, 6, 4), (7, 0, 4), (7, 6, 0), (-1, 6, 4)])
def test_numbers_below_one_are_refused(size):
    with pytest.raises(EnvOptionError, match="at least 1"):
        rules.geometry(*size)


@pytest.mark.parametrize("size", [(9, 7, 4), (8, 8, 4), (1, 64, 4), (33, 1, 4), (13, 4, 4)])
def test_boards_beyond_64_bits_are_refused(size):
    with pytest.raises(EnvOptionError, match="the limit is 64"):
        rules.geometry(*size)
