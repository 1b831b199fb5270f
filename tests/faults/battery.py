"""Interrupts and kills commands at random moments; prints a table of what was promised and held.

python tests/faults/battery.py --interrupts 200 --kills 200
python tests/faults/battery.py --interrupts 20 --kills 20 --longest 14 --executor ray
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SOON_S = 2.0


def start(folder: Path, executor: str = "local") -> subprocess.Popen[bytes]:
    """Starts or resumes a tournament that is too long to end."""
    words = ["-a", "random", "-a", "one-ply", "-a", "negamax:depth=3", "--games", "40000"]
    return subprocess.Popen(
        [sys.executable, "-m", "arena", "tournament", *words, "chunk_games=8"]
        + ["--name", "long", "--resume", "--workers", "2", "--dir", str(folder)]
        + ["--executor", executor],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "ARENA_BATTERY": str(folder)},
        start_new_session=True,
    )


def living(folder: Path) -> int:
    """Gives how many processes of a folder's commands are there."""
    found = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                found += b"ARENA_BATTERY=" + bytes(folder) in (entry / "environ").read_bytes()
            except OSError:
                continue
    return found


def interrupt(folder: Path, moment: float, executor: str = "local") -> dict[str, float]:
    """Interrupts a command after `moment` seconds; gives its exit code, seconds and leftovers."""
    process = start(folder, executor)
    time.sleep(moment)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    try:
        code = process.wait(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        code = process.wait()
    seconds = time.monotonic() - began
    time.sleep(0.2)
    return {"code": code, "seconds": seconds, "left": living(folder)}


def kill(folder: Path, moment: float, executor: str = "local") -> dict[str, float]:
    """Kills a command after `moment` seconds; gives what lives a second later."""
    process = start(folder, executor)
    time.sleep(moment)
    process.kill()
    process.wait()
    time.sleep(1.0)
    return {"left": living(folder)}


def rounds(
    what: str, count: int, longest: float, executor: str = "local"
) -> list[dict[str, float]]:
    """Does one thing many times to one resumed run, at moments from the very start on."""
    chance = random.Random(what)
    act = {"interrupt": interrupt, "kill": kill}[what]
    with tempfile.TemporaryDirectory() as folder:
        return [act(Path(folder), chance.uniform(0.0, longest), executor) for _ in range(count)]


def main() -> int:
    """Prints the table; gives 1 when a promise was not held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--interrupts", type=int, default=200)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--longest", type=float, default=4.0, help="seconds before the act")
    parser.add_argument("--executor", choices=("local", "ray"), default="local")
    options = parser.parse_args()
    stops = rounds("interrupt", options.interrupts, options.longest, options.executor)
    kills = rounds("kill", options.kills, options.longest, options.executor)
    early = sum(stop["code"] == -signal.SIGINT for stop in stops)
    bad = sum(stop["code"] not in (130, -signal.SIGINT) for stop in stops)
    slow = max((stop["seconds"] for stop in stops), default=0.0)
    left = sum(stop["left"] > 0 for stop in stops), sum(one["left"] > 0 for one in kills)
    print("| what | count | promise | result |\n|---|---|---|---|")
    print(
        f"| SIGINT at random moments | {len(stops)} | exit 130 | {bad} others, {early} within "
        "Python's own start |"
    )
    print(f"| | | at most 2 s | slowest {slow:.1f} s |")
    print(f"| | | no process left | {left[0]} times |")
    print(f"| kill -9 of the coordinator | {len(kills)} | nothing after 1 s | {left[1]} times |")
    return int(bool(bad or slow > SOON_S or any(left)))


if __name__ == "__main__":
    sys.exit(main())
