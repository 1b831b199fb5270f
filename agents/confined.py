"""Confined children as their owner sees them: started, asked with a deadline, killed for sure.

They are forked by a nursery, see `agents.kaggle_child`. Whatever a child does, `ask` comes back: by
the deadline, with an answer or with the blame. Time in which this side stood still, because the
machine slept or was too busy to run it, is given back.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import struct
import tempfile
import time
import weakref
from pathlib import Path
from typing import NamedTuple

from agents import kaggle_child as protocol
from agents import nursery, sandbox, workspace
from agents.base import Failure
from agents.nursery import HarnessError, Nursery
from agents.process import describe_exit

_START_S = 20.0
_QUICK_S = 0.05
_SLICE_S = 0.25
_STALL_S = 0.02
_OUTPUT_KEPT = 10_000
_SCRATCH_MB = 64
_SCRATCH_ENTRIES = 2_000
_READS = 64
_FULL = 0.8
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / (1 << 20)


class Order(NamedTuple):
    """What a child is to run, and what it may use."""

    file: str
    """Absolute path of the file."""
    folder: str
    """Absolute path of the folder that it lies in."""
    readable: tuple[str, ...]
    """Absolute paths of all that belongs to it."""
    listed: tuple[str, ...]
    """Absolute paths of folders of which it may list the names."""
    memory_mb: int
    """Most address space; megabytes."""


class Answer(NamedTuple):
    """What came of a question."""

    reply: bytes
    """The reply, empty after a failure."""
    failure: Failure | None
    """Why there is none; the child is dead then."""
    seconds: float
    """What it took, without the time that was given back."""


class Confined:
    """One child: a process of its own in a sandbox."""

    def __init__(self, order: Order) -> None:
        """Starts the child; it has entered its sandbox when this returns.

        Raises:
            HarnessError: when it cannot be started, which is no fault of the file.
        """
        self.order = order
        self.scratch = tempfile.mkdtemp(dir=workspace.folder(), prefix="scratch-")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        quick = struct.pack("@ll", 0, int(_QUICK_S * 1e6))
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, quick)
        self._socket = ours
        self._output, output = os.pipe()
        os.set_blocking(self._output, False)
        self._tail = b""
        self._paused = False
        order_text = order._asdict() | {
            "readable": [*sandbox.readable(), *order.readable],
            "scratch": self.scratch,
        }
        with theirs, open(output, "wb"):
            self._nursery, self.pid = nursery.fork(order_text, [theirs.fileno(), output])
        self._processor = (~self.pid << 3) | 2  # the kernel's clock of that process
        self._end = weakref.finalize(
            self, _end, self._nursery, self.pid, ours, self._output, self.scratch
        )
        self._poll = select.poll()
        self._poll.register(ours, select.POLLIN)
        self._poll.register(self._output, select.POLLIN)
        self.layers = self._greeting()
        self._shared_mb = self._anonymous_mb()
        self.own_mb = 0.0
        """Memory that it had made its own when it was paused last; megabytes."""

    @property
    def alive(self) -> bool:
        """Gives whether it was not ended; it may still have died by itself."""
        return self._end.alive

    def processor_s(self) -> float:
        """Gives the processor time that it has used; seconds."""
        return time.clock_gettime(self._processor)

    def full(self) -> bool:
        """Gives whether it has used up most of the address space that it may have."""
        return self._pages(0) * _PAGE_MB > _FULL * self.order.memory_mb

    def quiet(self) -> bool:
        """Gives whether it lives and has said nothing that nobody asked for."""
        fd = self._socket.fileno()
        return self.alive and all(found != fd for found, _ in self._poll.poll(0))

    def tell(self, kind: bytes, content: bytes) -> None:
        """Sends what needs no reply; a child that is gone is noticed when it is asked."""
        self.resume()
        with contextlib.suppress(OSError):
            self._socket.send(bytes(protocol.STAMP) + kind + content, socket.MSG_DONTWAIT)

    def ask(self, kind: bytes, content: bytes, deadline: float | None = None) -> Answer:
        """Sends a question and waits for its reply.

        Args:
            kind: of the question.
            content: of the question.
            deadline: on the scale of `time.monotonic()`; None = wait as long as it takes.

        Raises:
            HarnessError: when the child died because its nursery did.
        """
        self.resume()
        stamp = os.urandom(protocol.STAMP)
        wait = _Wait(self, deadline)
        try:
            self._socket.send(stamp + kind + content, socket.MSG_DONTWAIT)
            reply = wait.reply()
        except OSError:
            reply = b""
        seconds = wait.seconds()
        if reply is None:
            return self._failed("timeout", f"no move after {seconds:.2f} s", seconds)
        if not reply:
            return self._failed("crash", "", seconds)
        if reply[: protocol.STAMP] != stamp or len(reply) == protocol.STAMP:
            return self._failed("crash", "it sent what is no answer to the question", seconds)
        if len(reply) > protocol.LARGEST:
            return self._failed("crash", f"a reply over {protocol.LARGEST} bytes", seconds)
        return Answer(reply[protocol.STAMP :], None, seconds)

    def pause(self) -> None:
        """Stops it, threads and all, until it is told or asked something."""
        if self.alive and not self._paused:
            self._paused = True
            os.kill(self.pid, signal.SIGSTOP)
            self.own_mb = self._anonymous_mb() - self._shared_mb

    def resume(self) -> None:
        """Lets it run again."""
        if self.alive and self._paused:
            self._paused = False
            os.kill(self.pid, signal.SIGCONT)

    def tail(self) -> str:
        """Gives the last 10 kB that it has printed."""
        self.drain()
        return self._tail.decode(errors="replace").strip()

    def drain(self) -> None:
        """Takes what it has printed out of the pipe."""
        with contextlib.suppress(BlockingIOError):
            for _ in range(_READS):  # it may print faster than anybody reads
                part = os.read(self._output, protocol.LARGEST)
                self._tail = (self._tail + part)[-_OUTPUT_KEPT:]
                if not part:
                    return

    def kill(self) -> str:
        """Ends it at once; gives how it ended, and what it printed last, in words."""
        if not self._end.detach():
            return ""
        status = self._nursery.end(self.pid)
        tail = self.tail()
        _clear(self._socket, self._output, self.scratch)
        return f"{describe_exit(status)}\n{tail}".strip()

    def _failed(self, reason: str, words: str, seconds: float) -> Answer:
        """Ends it and gives the blame."""
        if wrote := _overfull(self.scratch):
            reason, words = "crash", wrote
        ended = self.kill()
        if words:  # it was alive: how we ended it says nothing
            ended = ended.partition("\n")[2]
        return Answer(b"", Failure(reason, f"{words}\n{ended}".strip()), seconds)

    def _anonymous_mb(self) -> float:
        """Gives its memory that is no file's; megabytes."""
        return (self._pages(1) - self._pages(2)) * _PAGE_MB

    def _pages(self, place: int) -> int:
        """Gives a number of `/proc/<pid>/statm`: 0 the address space, 1 in memory, 2 of files.

        Source: https://docs.kernel.org/filesystems/proc.html; 0 when it is gone.
        """
        try:
            return int(Path(f"/proc/{self.pid}/statm").read_text().split()[place])
        except OSError:
            return 0

    def _greeting(self) -> tuple[str, ...]:
        wait = _Wait(self, time.monotonic() + _START_S)
        reply = wait.reply() or b"no sign of life"
        if reply[:1] != protocol.READY:
            words = f"{reply.decode(errors='replace')}\n{self.kill()}".strip()
            raise HarnessError(f"a confined process did not start: {words}")
        return tuple(json.loads(reply[1:]))


