"""The opening books: whole, small, right, and left out with a warning when damaged."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from agents import solver_book as book
from agents.solver import new_solver
from envs.connectx import rules
from envs.connectx.openings import perft

BOOKS = Path(book.__file__).with_name("books")
G = rules.geometry(7, 6, 4)


@pytest.fixture
def copied(tmp_path):
    shutil.copytree(BOOKS, tmp_path / "books")
    yield tmp_path / "books"
    book.scores.cache_clear()
    book.moves.cache_clear()


def position(key):
    """The mover's discs and all discs that a key stands for."""
    mine = occupied = 0
    for column in range(7):
        word = int(key) >> 7 * column & 0b1111111
        height = word.bit_length() - 1
        occupied |= (1 << height) - 1 << 7 * column
        mine |= (word ^ 1 << height) << 7 * column
    return mine, occupied


def test_books_are_small_and_are_those_of_their_digests():
    sums = dict(line.split()[::-1] for line in (BOOKS / "SHA256SUMS").read_text().splitlines())
    assert {path.name for path in BOOKS.iterdir()} == {"SHA256SUMS", *sums}
    for name, digest in sums.items():
        assert hashlib.sha256((BOOKS / name).read_bytes()).hexdigest() == digest
    assert sum(path.stat().st_size for path in BOOKS.iterdir()) <= 200_000


def test_layers_are_all_positions_up_to_mirroring():
    layer = book.root()
    counts = perft(G, 5)
    for ply in range(1, 6):
        layer = book.after(layer)
        pairs = 0
        for mine, occupied in zip(layer.mine, layer.occupied, strict=True):
            mirrored = rules.mirror(G, mine), rules.mirror(G, occupied)
            pairs += 1 if mirrored == (mine, occupied) else 2
        # Nobody can have won before the seventh disc.
        assert pairs == counts[ply].positions


def test_the_first_moves_are_those_that_everybody_knows():
    # Source: http://blog.gamesolver.org/solving-connect-four/02-test-protocol/.
    assert book.score(0, 0) == 1
    after = [book.score(0, 1 << 7 * column) for column in range(7)]
    assert after == [2, 1, 0, -1, 0, 1, 2]
    assert book.advice(0, 0) == book.Advice(1, [3])


def test_scores_follow_from_those_of_the_children():
    one = new_solver((7, 6, 4))
    for ply in range(book.SCORED_PLY):
        known = book.scores()[ply]
        for place in range(0, len(known.keys), 1 + len(known.keys) // 40):
            mine, occupied = position(known.keys[place])
            children = [-one.solve(node) for node in one.children(mine, occupied) if node]
            assert known.values[place] == max(children)


def test_advice_is_that_of_the_scores_and_mirrored_where_the_position_is():
    one = new_solver((7, 6, 4))
    asked = 0
    for ply in range(book.SCORED_PLY):
        known = book.moves()[ply]
        for place in range(0, len(known.keys), 1 + len(known.keys) // 25):
            mine, occupied = position(known.keys[place])
            scores = one.scores(mine, occupied)
            best = max(score for score in scores if score is not None)
            columns = [column for column, score in enumerate(scores) if score == best]
            assert book.advice(mine, occupied) == book.Advice(best, columns)
            turned = (int(rules.mirror(G, np.uint64(discs))) for discs in (mine, occupied))
            mirrored = sorted(6 - column for column in columns)
            assert book.advice(*turned) == book.Advice(best, mirrored)
            asked += 1
    assert asked > 80


def test_advice_covers_every_reply_to_a_player_who_follows_it():
    chance = np.random.default_rng(1)
    one = new_solver((7, 6, 4))
    for game in range(60):
        mine = occupied = 0
        for ply in range(book.LAST_MOVE_PLY + 1):
            wins = [c for c, n in enumerate(one.children(mine, occupied)) if n and n.spots == 0]
            playable = [c for c in range(7) if one.cell(occupied, c)]
            if ply % 2 == game % 2:
                advice = book.advice(mine, occupied)
                if advice is None:
                    left = 42 - occupied.bit_count()
                    assert one.node(mine, occupied).low == (left + 1) // 2, wins
                    break
                column = chance.choice(advice.columns)
            else:
                column = chance.choice(playable)
            cell = one.cell(occupied, int(column))
            if rules.has_line(G, np.uint64(mine | cell)):
                break
            mine, occupied = mine ^ occupied, occupied | cell


@pytest.mark.parametrize("name", ["scores.xz", "moves.xz"])
@pytest.mark.parametrize("damage", ["flip", "cut", "remove", "sums"])
def test_a_damaged_book_is_noticed_and_left_out(copied, name, damage):
    path = copied / name
    data = path.read_bytes()
    if damage == "flip":
        path.write_bytes(data[:100] + bytes([data[100] ^ 1]) + data[101:])
    elif damage == "cut":
        path.write_bytes(data[:-1])
    elif damage == "remove":
        path.unlink()
    else:
        (copied / "SHA256SUMS").write_text("nonsense\n")
    load = book.scores if name == "scores.xz" else book.moves
    with pytest.warns(RuntimeWarning, match=f"{name} .*; it plays without, slower"):
        assert load(copied) == ()


def test_without_books_nothing_is_known(monkeypatch):
    monkeypatch.setattr(book, "scores", lambda: ())
    monkeypatch.setattr(book, "moves", lambda: ())
    assert book.score(0, 0) is None
    assert book.advice(0, 0) is None
