"""Kills a running tournament at random moments, resumes it, and compares with a calm one."""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from arena.records import Records

AGENTS = ("random", "one-ply", "negamax:depth=2", "negamax:depth=3")
ARGUMENTS = [*(word for agent in AGENTS for word in ("-a", agent)), "--games", "400", "--seed", "5"]


def arena(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Starts `arena tournament` in a folder."""
    command = [sys.executable, "-m", "arena", "tournament", "--name", "killed", "--json"]
    return subprocess.Popen(
        [*command, "--dir", str(folder), *ARGUMENTS, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def episodes(folder: Path) -> list[object]:
    """Gives everything recorded, in order; empty before the first record."""
    if not (folder / "killed" / "records.sqlite").exists():
        return []
    with Records.read(folder / "killed") as records:
        return list(records.episodes())


def leftovers(parent: int) -> int:
    """Gives how many children of a process that is gone are still there."""
    found = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            found += any(b"agents.process" in word for word in words) and b"%d" % parent in words
    return found


def kill_and_resume(folder: Path, kills: int, longest: float) -> tuple[str, dict[str, int]]:
    """Gives the last output and what the kills did."""
    chance = random.Random(0)
    told = {"kills": 0, "lost": 0, "left": 0}
    while told["kills"] < kills:
        had = episodes(folder)
        process = arena(folder, "--resume")
        time.sleep(chance.uniform(0.0, longest))
        if process.poll() is not None:  # it was quicker: begin another one
            subprocess.run(["rm", "-rf", str(folder / "killed")], check=True)
            continue
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        time.sleep(0.1)
        told["kills"] += 1
        told["lost"] += had != episodes(folder)[: len(had)]
        told["left"] += leftovers(process.pid)
    output, _ = arena(folder, "--resume").communicate()
    return output, told


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--longest", type=float, default=2.5, help="seconds before a kill")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        whole, broken = Path(name) / "whole", Path(name) / "broken"
        expected, _ = arena(whole).communicate()
        output, told = kill_and_resume(broken, options.kills, options.longest)
        same = episodes(whole) == episodes(broken)
        doubled = len(episodes(broken)) - len({e.slot for e in episodes(broken)})  # type: ignore[attr-defined]
        json.dump(
            {
                "name": "kill -9 of a running tournament at random moments, then --resume",
                "kills": told["kills"],
                "games": len(episodes(broken)),
                "times_a_finished_game_was_lost": told["lost"],
                "games_played_twice": doubled,
                "processes_left_after_100_ms": told["left"],
                "same_records": same,
                "same_ladder": output == expected,
                "command": f"python benchmarks/kills.py --kills {options.kills}",
            },
            sys.stdout,
            indent=2,
        )
        print()
        sys.exit(not (same and output == expected and not told["lost"] and not doubled))
