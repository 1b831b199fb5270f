"""A child process with framed messages, a deadline it writes itself, and a sure end.

Worker processes of the arena and, later, players from files are such children. A child leads its
own process group and is killed by the kernel when its parent dies, so `kill -9` of the parent
leaves nothing behind. Both sides share one page, the noticeboard: the child notes there what it is
about to do and until when it will be done, without a system call; the parent reads it when it
looks for late children and after a death.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import mmap
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

_FRAME = struct.Struct("<IQ")
_NOTICE = struct.Struct("<dI")
_PAGE = 1 << 16
_STDERR_KEPT = 10_000
_PR_SET_PDEATHSIG = 1
_BOOT = "from agents.process import child_main; child_main()"

QUIET_THREADS = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
}
"""Environment of every process that plays: one thread each, none that spins."""


class ProcessError(RuntimeError):
    """The other side is gone, or what it sent is no frame."""


class Frame(NamedTuple):
    """One message."""

    sequence: int
    """Number of the request that it is, or that it answers; a reply with another is a forgery."""
    payload: bytes
    """The content, opaque here."""


class Noticeboard:
    """What a child says it is doing, and until when."""

    def __init__(self, fd: int) -> None:
        self._page = mmap.mmap(fd, _PAGE)

    def write(self, deadline: float, note: bytes = b"") -> None:
        """Notes what comes next, to be over by `deadline`, seconds of `time.monotonic()`.

        A deadline of 0 means no limit. A note longer than the page is cut.
        """
        note = note[: _PAGE - _NOTICE.size]
        self._page[_NOTICE.size : _NOTICE.size + len(note)] = note
        _NOTICE.pack_into(self._page, 0, deadline, len(note))

    def read(self) -> tuple[float, bytes]:
        """Gives the last deadline and note."""
        deadline, length = _NOTICE.unpack_from(self._page, 0)
        return deadline, bytes(self._page[_NOTICE.size : _NOTICE.size + length])

    def deadline(self) -> float:
        """Gives the last deadline, seconds of `time.monotonic()`; 0 = none."""
        return float(_NOTICE.unpack_from(self._page, 0)[0])


class Channel:
    """Frames over a blocking socket."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock

    def send(self, frame: Frame) -> None:
        """Sends one frame.

        Raises:
            ProcessError: when the other side is gone.
        """
        header = _FRAME.pack(frame.sequence, len(frame.payload))
        try:
            self.socket.sendall(header + frame.payload)
        except OSError as error:
            raise ProcessError(f"the other side is gone: {error}") from error

    def receive(self) -> Frame:
        """Waits for one frame.

        Raises:
            ProcessError: when the other side is gone.
        """
        sequence, length = _FRAME.unpack(self._exactly(_FRAME.size))
        return Frame(sequence, self._exactly(length))

    def _exactly(self, count: int) -> bytes:
        parts = []
        while count:
            try:
                part = self.socket.recv(min(count, 1 << 20))
            except OSError as error:
                raise ProcessError(f"the other side is gone: {error}") from error
            if not part:
                raise ProcessError("the other side is gone")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)


class Child:
    """A process that runs `module:function(channel, noticeboard)`."""

    def __init__(self, target: str, environment: Mapping[str, str] | None = None) -> None:
        """Starts the process.

        Args:
            target: `module:function`, called in the child with a `Channel` and a `Noticeboard`.
            environment: variables on top of the parent's.
        """
        ours, theirs = socket.socketpair()
        page = os.memfd_create("noticeboard")
        os.ftruncate(page, _PAGE)
        arguments = [str(theirs.fileno()), str(page), str(os.getpid()), target]
        self.process = subprocess.Popen(
            [sys.executable, "-c", _BOOT, *arguments],
            pass_fds=[theirs.fileno(), page],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
        theirs.close()
        self.channel = Channel(ours)
        self.noticeboard = Noticeboard(page)
        os.close(page)
        assert self.process.stdout is not None
        self.output = self.process.stdout
        os.set_blocking(self.output.fileno(), False)
        self._tail = b""

    def drain(self) -> None:
        """Reads what the child has printed; the last 10 kB are kept."""
        with contextlib.suppress(BlockingIOError, ValueError):
            while part := os.read(self.output.fileno(), 1 << 16):
                self._tail = (self._tail + part)[-_STDERR_KEPT:]

    def tail(self) -> str:
        """Gives the last 10 kB that the child has printed."""
        self.drain()
        return self._tail.decode(errors="replace")

    def kill(self) -> int:
        """Ends the child and its whole process group at once; gives its exit status."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        status = self.process.wait()
        self.drain()
        self.channel.socket.close()
        self.output.close()
        return status


def describe_exit(status: int) -> str:
    """Puts the exit status of a process into words."""
    if status < 0:
        with contextlib.suppress(ValueError):
            return f"killed by {signal.Signals(-status).name}"
    return f"exit status {status}"


def resolve(target: str) -> Callable[..., Any]:
    """Imports what `module:function` names."""
    module, _, name = target.partition(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return function


def child_main() -> None:
    """Runs a child: ties its life to its parent's, then calls its target."""
    socket_fd, page, parent = (int(text) for text in sys.argv[1:4])
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    channel = Channel(socket.socket(fileno=socket_fd))
    board = Noticeboard(page)
    os.close(page)
    with contextlib.suppress(ProcessError):
        resolve(sys.argv[4])(channel, board)
