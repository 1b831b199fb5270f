"""The nursery as its owner sees it: the clean process that forks confined children.

Each process that runs file players has one. A child is there in a millisecond instead of the 20 or
more of a fresh Python, shares the pages of the interpreter, and inherits nothing of the owner.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from agents import kaggle_child, sandbox, workspace
from agents.process import QUIET_THREADS

_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[3]); from agents.kaggle_child import nursery; "
    "del sys.path[0]; nursery()"
)
_TRIES = 3


class HarnessError(BaseException):
    """The machinery around a player failed. No `Exception`: none who plays may be blamed for it."""


class Nursery:
    """A clean process that forks."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        root = str(Path(__file__).resolve().parent.parent)
        arguments = [str(theirs.fileno()), json.dumps(sandbox.packages()), root]
        place = workspace.folder()
        wrapper = [*sandbox.wrapper(), "--bind", place, place] if sandbox.wrapper() else []
        self.owner = os.getpid()
        self._control = ours
        with theirs:
            self._process = subprocess.Popen(
                [*wrapper, sys.executable, "-I", "-S", "-c", _BOOT, *arguments],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=_environment(),
                cwd="/",
                start_new_session=True,
            )

    def fork(self, order: Mapping[str, Any], fds: Sequence[int]) -> int:
        """Gives the process id of a new child that holds `fds`.

        Raises:
            HarnessError: when the nursery is gone.
        """
        try:
            socket.send_fds(self._control, [json.dumps(order).encode()], fds)
        except OSError as error:
            raise HarnessError(f"the nursery is gone: {error}") from error
        return self._reply()["pid"]

    def end(self, pid: int) -> int:
        """Ends a child at once; gives its exit status.

        Raises:
            HarnessError: when the nursery is gone, and the child with it.
        """
        for kill in (os.kill, os.killpg):  # its group too: without seccomp it may have forked
            with contextlib.suppress(ProcessLookupError, PermissionError):
                kill(pid, signal.SIGKILL)
        with contextlib.suppress(OSError):
            self._control.send(json.dumps({"reap": pid}).encode())
        return self._reply()["status"]

    def close(self) -> None:
        """Ends the nursery and, by the kernel, its children."""
        if self.owner == os.getpid():
            self._process.kill()
            self._process.wait()
        self._control.close()

    def _reply(self) -> dict[str, int]:
        try:
            reply = self._control.recv(kaggle_child.LARGEST)
        except OSError:
            reply = b""
        if not reply:
            raise HarnessError("the nursery is gone")
        found: dict[str, int] = json.loads(reply)
        return found


def fork(order: Mapping[str, Any], fds: Sequence[int]) -> tuple[Nursery, int]:
    """Gives a new child's nursery and process id.

    Raises:
        HarnessError: when no nursery stays alive.
    """
    for _ in range(_TRIES):
        nursery = _nursery()
        try:
            return nursery, nursery.fork(order, fds)
        except HarnessError:
            nursery.close()
            _nurseries.clear()
    raise HarnessError("the nursery does not start; run `arena doctor`")


_nurseries: list[Nursery] = []


def _nursery() -> Nursery:
    """Gives the nursery of this process; that of a process it was forked from is no use."""
    if not _nurseries or _nurseries[0].owner != os.getpid():
        _nurseries[:] = [Nursery()]
        atexit.register(_nurseries[0].close)
    return _nurseries[0]


def _environment() -> dict[str, str]:
    """Gives the environment of foreign code: nothing of ours."""
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        **QUIET_THREADS,
    }
