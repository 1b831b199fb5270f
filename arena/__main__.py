"""The way in: an interrupt ends the process at once until a command is loaded.

Until then there is nothing to lose, and an exception raised within somebody's import could end in
anything.
"""

from __future__ import annotations

import os
import signal
from types import FrameType


def main() -> None:
    """Runs `arena`."""
    signal.signal(signal.SIGINT, _leave)
    from arena import cli

    cli.main()


def _leave(number: int, frame: FrameType | None) -> None:
    os.write(2, b"arena: interrupted\n")
    os._exit(130)


if __name__ == "__main__":
    main()
