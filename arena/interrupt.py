"""An interrupt that is heard in any case.

Ray's own code can swallow a KeyboardInterrupt, or keep the main thread while it waits for a server.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable

_GRACE_S = 1.2
_EXIT_INTERRUPTED = 130


def insist() -> Callable[[], None]:
    """Ends this process a moment after SIGINT, should it still be there; gives what undoes that.

    For commands, whose main thread is the caller: what they have committed is safe at any moment.
    """
    heard, written = os.pipe()
    os.set_blocking(written, False)
    signal.set_wakeup_fd(written, warn_on_full_buffer=False)
    threading.Thread(target=_listen, args=(heard,), daemon=True).start()

    def undo() -> None:
        signal.set_wakeup_fd(-1)
        os.close(written)

    return undo


def _listen(heard: int) -> None:
    while number := os.read(heard, 1):
        if number[0] == signal.SIGINT:
            time.sleep(_GRACE_S)
            os.write(2, b"arena: interrupted\n")
            os._exit(_EXIT_INTERRUPTED)
    os.close(heard)
