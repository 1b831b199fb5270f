"""Makes `connectx_scores.jsonl`: scores of every column by bitbully, an independent solver.

    python tests/golden/make_connectx_scores.py

Positions of random play in which nobody takes a win, unique up to mirroring, of all plies. There
are few of plies 8 to 15, since those take our own solver longest.
"""

import json
import random
from pathlib import Path

import bitbully_databases
from bitbully.bitbully_core import BitBullyCore, BoardCore

FILE = Path(__file__).with_name("connectx_scores.jsonl")
FEW = {0: 1, 1: 4, 2: 25, 8: 3, 9: 3, 10: 4, 11: 5, 12: 10, 13: 12, 14: 20, 15: 30}
MANY, CELLS = 70, 42


def game(chance: random.Random, plies: int) -> list[int] | None:
    """Gives the moves to a running position, None where there is none without taking a win."""
    board, moves = BoardCore(), []
    for _ in range(plies):
        quiet = [c for c in range(7) if board.isLegalMove(c) and not board.canWin(c)]
        if not quiet:
            return None
        moves.append(chance.choice(quiet))
        board.play(moves[-1])
    return moves


def main() -> None:
    """Writes the file."""
    chance = random.Random(0)
    solver = BitBullyCore(bitbully_databases.BitBullyDatabases.get_database_path("12-ply-dist"))
    lines = []
    for plies in range(CELLS):
        seen: set[int] = set()
        while len(seen) < FEW.get(plies, MANY):
            moves = game(chance, plies)
            if moves is None:
                continue
            board = BoardCore()
            board.play(moves)
            if (name := min(board.uid(), board.mirror().uid())) not in seen:
                seen.add(name)
                found = solver.scoreMoves(board)
                scores = [s if board.isLegalMove(c) else None for c, s in enumerate(found)]
                text = "".join(str(move + 1) for move in moves)
                lines.append(json.dumps({"moves": text, "scores": scores}))
    FILE.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
