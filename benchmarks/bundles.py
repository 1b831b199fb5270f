"""Measures bundles for Kaggle; prints one JSON document.

`python benchmarks/bundles.py [PART ...] [--positions 40] [--games 6]`. The parts, each alone:

- `size`: bytes of every bundle;
- `first`: a fresh process from its launch to the first column, kernels not compiled;
- `solver`: the solver's bundle in games from either seat against random replies;
- `moves`: the share of moves that keep the outcome, of the shipped positions, by players who have
  the two seconds of Kaggle;
- `rehearsal`: seconds of `arena submit --rehearse` for a good bundle.

`first` and `solver` count processor time of one core, so that a busy machine says the same; a
quarter of a core takes four times as long. Players by time are held back by other work: run
`moves` and `rehearsal` on an idle machine.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agents import bundled
from arena import bundle, grade, rehearsal
from envs import registry

AGENTS = ("solver", "zoo/connectx-alphazero", "zoo/connectx-muzero", "zoo/connectx-ppo")
TRAVELLERS = (*AGENTS, "zoo/connectx-dqn", "negamax:depth=6", "mcts:simulations=1000")
FIRST = """
import os, sys
path = sys.argv[1]
space = {}
exec(compile(open(path).read(), path, "exec"), space)
board = dict(board=[0] * 42, mark=1, remainingOverageTime=1e6)
print(space["agent"](board, dict(columns=7, rows=6, inarow=4, actTimeout=500)))
"""
ACT_S, BANK_S, QUARTER = 2.0, 60.0, 4.0


def unpacked(agent: str, folder: Path) -> Path:
    """Gives the `main.py` of an agent's bundle."""
    file = folder / "sub.tar.gz"
    bundle.write(bundle.pack(agent), file)
    subprocess.run(["tar", "xzf", str(file), "-C", str(folder)], check=True)
    return folder / "main.py"


def size() -> dict[str, Any]:
    """Gives bytes by agent."""
    return {agent: len(bundle.pack(agent).data) for agent in TRAVELLERS}


def first() -> dict[str, Any]:
    """Gives processor seconds to the first column by agent, without compiled kernels."""
    found = {}
    for agent in AGENTS:
        with tempfile.TemporaryDirectory() as place:
            main = unpacked(agent, Path(place))
            environment = {"PATH": os.environ["PATH"], "TMPDIR": place}
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            done = subprocess.run(
                [sys.executable, "-c", FIRST, str(main)],
                env=environment,
                capture_output=True,
                text=True,
                check=True,
            )
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            assert bundled.SIGN not in done.stderr, done.stderr
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        found[agent] = {"core_s": round(spent, 2), "quarter_s": round(QUARTER * spent, 1)}
    return found


def solver(games: int, first_s: float) -> dict[str, Any]:
    """Gives the solver's slowest move, and what its worst game takes out of the bank.

    Args:
        games: from each seat.
        first_s: processor seconds of the first move.
    """
    player, chance = grade_player("solver"), random.Random(0)
    worst, most = 0.0, 0.0
    for game in range(2 * games):
        env = registry.make("connectx")
        step, bank = env.reset(0), max(0.0, QUARTER * first_s - ACT_S)
        while not step.last:
            if step.to_play == game % 2:
                began = time.process_time()
                column = player(step)
                took = QUARTER * (time.process_time() - began)
                worst, bank = max(worst, took), bank + max(0.0, took - ACT_S)
            else:
                column = chance.choice([c for c in range(7) if step.action_mask[c]])
            step = env.step(column)
        most = max(most, bank)
    return {"games": 2 * games, "worst_quarter_s": round(worst, 2), "overage_s": round(most, 1)}


def grade_player(agent: str) -> Callable[[Any], int]:
    """Gives a bundle's player as a function from a moment to its column, ready to play."""
    with tempfile.TemporaryDirectory() as place:
        unpacked(agent, Path(place))
        player = bundled.load(Path(place))

    def column(step: Any, act_s: float = ACT_S, bank_s: float = BANK_S) -> int:
        mine, theirs = step.observation.astype(int)
        marks = mine * (step.to_play + 1) + theirs * (2 - step.to_play)
        observation = {
            "board": marks.ravel().tolist(),
            "mark": int(step.to_play) + 1,
            "remainingOverageTime": bank_s,
        }
        configuration = {"columns": 7, "rows": 6, "inarow": 4, "actTimeout": act_s}
        return player.column(observation, configuration)

    column(registry.make("connectx").reset(0), 500.0, 500.0)  # compiles
    return column


def moves(positions: int) -> dict[str, Any]:
    """Gives the share of moves that keep the outcome by agent."""
    every = grade.read(grade.SHIPPED)
    sample = [every[place * len(every) // positions] for place in range(positions)]
    found = {}
    for agent in AGENTS[:3]:
        player, env = grade_player(agent), registry.make("connectx")
        kept = [grade.Answer(one, player(env.reset(0, one.actions)), 0.0).weak for one in sample]
        found[agent] = {"positions": positions, "weak": sum(kept) / positions}
    return found


def rehearsed() -> dict[str, Any]:
    """Gives the seconds of a rehearsal by agent, and whether it passed."""
    found = {}
    for agent in AGENTS[:3]:
        with tempfile.TemporaryDirectory() as place:
            file = Path(place) / "sub.tar.gz"
            bundle.write(bundle.pack(agent), file)
            report = rehearsal.rehearse(file)
        found[agent] = {
            "seconds": round(report.seconds, 1),
            "faults": report.faults,
            "warnings": report.warnings,
        }
    return found


def main() -> None:
    """Runs what was asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", default=["size", "first", "solver", "moves"])
    parser.add_argument("--positions", type=int, default=40)
    parser.add_argument("--games", type=int, default=6)
    options = parser.parse_args()
    document: dict[str, Any] = {"name": "bundles"}
    for part in options.parts:
        if part == "solver":
            spent = document.get("first", {}).get("solver", {}).get("core_s", 3.0)
            document[part] = solver(options.games, spent)
        elif part == "moves":
            document[part] = moves(options.positions)
        else:
            document[part] = {"size": size, "first": first, "rehearsal": rehearsed}[part]()
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
