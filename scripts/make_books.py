"""Makes the solver's books in `agents/books` with bitbully, an independent solver, as the oracle.

    python scripts/make_books.py [--check N]

Afterwards `N` random positions of each book are solved again by our own search, without any book.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path
from typing import Any

import bitbully_databases
import numpy as np
from bitbully.bitbully_core import BitBullyCore, BoardCore
from numpy.typing import NDArray

from agents import solver_book as book
from agents.solver_root import Solver
from envs.connectx.rules import geometry

FOLDER = Path(book.__file__).with_name("books")


def oracle() -> Any:
    """Gives bitbully with its book of all positions of 12 plies."""
    return BitBullyCore(bitbully_databases.BitBullyDatabases.get_database_path("12-ply-dist"))


def board(mine: int, occupied: int) -> Any:
    """Gives bitbully's board of a position; its bits have two more empty rows a column."""

    def spread(discs: int) -> int:
        columns = (discs >> 7 * column & 0b111111 for column in range(book.COLUMNS))
        return sum(bits << 9 * column for column, bits in enumerate(columns))

    position = BoardCore()
    position.setRawState(spread(occupied), spread(mine), book.CELLS - occupied.bit_count())
    return position


def column_scores(solver: Any, mine: int, occupied: int) -> list[int | None]:
    """Gives the score of each column by bitbully, None where it is full."""
    position = board(mine, occupied)
    found = solver.scoreMoves(position)
    return [
        found[column] if position.isLegalMove(column) else None for column in range(book.COLUMNS)
    ]


def all_scores(solver: Any) -> NDArray[np.int64]:
    """Gives the bytes of the book of scores."""
    layer = book.root()
    for _ in range(book.SCORED_PLY):
        layer = book.after(layer)
    layer = book.without_wins(layer)
    found = [
        solver.mtdf(board(int(mine), int(occupied)), 0)
        for mine, occupied in zip(layer.mine, layer.occupied, strict=True)
    ]
    return np.array(found) + book.SCORE_BIAS


def own_moves(solver: Any) -> NDArray[np.int64]:
    """Gives the bytes of the book of moves: all scores, then all masks."""
    values: list[int] = []
    masks: list[int] = []
    for seat in (0, 1):
        layer = book.without_wins(book.after(book.root()) if seat else book.root())
        for ply in range(seat, book.LAST_MOVE_PLY + 1, 2):
            start = len(masks)
            for mine, occupied in zip(layer.mine, layer.occupied, strict=True):
                scores = column_scores(solver, int(mine), int(occupied))
                best = max(score for score in scores if score is not None)
                values.append(best + book.SCORE_BIAS)
                masks.append(sum(1 << c for c, score in enumerate(scores) if score == best))
            print(f"ply {ply}: {len(masks) - start:,} positions")  # noqa: T201
            layer = book.without_wins(book.after(book.after(layer, np.array(masks[start:]))))
    return np.array(values + masks)


def write(name: str, words: NDArray[np.int64]) -> str:
    """Writes a book and gives its line of SHA256SUMS."""
    data = book.packed(words)
    (FOLDER / name).write_bytes(data)
    print(f"{name}: {len(words):,} bytes, packed {len(data):,}")  # noqa: T201
    return f"{hashlib.sha256(data).hexdigest()}  {name}\n"


def check(count: int) -> None:
    """Solves `count` random positions of each book again.

    Raises:
        AssertionError: when a score or a set of moves differs.
    """
    solver = Solver(geometry(book.COLUMNS, book.ROWS, 4))
    chance = np.random.default_rng(0)
    last = book.root()
    for _ in range(book.SCORED_PLY):
        last = book.after(last)
    for place in chance.choice(len(last.keys), count, replace=False):
        mine, occupied = int(last.mine[place]), int(last.occupied[place])
        assert solver.solve(solver.node(mine, occupied)) == book.score(mine, occupied)
    for known in (book.moves()[-2], book.moves()[-1]):
        for place in chance.choice(len(known.keys), count // 2, replace=False):
            mine, occupied = position(int(known.keys[place]))
            advice = book.advice(mine, occupied)
            assert advice is not None
            scores = solver.scores(mine, occupied)
            best = max(score for score in scores if score is not None)
            assert advice.score == best
            assert advice.columns == [c for c, score in enumerate(scores) if score == best]
    print(f"{count} positions of each book solved again, all equal")  # noqa: T201


def position(key: int) -> tuple[int, int]:
    """Gives the mover's discs and all discs that a key stands for."""
    mine = occupied = 0
    for column in range(book.COLUMNS):
        word = key >> 7 * column & 0b1111111
        height = word.bit_length() - 1
        occupied |= (1 << height) - 1 << 7 * column
        mine |= (word ^ 1 << height) << 7 * column
    return mine, occupied


def main() -> None:
    """Makes both books."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", type=int, default=40, help="positions solved again")
    count = parser.parse_args().check
    FOLDER.mkdir(exist_ok=True)
    solver = oracle()
    lines = [write("moves.xz", own_moves(solver)), write("scores.xz", all_scores(solver))]
    (FOLDER / "SHA256SUMS").write_text("".join(lines))
    check(count)


if __name__ == "__main__":
    main()
