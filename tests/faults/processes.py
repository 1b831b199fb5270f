"""Commands of the arena as processes, and what they leave behind."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
MARK = "ARENA_BATTERY"
"""Variable by which the processes of a folder's commands are known."""
_PR_SET_PDEATHSIG = 1
_TICKS = os.sysconf("SC_CLK_TCK")


class Process(NamedTuple):
    """A process; its number alone may be used again."""

    pid: int
    began: int
    """Clock ticks since the machine was started."""


def start(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    """Starts a command of the arena; what it says on stderr is added to `folder/stderr`."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "stderr").open("ab") as said:
        return subprocess.Popen(
            [sys.executable, "-m", "arena", *words],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=said,
            env={**os.environ, MARK: str(folder)},
            start_new_session=True,
            preexec_fn=_tied,
        )


def _tied() -> None:
    """Lets a process end with this one, in whatever way this one ends, and hear SIGINT at once.

    A shell starts what goes on in the background with SIGINT ignored, and so all that comes of it.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def family(pid: int) -> dict[Process, bytes]:
    """Gives all that descends from a process, with its command line."""
    children: dict[int, list[tuple[Process, bytes]]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (about := _stat(int(entry.name))):
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            process = Process(int(entry.name), about[2])
            children.setdefault(about[1], []).append((process, words))
    found: dict[Process, bytes] = {}
    waiting = [pid]
    while waiting:
        for process, words in children.get(waiting.pop(), []):
            found[process] = words
            waiting.append(process.pid)
    return found


def living(folder: Path, known: dict[Process, bytes] | None = None) -> int:
    """Gives how many processes of a folder's commands are there, those known and those marked."""
    found = {process.pid for process in known or () if _lives(process)}
    mark = f"{MARK}={folder}".encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.add(int(entry.name))
            except OSError:
                continue
    return len(found)


def age_s(process: Process) -> float:
    """Gives the age of a process in seconds."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - process.began / _TICKS


def _lives(process: Process) -> bool:
    about = _stat(process.pid)
    return about is not None and about[2] == process.began and about[0] != "Z"


def _stat(pid: int) -> tuple[str, int, int] | None:
    """Gives state, parent and beginning of a process, None where it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return fields[0], int(fields[1]), int(fields[19])
