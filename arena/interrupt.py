"""An interrupt that is heard in any case.

A KeyboardInterrupt can be raised where it is swallowed, such as within a finaliser or in Ray's own
code, which also keeps the main thread while it waits for a server.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from types import FrameType

_GRACE_S = 1.2
_EXIT_INTERRUPTED = 130
_heard = threading.Event()


def stop(number: int, frame: FrameType | None) -> None:
    """Handles SIGINT from when a command is loaded.

    Raises:
        KeyboardInterrupt: always.
    """
    _heard.set()
    raise KeyboardInterrupt


def heard() -> bool:
    """Gives whether `stop` was called: what fails afterwards may be what came of it.

    Some libraries turn any exception into one of theirs, such as numpy's "multiarray failed to
    import" in a module written in C.
    """
    return _heard.is_set()


def insist() -> None:
    """Ends this process a moment after SIGINT, should it still be there.

    For commands, whose main thread is the caller: what they have committed is safe at any moment.
    """
    heard, written = os.pipe()
    os.set_blocking(written, False)
    signal.set_wakeup_fd(written, warn_on_full_buffer=False)
    threading.Thread(target=_listen, args=(heard,), daemon=True).start()


def _listen(heard: int) -> None:
    while number := os.read(heard, 1):
        if number[0] == signal.SIGINT:
            time.sleep(_GRACE_S)
            os.write(2, b"arena: interrupted\n")
            os._exit(_EXIT_INTERRUPTED)
