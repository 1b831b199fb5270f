"""Interrupts at random moments, start-up included: how commands end, how soon, what they leave."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from tests.faults import processes
from tests.faults.row import Row

SOON_S = 2.0
GONE_S = 1.0
"""How long whatever ends Ray's processes may outlive the command."""
INTERRUPTED = 130


class Stop(NamedTuple):
    """How a command ended."""

    code: int
    seconds: float
    left: int
    """Processes that are still there after `GONE_S`."""
    said: str
    """What it said on stderr."""

    @property
    def early(self) -> bool:
        """Whether Python's own start was interrupted, before our first line.

        It dies of the signal then, or of a KeyboardInterrupt that met nothing of ours.
        """
        broken = self.code == 1 and "KeyboardInterrupt" in self.said and "cli.py" not in self.said
        return broken or self.code == -signal.SIGINT

    @property
    def other(self) -> bool:
        """Whether it ended neither as promised nor early."""
        return self.code != INTERRUPTED and not self.early


def begin(folder: Path, executor: str) -> subprocess.Popen[bytes]:
    """Starts or resumes a tournament that is too long to end."""
    words = ["-a", "random", "-a", "one-ply", "-a", "negamax:depth=3", "--games", "40000"]
    words += ["chunk_games=8", "--name", "long", "--resume", "--workers", "2"]
    return processes.start(
        folder, "tournament", *words, "--dir", str(folder), "--executor", executor
    )


def interrupt(folder: Path, moment: float, executor: str, twice: bool = False) -> Stop:
    """Interrupts a command after `moment` seconds, and again at once if asked for."""
    (folder / "stderr").unlink(missing_ok=True)
    process = begin(folder, executor)
    time.sleep(moment)
    known = processes.family(process.pid)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    if twice:
        time.sleep(0.02)
        process.send_signal(signal.SIGINT)
    try:
        code = process.wait(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        code = process.wait()
    seconds = time.monotonic() - began
    ended = time.monotonic()
    while (left := processes.living(folder, known)) and time.monotonic() < ended + GONE_S:
        time.sleep(0.05)
    said = (folder / "stderr").read_text().rstrip()
    return Stop(code, seconds, left, said)


def interrupts(
    folder: Path, count: int, longest: float, executor: str = "local", twice: bool = False
) -> Row:
    """Interrupts a resumed tournament after up to `longest` seconds."""
    chance = random.Random("interrupt")
    found = [interrupt(folder, chance.uniform(0.0, longest), executor, twice) for _ in range(count)]
    early = sum(stop.early for stop in found)
    others = [stop for stop in found if stop.other]
    slowest = max((stop.seconds for stop in found), default=0.0)
    left = sum(stop.left > 0 for stop in found)
    result = (
        f"{len(others)} other endings ({early} more within Python's own start), "
        f"slowest {slowest:.1f} s, {left} times a process left"
    )
    what = "SIGINT twice" if twice else "SIGINT"
    promise = f"exit 130, at most {SOON_S:.0f} s, no process after {GONE_S:.0f} s more"
    held = not others and slowest <= SOON_S and not left
    for stop in others:
        print(stop, file=sys.stderr)
    return Row(f"{what}, start-up included", count, promise, result, held, "")
