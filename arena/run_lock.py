"""One run, one writer: the lock that says who."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class RunBusyError(RuntimeError):
    """A run that another process is writing."""


def take_lock(run: Path) -> int:
    """Gives the lock of a run, held until it is closed.

    Raises:
        RunBusyError: when another process has it.
    """
    lock = os.open(run / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        owner = os.read(lock, 20).decode(errors="replace").strip()
        os.close(lock)
        raise RunBusyError(
            f"{run} is being written by process {owner or '?'}; wait for it, or take another --name"
        ) from error
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return lock
