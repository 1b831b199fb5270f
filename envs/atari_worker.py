"""Processes that play rows of a batch of Atari games, both sides of them.

ale-py holds Python's lock while it emulates, so threads would wait for each other.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import pickle
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from envs.base import EnvSpec

_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1]); from envs.atari_worker import serve; "
    "serve(int(sys.argv[2]), int(sys.argv[3]))"
)
_END_S = 5.0


class WorkerError(RuntimeError):
    """A process that plays rows is gone, or was left in the middle of something."""


class Worker:
    """A process that plays some rows."""

    def __init__(self, spec: EnvSpec, memory: int, num_rows: int, rows: Sequence[int]) -> None:
        """Starts the process.

        Args:
            spec: of the game.
            memory: file descriptor of the board.
            num_rows: of the whole batch.
            rows: those that it plays.
        """
        ours, theirs = socket.socketpair()
        root = str(Path(__file__).resolve().parent.parent)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _BOOT, root, str(theirs.fileno()), str(memory)],
                pass_fds=[theirs.fileno(), memory],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            )
        self._connection = Connection(ours.detach())
        self._name = f"worker of {spec.id}, rows {rows[0]} to {rows[-1]},"
        self._waiting = False
        self.ask(spec.id, num_rows, list(rows))

    def ask(self, *request: Any) -> None:
        """Sends a request; `answer` must follow before the next.

        Raises:
            WorkerError: when the process is gone or still owes an answer.
        """
        if self._waiting:
            raise WorkerError(f"the {self._name} was cut off in its work; make the env again")
        self._waiting = True
        try:
            self._connection.send(request)
        except OSError as error:
            raise self._gone() from error

    def answer(self) -> Exception | None:
        """Waits until the request is done; gives the error that it met.

        Raises:
            WorkerError: when the process is gone.
        """
        try:
            found: Exception | None = self._connection.recv()
        except (OSError, EOFError) as error:
            raise self._gone() from error
        self._waiting = False
        return found

    def close(self) -> None:
        """Ends the process."""
        self._connection.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_S)
        self._process.kill()
        self._process.wait()

    def _gone(self) -> WorkerError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_S)
        return WorkerError(
            f"the {self._name} is gone, exit code {self._process.returncode}; make the env again"
        )


def serve(channel: int, memory: int) -> None:
    """Plays rows until the owner closes the channel; a worker's whole life.

    Args:
        channel: file descriptor of the socket to the owner.
        memory: file descriptor of the board.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the owner's
    from envs import registry
    from envs.atari_rows import Rows, board_on

    connection = Connection(channel)
    with contextlib.suppress(EOFError, ConnectionError):
        id, num_rows, own = connection.recv()
        spec = registry.spec(id)
        rows = Rows(spec, board_on(mmap.mmap(memory, 0), spec, num_rows), own)
        connection.send(None)
        while True:
            name, *arguments = connection.recv()
            error = None
            try:
                getattr(rows, name)(*arguments)
            except Exception as met:
                error = _portable(met)
            connection.send(error)


def _portable(error: Exception) -> Exception:
    """Gives the error, or one with its text where it cannot travel."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return WorkerError(f"{type(error).__name__}: {error}")
    return error
