"""Recorded Connect X games a second, one core, random v random, against kaggle-environments."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"

from arena import tournament
from arena.executor import Inline
from arena.records import Records
from arena.standings import Standings
from arena.tournament import TournamentConfig
from envs import kaggle

GAMES, PEER_GAMES, WARM_CHUNKS = 40_000, 60, 10


def ours() -> float:
    """Gives recorded games a second: played, committed, and counted for the ladder."""
    config = TournamentConfig(agents=("random", "random:seed=1"), games=GAMES)
    with tempfile.TemporaryDirectory() as folder, Records.write(Path(folder) / "run") as records:
        cards = tournament.inspect(config, Inline())
        standings = Standings()
        began, warm = 0.0, 0
        for chunk in tournament.run(config, cards, records, Inline()):
            standings.add(chunk.records)
            if chunk.number == WARM_CHUNKS:
                began, warm = time.perf_counter(), records.count()
        seconds = time.perf_counter() - began
        assert records.count() == GAMES
        return (GAMES - warm) / seconds


def peer() -> float:
    """Gives the games a second of kaggle-environments' `env.run` with its own random agent."""
    agent = kaggle.builtin_agent("random")
    env = kaggle.make_connectx(7, 6, 4)
    env.run([agent, agent])
    began = time.perf_counter()
    for _ in range(PEER_GAMES):
        env.reset()
        env.run([agent, agent])
    return PEER_GAMES / (time.perf_counter() - began)


if __name__ == "__main__":
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    mine, theirs = ours(), peer()
    json.dump(
        {
            "name": "recorded Connect X games per second, one core, random v random",
            "ours": round(mine),
            "peer": round(theirs, 1),
            "peer_name": "kaggle-environments env.run",
            "ratio": round(mine / theirs),
            "at_least": {"ours": 5000, "ratio": 100},
            "command": "python benchmarks/games.py",
        },
        sys.stdout,
        indent=2,
    )
    print()
