"""Times the solver's moves in play, and its start; prints one JSON document.

`python benchmarks/solver_moves.py [--games 100]`. The solver plays games from either seat against
random replies that do not give the game away at once where that can be helped; each move counts
from `act` to its return, its table emptied before, in processor time of one core. `search` holds
the moves that the book did not know. `start` is a fresh process, from its launch to the first move
on a board that it is handed (as Kaggle does), without any cache of compiled kernels and with one.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from agents.solver import SolverPlayer
from envs.base import TimeStep
from envs.connectx.env import ConnectX

ROOT = Path(__file__).parents[1]
FIRST_MOVE = """
import numpy as np
from agents.solver import SolverPlayer
from envs.base import TimeStep
from envs.connectx.env import connectx_spec
from envs.connectx.rules import geometry
one, row, no = SolverPlayer(), np.zeros(1, np.int64), np.zeros(1, bool)
one.reset(connectx_spec(geometry(7, 6, 4)), row, row)
board, mask = np.zeros((1, 2, 6, 7), np.uint8), np.ones((1, 7), bool)
assert one.act(row, TimeStep(board, mask, row, np.zeros((1, 2)), no, no)).action[0] == 3
"""


def moment(step: TimeStep) -> TimeStep:
    """Gives a batch of one."""
    return TimeStep(
        step.observation[None],
        step.action_mask[None],
        np.array([step.to_play]),
        step.rewards[None],
        np.array([False]),
        np.array([False]),
    )


def reply(env: ConnectX, moves: list[int], chance: random.Random, mask: Any) -> int:
    """Gives a random legal column, if possible one after which the next mover has no win."""
    columns = [int(column) for column in np.flatnonzero(mask)]
    chance.shuffle(columns)
    for column in columns:
        probe = ConnectX()
        probe.reset(0, moves)
        after = probe.step(column)
        if after.last:
            return column
        nexts = [ConnectX() for _ in range(7)]
        lost = False
        for answer in np.flatnonzero(after.action_mask):
            nexts[answer].reset(0, [*moves, column])
            lost |= bool(nexts[answer].step(int(answer)).rewards.any())
        if not lost:
            return column
    return columns[0]


def played(games: int) -> tuple[list[float], list[float]]:
    """Gives the milliseconds of every move, and of those that needed a search."""
    player, env, chance = SolverPlayer(), ConnectX(), random.Random(0)
    row = np.zeros(1, np.int64)
    every, searched = [], []
    for game in range(games):
        step = env.reset(0)
        player.reset(env.spec, np.array([game % 2]), np.array([game]))
        moves: list[int] = []
        while not step.last:
            if step.to_play == game % 2:
                solver = player._solver
                assert solver is not None
                solver.forget()
                before, began = solver.nodes, time.process_time()
                action = int(player.act(row, moment(step)).action[0])
                every.append(1000 * (time.process_time() - began))
                if solver.nodes > before:
                    searched.append(every[-1])
            else:
                action = reply(env, moves, chance, step.action_mask)
            moves.append(action)
            step = env.step(action)
    return every, searched


def start(folder: str) -> dict[str, float]:
    """Gives wall and processor seconds of a fresh process to its first move."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": folder, "PYTHONPATH": str(ROOT)}
    before, began = os.times(), time.perf_counter()
    subprocess.run([sys.executable, "-c", FIRST_MOVE], env=environment, check=True)
    after = os.times()
    used = after.children_user + after.children_system
    used -= before.children_user + before.children_system
    return {"seconds": round(time.perf_counter() - began, 2), "processor": round(used, 2)}


def figures(times: list[float]) -> dict[str, float]:
    """Gives what is asked of many milliseconds."""
    return {
        "moves": len(times),
        "mean_ms": round(float(np.mean(times)), 1),
        "p95_ms": round(float(np.percentile(times, 95)), 1),
        "worst_ms": round(max(times), 1),
    }


def main() -> None:
    """Prints the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--games", type=int, default=100)
    count = parser.parse_args().games
    with tempfile.TemporaryDirectory() as folder:
        cold, warm = start(folder), start(folder)
    every, searched = played(count)
    document = {
        "name": "solver_moves",
        "all": figures(every),
        "search": figures(searched),
        "start": {"without_cache": cold, "with_cache": warm},
    }
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
