"""Very many recorded games by one command: what grows while they are played."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import NamedTuple

from arena import committed
from tests.faults import processes
from tests.faults.row import Row

_MOST_MB = 50.0
_NAME = "soak"
_CHUNK = 256


class Sample(NamedTuple):
    """A process at one moment."""

    games: int
    mb: float
    """Resident memory."""
    handles: int


def sample(process: subprocess.Popen[bytes], run: Path) -> Sample | None:
    """Gives how a command stands, None before its first game and after its end."""
    about = Path(f"/proc/{process.pid}")
    try:
        counted = committed.read(run)
        words = dict(line.split(":", 1) for line in (about / "status").read_text().splitlines())
        handles = len(list((about / "fd").iterdir()))
    except (OSError, ValueError):
        return None
    if not counted or not counted.episodes or "VmRSS" not in words:
        return None
    return Sample(counted.episodes, int(words["VmRSS"].split()[0]) / 1024, handles)


def soak(folder: Path, games: int) -> Row:
    """Plays so many games of random players, and compares a tenth of the way with its end."""
    words = ["-a", "random", "-a", "random:seed=1", "--games", str(games), "--name", _NAME]
    words += ["--executor", "inline", f"chunk_games={_CHUNK}", "--dir", str(folder)]
    began = time.monotonic()
    process = processes.start(folder, "tournament", *words)
    samples: list[Sample] = []
    while process.poll() is None:
        found = sample(process, folder / _NAME)
        if found and games // 10 <= found.games < games - _CHUNK:
            samples.append(found)
        time.sleep(0.2)
    seconds = time.monotonic() - began
    counted = committed.read(folder / _NAME)
    first, last = samples[0], samples[-1]
    most = max(one.mb for one in samples)
    fewest, many = (pick(one.handles for one in samples) for pick in (min, max))
    result = (
        f"{counted.episodes if counted else 0:,} recorded in {seconds:.0f} s; {first.mb:.0f} MB at "
        f"{first.games:,}, {last.mb:.0f} MB at {last.games:,}, {most:.0f} MB at most; "
        f"{fewest} to {many} handles"
    )
    whole = process.returncode == 0 and counted is not None and counted.episodes == games
    held = whole and last.mb - first.mb <= _MOST_MB and many - fewest <= 2
    promise = f"at most {_MOST_MB:.0f} MB more at the end than at a tenth, handles constant"
    return Row("games recorded by one command", games, promise, result, held, "")
