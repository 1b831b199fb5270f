"""Times the solver's search against bitbully's; prints one JSON document.

`python benchmarks/solver_speed.py [--positions 300]`. Both solve the same random positions of plies
8 to 14, which the mover cannot win at once, without a book and with an empty table each, one after
the other in the same process, in processor time; every score must agree. bitbully (C++) runs its
MTD(f). `ratio` is our time over bitbully's; a million nodes a second each is given beside it.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from typing import Any

from bitbully.bitbully_core import BitBullyCore, BoardCore

from agents.solver_root import Solver
from envs.connectx.rules import geometry

PLIES = (8, 9, 10, 11, 12, 13, 14)


def position(chance: random.Random, plies: int) -> Any:
    """Gives bitbully's board after random moves, running and not won at once."""
    while True:
        board = BoardCore()
        for _ in range(plies):
            if not board.play(chance.randrange(7)) or board.hasWin():
                break
        else:
            if not board.canWin():
                return board


def cells(board: Any) -> tuple[int, int]:
    """Gives the mover's discs and all discs; bitbully has two more empty rows a column."""
    occupied, mine, _ = board.rawState()
    return pressed(mine), pressed(occupied)


def pressed(discs: int) -> int:
    """Gives a set of cells with 7 bits a column from one with 9."""
    return sum((discs >> 9 * column & 0b111111) << 7 * column for column in range(7))


def main() -> None:
    """Prints the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--positions", type=int, default=300)
    count = parser.parse_args().positions
    chance = random.Random(0)
    ours, theirs = Solver(geometry(7, 6, 4)), BitBullyCore()
    seconds, nodes = [0.0, 0.0], [0, 0]
    for number in range(count):
        board = position(chance, PLIES[number % len(PLIES)])
        root = ours.node(*cells(board))
        ours.forget()
        theirs.resetTranspositionTable()
        theirs.resetNodeCounter()
        before, began = ours.nodes, time.process_time()
        score = ours.solve(root)
        middle = time.process_time()
        other = theirs.mtdf(board, 0)
        seconds[1] += time.process_time() - middle
        seconds[0] += middle - began
        nodes[0] += ours.nodes - before
        nodes[1] += theirs.getNodeCounter()
        if score != other:
            raise AssertionError(f"score {score}, bitbully says {other}:\n{board}")
    document = {
        "name": "solver_speed",
        "positions": count,
        "ratio": round(seconds[0] / seconds[1], 3),
        "seconds": round(seconds[0], 2),
        "bitbully_seconds": round(seconds[1], 2),
        "million_nodes_per_second": round(nodes[0] / seconds[0] / 1e6, 1),
        "bitbully_million_nodes_per_second": round(nodes[1] / seconds[1] / 1e6, 1),
        "million_nodes": round(nodes[0] / 1e6, 1),
        "bitbully_million_nodes": round(nodes[1] / 1e6, 1),
    }
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
