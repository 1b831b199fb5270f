"""An interrupt that is heard in any case.

A KeyboardInterrupt can be raised where it is swallowed, such as within a finaliser or in Ray's own
code, which also keeps the main thread while it waits for a server.
"""

from __future__ import annotations

import os
import signal
import threading
import time

_GRACE_S = 1.2
_EXIT_INTERRUPTED = 130


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
