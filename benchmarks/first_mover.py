"""An agent that moves first against `solver`, which plays any of its best moves; one JSON document.

`python benchmarks/first_mover.py [AGENT] [GAMES]`: games from the empty board, which the first
player wins, and as many from all openings of two plies that are still won. It says also at which
plies a won game was first let go.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents import registry
from agents.solver import new_solver, positions
from agents.solver_root import Solver
from arena import match
from envs import registry as envs
from envs import seeding

ENV = "connectx"


def won_openings() -> list[tuple[int, ...]]:
    """Gives the openings of two plies after which the first player still wins."""
    env, solver = envs.make(ENV), new_solver((7, 6, 4))
    found = []
    for opening in itertools.product(range(7), repeat=2):
        observation = env.reset(0, opening).observation
        if best(solver, observation) > 0:
            found.append(opening)
    return found


def best(solver: Solver, observation: NDArray[np.uint8]) -> int:
    """Gives the best score of a position."""
    scores = solver.scores(*positions(observation[None])[0])
    return max(score for score in scores if score is not None)


def slip(solver: Solver, opening: tuple[int, ...], actions: tuple[int, ...]) -> int | None:
    """Gives the ply of the first move of the first player that no longer wins; None = all won."""
    env = envs.make(ENV)
    step = env.reset(0, opening)
    for ply, action in enumerate(actions, len(opening)):
        scores = solver.scores(*positions(step.observation[None])[0])
        if ply % 2 == 0 and scores[action] <= 0:
            return ply
        step = env.step(action)
    return None


def measure(agent: str, starts: list[tuple[int, ...]]) -> dict[str, Any]:
    """Gives the results of one game from each start."""
    rows = len(starts)
    seeds = np.array([seeding.derive(0, "first mover", row) for row in range(rows)])
    players = [registry.make(agent), registry.make("solver")]
    seats = np.tile([0, 1], (rows, 1))
    free = match.TimeControl(move_s=0)
    games = match.play(envs.make_vector(ENV, rows), players, seats, starts, seeds, free)
    results = Counter(game.returns[0] for game in games)
    solver = new_solver((7, 6, 4))
    found = (slip(solver, s, g.actions) for s, g in zip(starts, games, strict=True))
    slips = Counter(ply for ply in found if ply is not None)
    return {
        "won": results[1],
        "drawn": results[0],
        "lost": results[-1],
        "first_slips": {str(ply): slips[ply] for ply in sorted(slips)},
    }


def main(agent: str = "zoo/connectx-alphazero:simulations=400", games: str = "40") -> None:
    """Prints the document."""
    opened = won_openings()
    count = int(games)
    document = {
        "name": "first_mover",
        "agent": registry.canonical(agent),
        "empty": measure(agent, [()] * count),
        "two_plies": measure(agent, [opened[n % len(opened)] for n in range(count)]),
    }
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main(*sys.argv[1:])
