"""The end of a Ray: a process beside the coordinator that outlives it and leaves nothing behind.

Ray's own processes end by themselves, the last ones after seconds. The watcher learns within
milliseconds that the coordinator is gone, or wants Ray to be gone, by the end of a pipe, and kills
every process that has Ray's folder in its environment.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

_NAME = "ARENA_RAY"
_BOOT = "import sys; from arena.ray_watch import watch; watch(sys.argv[1])"
_PATIENCE_S = 5.0
_POLL_S = 0.01


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
    """Waits for the end of standard input, then ends every marked process and removes a folder."""
    with contextlib.suppress(OSError):
        while os.read(0, 1):
            pass
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until and (found := marked(folder)):
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_POLL_S)
    shutil.rmtree(folder, ignore_errors=True)


def marked(folder: str) -> list[int]:
    """Gives the processes that have the mark of a folder."""
    mark, found = f"{_NAME}={folder}".encode(), []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found
