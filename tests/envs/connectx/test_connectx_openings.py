import runpy
from itertools import product
from pathlib import Path

import pytest

from envs import registry
from envs.base import EnvOptionError
from envs.connectx.env import ConnectX
from envs.connectx.openings import DEEPEST, openings, perft
from envs.connectx.rules import geometry

GOLDEN = Path(__file__).parents[2] / "golden"

# https://oeis.org/A212693
STANDARD = [1, 7, 49, 238, 1120, 4263, 16422, 54859, 184275]
# https://tromp.github.io/c4/c4.html, the board of 4 columns and 4 rows
ALL_OF_4X4 = 161029


def reached(size, moves):
    """Gives the env and its moment after moves, None where a move is not allowed."""
    env = ConnectX(*size)
    moment = env.reset(0)
    for move in moves:
        if not moment.action_mask[move]:
            return None
        moment = env.step(move)
    return env, moment


def naive_openings(size, plies):
    """Tries every sequence in lexicographic order, keeping the first of each fair position."""
    seen, found = set(), []
    for moves in product(range(size[0]), repeat=plies):
        mirrored = tuple(size[0] - 1 - move for move in moves)
        at, other = reached(size, moves), reached(size, mirrored)
        if at is None or at[1].last:
            continue
        key = min(at[0].digest(), other[0].digest())
        wins = any(
            reached(size, (*moves, move))[1].rewards.any()
            for move in range(size[0])
            if at[1].action_mask[move]
        )
        if key not in seen and not wins:
            found.append(moves)
        seen.add(key)
    return found


@pytest.mark.parametrize("size", [(4, 3, 3), (3, 4, 2), (5, 2, 3)])
@pytest.mark.parametrize("plies", [1, 2, 4])
def test_openings_are_those_that_trying_all_moves_finds(size, plies):
    expected = naive_openings(size, plies)
    if expected:
        assert openings(geometry(*size), plies) == expected
    else:
        with pytest.raises(EnvOptionError, match=f"no opening of {plies} plies"):
            openings(geometry(*size), plies)


def test_openings_of_the_standard_board_are_as_many_as_ever():
    g = geometry(7, 6, 4)
    assert openings(g, 0) == [()]
    assert openings(g, 1) == [(0,), (1,), (2,), (3,)]
    assert [len(openings(g, plies)) for plies in range(7)] == [1, 4, 25, 121, 568, 2144, 7638]


@pytest.mark.parametrize("plies", [-1, DEEPEST + 1])
def test_too_many_or_too_few_plies_are_refused(plies):
    with pytest.raises(EnvOptionError, match="plies"):
        registry.openings("connectx", plies)


def test_a_board_on_which_everything_is_decided_has_no_opening():
    with pytest.raises(EnvOptionError, match="choose fewer plies"):
        registry.openings("connectx-1x1x1", 1)
    with pytest.raises(EnvOptionError, match="choose fewer plies"):
        registry.openings("connectx-2x2x2", 2)


def test_perft_agrees_with_published_counts():
    assert [count.positions for count in perft(geometry(7, 6, 4), 8)] == STANDARD
    assert sum(count.positions for count in perft(geometry(4, 4, 4), 99)) == ALL_OF_4X4


def test_perft_agrees_with_trying_all_moves():
    size = (3, 3, 3)
    for depth, count in enumerate(perft(geometry(*size), 6)):
        ends = [reached_alive(size, moves) for moves in product(range(3), repeat=depth)]
        digests = [digest for digest in ends if digest is not None]
        assert count == (len(set(digests)), len(digests))


def reached_alive(size, moves):
    """Gives the digest after moves, None where a move is not allowed or the game was over."""
    at = reached(size, moves)
    return at and at[0].digest()


def test_perft_is_as_in_the_golden_file(capsys):
    runpy.run_path(str(GOLDEN / "make_perft.py"), run_name="__main__")
    assert capsys.readouterr().out == (GOLDEN / "connectx_perft.txt").read_text()
