"""Makes the labelled positions in `arena/positions` that agents are graded on.

    python scripts/make_positions.py

Two sets of 1,000 positions of plies 0 to 36, each unique up to mirroring and none in both: half
from random play, half from a depth-4 search that plays a fifth of its moves at random. `connectx`
is what `arena grade` uses; `connectx-holdout` is for choosing between recipes, so that the first
stays unseen. Our solver labels them; bitbully, an independent one, checks every score.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from bitbully.bitbully_core import BoardCore
from make_books import oracle

from agents import registry, solver
from agents.base import Player
from envs.connectx import rules
from envs.connectx.env import ConnectX
from envs.connectx.vector import ConnectXVector
from envs.seeding import derive, mix, uniform

FOLDER = Path(__file__).parents[1] / "arena" / "positions"
SIZE, LAST_PLY = 1000, 36
CARELESS = 0.2
_ROWS = 64


def games(player: Player, careless: float, seed: int) -> Iterator[list[int]]:
    """Gives games without end: the moves of each, some share of them replaced by random ones."""
    chance = registry.make("random")
    everyone = np.arange(_ROWS)
    for batch in range(10_000):
        seeds = (mix(everyone, derive(seed, batch)) >> np.uint64(1)).astype(np.int64)
        env = ConnectXVector(_ROWS)
        step = env.reset(everyone, seeds)
        for one in (player, chance):
            one.reset(env.spec, np.zeros(_ROWS, np.int64), seeds)
        moves: list[list[int]] = [[] for _ in everyone]
        while not step.last.all():
            rows = np.flatnonzero(~step.last)
            seen = step.take(rows)
            random = uniform(seeds[rows], len(moves[rows[0]])) < careless
            chosen = np.zeros(_ROWS, np.int64)
            chosen[rows] = np.where(
                random, chance.act(rows, seen).action, player.act(rows, seen).action
            )
            for row in rows:
                moves[row].append(int(chosen[row]))
            step = env.step(chosen)
        yield from moves


def key(moves: list[int]) -> int:
    """Gives a number that is the same for equal positions and their mirror images."""
    env = ConnectX()
    state = np.zeros(2, np.uint64)
    rules.state(env.geometry, env.reset(0, moves).observation, state)
    return int(rules.state_key(env.geometry, state))


def choose(seed: int, taken: set[int]) -> list[list[int]]:
    """Gives SIZE positions that are not `taken`, as moves, by ply; adds them to `taken`."""
    sources = [
        games(registry.make("random"), 0.0, derive(seed, "random")),
        games(registry.make("negamax:depth=4"), CARELESS, derive(seed, "skilled")),
    ]
    wanted = SIZE // 2
    chosen: list[list[int]] = []
    for source in sources:
        found = ply = 0
        for game in source:
            if found == wanted:
                break
            if ply >= len(game):
                continue
            if (name := key(game[:ply])) not in taken:
                taken.add(name)
                chosen.append(game[:ply])
                found += 1
            ply = (ply + 1) % (LAST_PLY + 1)
    return sorted(chosen, key=lambda moves: (len(moves), moves))


def main() -> None:
    """Writes both sets.

    Raises:
        AssertionError: when bitbully disagrees.
    """
    own, other = solver.new_solver((7, 6, 4), 256), oracle()
    taken: set[int] = set()
    for seed, name in enumerate(("connectx", "connectx-holdout")):
        lines = []
        for moves in choose(seed, taken):
            mine, occupied = solver.positions(ConnectX().reset(0, moves).observation[None])[0]
            scores = own.scores(mine, occupied)
            board = BoardCore()
            assert board.play(moves)
            checked = other.scoreMoves(board)
            assert all(s is None or s == c for s, c in zip(scores, checked, strict=True)), moves
            text = "".join(str(move + 1) for move in moves)
            lines.append(json.dumps({"moves": text, "scores": scores}) + "\n")
        (FOLDER / f"{name}.jsonl").write_text("".join(lines))
        print(f"{name}: {len(lines)} positions")  # noqa: T201


if __name__ == "__main__":
    main()
