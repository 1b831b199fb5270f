"""`kill -9` of the coordinator, of workers and of agents, while a tournament is played and resumed.

Every tournament that comes to its end is compared with one that nobody disturbed.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from arena import committed
from arena.committed import Total
from arena.records import Records
from tests.faults import processes
from tests.faults.row import Row

_AGENT = """
def agent(observation, configuration):
    column = (7 * observation.step + observation.mark) % configuration.columns
    while observation.board[column]:
        column = (column + 1) % configuration.columns
    return column
"""
_BUILTIN = ("random", "one-ply", "negamax:depth=3")
_GAMES = 2000
"""Of a pairing, so that a tournament is not over before it is struck: 1,000 games take a second."""
_FILE_GAMES = 1000
"""With a player from a file, of which 100 take a second."""
_WORKER, _FILE = b"arena.executor:worker", b"agents.kaggle_child"
_SETTLED_S = 1.5
"""A worker of that age has begun what it was given; a chunk is struck once at most."""
RUN = "killed"


class Lab:
    """A folder with a tournament that goes on, and one that nobody disturbed."""

    def __init__(
        self, folder: Path, agents: Sequence[str], games: int, executor: str = "local"
    ) -> None:
        """Plays the calm one.

        Args:
            folder: an empty one.
            agents: who meet.
            games: a pairing.
            executor: who plays.
        """
        self.calm, self.broken = folder / "calm", folder / "broken"
        self._words = [word for agent in agents for word in ("-a", agent)]
        self._words += ["--games", str(games), "--workers", "2", "--name", RUN, "--resume"]
        self._words += ["chunk_games=4", "--on-fault", "retry", "--trust"]
        self._words += ["--executor", executor]
        self.told: Counter[str] = Counter()
        assert self.start(self.calm).wait() in (0, 3)
        self.expected = episodes(self.calm)
        self._had: list[Any] = []

    def start(self, folder: Path) -> subprocess.Popen[bytes]:
        """Starts or resumes a tournament."""
        return processes.start(folder, "tournament", *self._words, "--dir", str(folder))

    def committed(self) -> Total | None:
        """Gives how much is recorded, None before the first game."""
        found = committed.read(self.broken / RUN)
        return found if found and found.episodes else None

    def look(self) -> None:
        """Counts what was finished and is gone, and what is there twice."""
        now = episodes(self.broken)
        self.told["lost"] += now[: len(self._had)] != self._had
        self.told["doubled"] += len(now) - len({(one.slot, one.attempt) for one in now})
        self._had = now

    def end(self, code: int) -> None:
        """Compares a tournament that has come to its end, and clears the place for another one."""
        self.look()
        rated = [settled(one) for one in self._had if one.rated]
        self.told["ended"] += 1
        if code not in (0, 3):
            self.told["failed"] += 1
            said = (self.broken / "stderr").read_text().strip().splitlines()
            print(f"exit {code}: {said[-1] if said else ''}", file=sys.stderr)
        self.told["other"] += rated != [settled(one) for one in self.expected]
        self.told["tries lost"] += len(self._had) - len(rated)
        shutil.rmtree(self.broken / RUN, ignore_errors=True)
        self._had = []

    def finish(self) -> None:
        """Lets the tournament come to its end."""
        self.end(self.start(self.broken).wait())

    def result(self) -> str:
        """Gives in words what came of it."""
        told = self.told
        return (
            f"{told['lost']} times a finished game lost, {told['doubled']} games twice, "
            f"{told['ended']} tournaments ended, {told['other']} with other games, "
            f"{told['failed']} with an error"
        )

    @property
    def held(self) -> bool:
        """Gives whether nothing was lost, doubled, changed or left."""
        return not any(self.told[name] for name in ("lost", "doubled", "other", "failed", "left"))


def settled(one: Any) -> Any:
    """Gives a game as it is whatever number of tries it took."""
    return replace(one, number=0, attempt=0)


def episodes(folder: Path) -> list[Any]:
    """Gives everything recorded, in order; empty before the first record."""
    if not (folder / RUN / "records.sqlite").exists():
        return []
    with Records.read(folder / RUN) as records:
        return list(records.episodes())


def coordinator(folder: Path, count: int, longest: float, executor: str = "local") -> Row:
    """Kills the command itself after up to `longest` seconds, then resumes."""
    lab = Lab(folder, _BUILTIN, _GAMES, executor)
    chance, kills = random.Random("coordinator"), 0
    while kills < count:
        process = lab.start(lab.broken)
        time.sleep(chance.uniform(0.0, longest))
        if process.poll() is not None:
            lab.end(process.returncode)
            continue
        known = processes.family(process.pid)
        process.kill()
        process.wait()
        time.sleep(1.0)
        lab.told["left"] += processes.living(lab.broken, known) > 0
        lab.look()
        kills += 1
    lab.finish()
    result = f"{lab.result()}; {lab.told['left']} times a process after 1 s"
    promise = "0 lost, 0 doubled, the same games, no process after 1 s"
    return Row("`kill -9` of the coordinator", kills, promise, result, lab.held, "")


def workers(folder: Path, count: int, longest: float) -> Row:
    """Kills workers of a tournament that goes on."""
    lab = Lab(folder, _BUILTIN, _GAMES)
    kills = _parts(lab, count, longest, lambda words: _WORKER in words, "workers")
    promise = "0 lost, 0 doubled, the same games"
    result = f"{lab.result()}, {lab.told['tries lost']} tries lost"
    held = lab.held and not lab.told["tries lost"]
    return Row("`kill -9` of workers", kills, promise, result, held, "")


def agents(folder: Path, count: int, longest: float) -> Row:
    """Kills the processes of a player from a file, whose games are then played again."""
    folder.chmod(0o755)  # the player may be somebody else
    player = folder / "player" / "main.py"
    player.parent.mkdir()
    player.write_text(_AGENT)
    lab = Lab(folder, ("random", str(player)), _FILE_GAMES)
    kills = _parts(lab, count, longest, lambda words: _FILE in words, "agents")
    promise = "0 lost, 0 doubled, the same rated games"
    result = f"{lab.result()}; {lab.told['tries lost']} tries were lost and played again"
    return Row("`kill -9` of agents (`--on-fault retry`)", kills, promise, result, lab.held, "")


def _parts(lab: Lab, count: int, longest: float, which: Callable[[bytes], bool], seed: str) -> int:
    """Kills processes below the command, one at a time; gives how many."""
    chance, kills = random.Random(seed), 0
    process = lab.start(lab.broken)
    before: Total | None = None
    while kills < count:
        time.sleep(chance.uniform(0.0, longest))
        if process.poll() is not None:
            lab.end(process.returncode)
            process, before = lab.start(lab.broken), None
            continue
        if (now := lab.committed()) is None or now == before:
            continue  # what was struck may not have been played again yet
        family = processes.family(process.pid).items()
        old = [one for one, words in family if which(words) and processes.age_s(one) > _SETTLED_S]
        if old:
            try:
                os.kill(chance.choice(sorted(old)).pid, signal.SIGKILL)
                kills, before = kills + 1, now
            except ProcessLookupError:
                continue
            if not kills % 10:
                lab.look()
    lab.end(process.wait())
    return kills