class _Wait:
    """One wait for a reply, its clock, and the time that it gives back."""

    def __init__(self, child: Confined, deadline: float | None) -> None:
        self._child = child
        self._began = time.monotonic()
        self._deadline = deadline
        self._allowed = None if deadline is None else deadline - self._began
        self._stalled = 0.0
        self._ended = self._began

    def seconds(self) -> float:
        """Gives what the wait took, without what was given back."""
        return max(0.0, self._ended - self._began - self._stalled)

    def reply(self) -> bytes | None:
        """Gives the next packet, empty when the child is gone, None when it is late."""
        fd = self._child._socket.fileno()
        if self._allowed is None or self._allowed > 2 * _QUICK_S:
            with contextlib.suppress(BlockingIOError):
                packet = os.read(fd, protocol.LARGEST + protocol.STAMP + 1)
                self._clock(self._began, _QUICK_S)
                return packet
            self._clock(self._began, _QUICK_S)
        checked = self._ended
        while True:
            before = self._ended
            patience = self._patience()
            if patience <= 0:
                return None
            ready = self._child._poll.poll(patience * 1e3)
            self._clock(before, patience)
            for found, _ in ready:
                if found == fd:
                    return self._child._socket.recv(protocol.LARGEST + protocol.STAMP + 1)
                self._child.drain()
            if self._ended - checked > _SLICE_S:
                checked = self._ended
                if _overfull(self._child.scratch):
                    return b""

    def _clock(self, before: float, patience: float) -> None:
        """Takes the time; what this side came later than it meant to is given back."""
        self._ended = time.monotonic()
        late = self._ended - before - patience
        if late > _STALL_S:
            self._stalled += late

    def _patience(self) -> float:
        """Gives the seconds to wait on."""
        if self._allowed is None:
            return _SLICE_S
        return min(self._allowed - self.seconds(), _SLICE_S)


def _overfull(folder: str) -> str | None:
    """Gives in words what is too much in a scratch folder."""
    size = entries = 0
    for place, _, files in os.walk(folder):
        entries += 1 + len(files)
        for name in files:
            with contextlib.suppress(OSError):
                size += os.lstat(os.path.join(place, name)).st_blocks * 512
        if entries > _SCRATCH_ENTRIES:
            return f"over {_SCRATCH_ENTRIES} files in its scratch folder"
    return f"over {_SCRATCH_MB} MB in its scratch folder" if size > _SCRATCH_MB << 20 else None


def _end(nursery: Nursery, pid: int, sock: socket.socket, output: int, scratch: str) -> None:
    """Ends a child that nobody holds any longer."""
    with contextlib.suppress(HarnessError):
        nursery.end(pid)
    _clear(sock, output, scratch)


def _clear(sock: socket.socket, output: int, scratch: str) -> None:
    sock.close()
    os.close(output)
    shutil.rmtree(scratch, ignore_errors=True)
