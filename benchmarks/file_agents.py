"""A tournament of 160 files, 8 of them faulty in 8 ways. Prints one JSON document.

A faulty file plays well as second mover and goes wrong at its first move as first mover, so that
who is to blame in which game, and why, is known before. Games of two files in processes of their
own, sandboxed, each game committed by itself.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
import time
from collections import Counter
from pathlib import Path

from agents import sandbox
from arena import executor as executors
from arena import tournament
from arena.match import TimeControl
from arena.records import MatchRecord, Records
from arena.tournament import TournamentConfig

GOOD = """
import random

def agent(observation, configuration):
    if observation.mark == 1:
        go_wrong()
    free = [c for c in range(configuration.columns) if observation.board[c] == 0]
    return random.choice(free)
"""
WAYS = {
    "illegal": "",
    "error": "def go_wrong(): return 1 / 0",
    "crash": "import os\ndef go_wrong(): os._exit(1)",
    "crash, segfault": "import ctypes\ndef go_wrong(): ctypes.string_at(0)",
    "timeout, sleeps": "import time\ndef go_wrong(): time.sleep(60)",
    "timeout, spins": "def go_wrong():\n    while True: pass",
    "memory": "def go_wrong(): return len(bytearray(3 << 30))",
    "crash, forges": "import os\ndef go_wrong(): os.write(3, bytes(8) + b'c3')",
}
"""Reason that must be recorded, and what goes wrong."""


def source(way: str | None) -> str:
    """Gives the text of a file, faulty in a way or not at all."""
    if way is None:
        return f"def go_wrong(): pass\n{GOOD}"
    if way == "illegal":
        return f"def go_wrong(): pass\n{GOOD.replace('go_wrong()', 'return 99')}"
    return f"{WAYS[way]}\n{GOOD}"


def write(folder: Path, agents: int) -> dict[str, str]:
    """Writes the files, the faulty ones spread among the others; gives path to way."""
    ways = {}
    faulty = {place * agents // len(WAYS): way for place, way in enumerate(WAYS)}
    for number in range(agents):
        way = faulty.get(number)
        path = folder / f"agent{number:03}.py"
        path.write_text(source(way))
        if way:
            ways[str(path)] = way
    return ways


def wrong(records: list[MatchRecord], ways: dict[str, str]) -> list[str]:
    """Gives, in words, every record whose blame is not what the files make certain."""
    found = []
    for record in records:
        way = ways.get(record.agents[0])
        expected = (0, way.partition(",")[0]) if way else (None, "terminated")
        if (record.blame, record.termination) != expected:
            found.append(f"{record.agents}: {record.blame} {record.termination}, not {expected}")
    return found


def main() -> None:
    """Plays, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--games", type=int, default=10_000)
    parser.add_argument("--agents", type=int, default=160)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    executor = executors.make("local", options.workers)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "files"
        folder.mkdir()
        ways = write(folder, options.agents)
        config = TournamentConfig(
            agents=tuple(str(path) for path in sorted(folder.glob("*.py"))),
            games=2,
            openings=0,
            clock=TimeControl(move_s=0.25, bank_s=0.0),
        )
        began = time.monotonic()
        cards = tournament.inspect(config, executor)
        inspected = time.monotonic()
        with Records.write(Path(name) / "run") as records:
            for _ in itertools.islice(
                tournament.run(config, cards, records, executor), options.games
            ):
                pass
            seconds = time.monotonic() - inspected
            played = list(records.episodes())
        executor.close()
    mistakes = wrong(played, ways)
    document = {
        "name": f"tournament of {options.agents} files, 8 faulty in 8 ways, games per second",
        "command": f"python benchmarks/file_agents.py --games {options.games}",
        "at_least": {"games_a_second": 150},
        "workers": options.workers,
        "layers": list(sandbox.layers()),
        "games": options.games,
        "recorded": len(played),
        "slots": len({record.slot for record in played}),
        "games_a_second": round(len(played) / seconds, 1),
        "moves_a_second": round(sum(len(r.actions) for r in played) / seconds),
        "inspect_s": round(inspected - began, 1),
        "terminations": dict(Counter(record.termination for record in played)),
        "wrongly_blamed": len(mistakes),
        "examples": mistakes[:5],
    }
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
