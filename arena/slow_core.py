"""A core made slow: a process that gets only so much of one, whatever it does.

It is stopped as soon as it has used up its share and goes on when that has grown again, so that
what it needs in processor time takes it that much longer, threads and all.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from pathlib import Path
from types import TracebackType

_PERIOD_S = 0.02
_CREDIT_S = 0.05
"""Of processor time that a process may have saved up while it waited."""


class SlowCore:
    """Holds a process to a share of a core while inside."""

    def __init__(self, pid: int, share: float) -> None:
        """Says whom to hold.

        Args:
            pid: of the process, which is this user's own or of a user that this one may signal.
            share: of one core, above 0; 1 and more hold nothing.
        """
        self._pid, self._share = pid, share
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._hold, daemon=True)

    def __enter__(self) -> SlowCore:
        if self._share < 1:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        self._signal(signal.SIGCONT)

    def _hold(self) -> None:
        began, used = time.monotonic(), processor_s(self._pid)
        while not self._over.is_set():
            now, spent = time.monotonic(), processor_s(self._pid) - used
            excess = spent - self._share * (now - began)
            if excess < -_CREDIT_S:  # it waited: what it did not use is not kept
                began += (-_CREDIT_S - excess) / self._share
            if excess > 0:
                self._signal(signal.SIGSTOP)
                self._over.wait(excess / self._share)
                self._signal(signal.SIGCONT)
            self._over.wait(_PERIOD_S)

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(self._pid, number)


def processor_s(pid: int) -> float:
    """Gives the processor time that a process has used, 0 when it is gone; seconds."""
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0.0


def waited_s(pid: int) -> float:
    """Gives how long a process was ready and got no core, by the kernel's account; seconds.

    Source: https://docs.kernel.org/scheduler/sched-stats.html, /proc/<pid>/schedstat.
    """
    total = 0
    with contextlib.suppress(OSError, ValueError, IndexError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[1])
    return total / 1e9
