"""The end of a Ray: a process beside the coordinator that outlives it and leaves nothing behind.

Ray's own processes end by themselves, the last ones after seconds. The watcher learns within
milliseconds that the coordinator is gone, or wants Ray to be gone, by the end of a pipe, and kills
every process that has Ray's folder in its environment, and their children.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

_NAME = "ARENA_RAY"
_BOOT = "import sys; from arena.ray_watch import watch; watch(sys.argv[1])"
_PATIENCE_S = 5.0
_POLL_S = 0.01
_LOOK_S = 1.0
_CALM = 10
"""So many looks must find nothing: a process that is just becoming another program has no
environment for a moment."""


class Watcher:
    """The watcher of a Ray, seen from the coordinator."""

    def __init__(self, folder: str) -> None:
        """Starts it.

        Args:
            folder: where Ray writes, which is removed in the end.
        """
        self.mark = {_NAME: folder}
        """What the environment of every process of that Ray must have."""
        self._process = subprocess.Popen(
            [sys.executable, "-c", _BOOT, folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def end(self) -> None:
        """Ends every process of that Ray, and waits for it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def watch(folder: str) -> None:
    """Waits for the end of standard input, then ends all of a Ray's processes, and its folder.

    Two of Ray's agents write their names over their environment, so they are known as children of
    marked ones, by looks while these are there.
    """
    known: set[_Process] = set()
    with contextlib.suppress(OSError):
        while not select.select([0], [], [], _LOOK_S)[0] or os.read(0, 1):
            known = family(folder) | {one for one in known if _began(one.pid) == one.began}
    until, calm = time.monotonic() + _PATIENCE_S, 0
    while time.monotonic() < until and calm < _CALM:
        known |= family(folder)
        found = [one for one in known if _began(one.pid) == one.began]
        calm = 0 if found else calm + 1
        for one in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(one.pid, signal.SIGKILL)
        time.sleep(_POLL_S)
    shutil.rmtree(folder, ignore_errors=True)


class _Process(NamedTuple):
    """A process; its number alone may be used again."""

    pid: int
    began: str
    """Clock ticks since the machine was started."""


def family(folder: str) -> set[_Process]:
    """Gives the processes that have the mark of a folder, and all that descend from them."""
    mark = f"{_NAME}={folder}".encode()
    children: dict[int, list[int]] = {}
    waiting, found = [], set[_Process]()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (about := _about(pid := int(entry.name))):
            children.setdefault(int(about[1]), []).append(pid)
            with contextlib.suppress(OSError):
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    waiting.append(pid)
    while waiting:
        pid = waiting.pop()
        if (began := _began(pid)) and (one := _Process(pid, began)) not in found:
            found.add(one)
            waiting += children.get(pid, [])
    return found


def _began(pid: int) -> str | None:
    """Gives when a process began; None where it is gone, or dead and not yet asked after."""
    about = _about(pid)
    return about[19] if about and about[0] != "Z" else None


def _about(pid: int) -> list[str] | None:
    """Gives state, parent and so on of a process, see proc(5); None where it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
