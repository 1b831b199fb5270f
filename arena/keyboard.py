"""Keys as they are pressed, without waiting for a line."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import termios
import tty
from collections.abc import Iterator

_NAMES = {
    "\x1b[A": "up",
    "\x1b[B": "down",
    "\x1b[C": "right",
    "\x1b[D": "left",
    "\x1b[H": "home",
    "\x1b[F": "end",
    "\x1bOA": "up",
    "\x1bOB": "down",
    "\x1bOC": "right",
    "\x1bOD": "left",
    "\x1bOH": "home",
    "\x1bOF": "end",
    "\x1b[1~": "home",
    "\x1b[4~": "end",
    "\x1b[7~": "home",
    "\x1b[8~": "end",
    "\x1b": "escape",
    " ": "space",
}
"""What terminals send for a key, and the key's name; any other character is its own name."""
_LONGEST = 4


@contextlib.contextmanager
def pressed_at_once() -> Iterator[None]:
    """Lets keys be read as they are pressed and not be shown; puts the terminal back at the end."""
    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def wait(seconds: float) -> list[str]:
    """Gives the keys that have been pressed, at once or after at most so many seconds.

    Where the input has ended it gives `q`.
    """
    ready, _, _ = select.select([sys.stdin], [], [], max(seconds, 0.0))
    if not ready:
        return []
    data = os.read(sys.stdin.fileno(), 1024)
    return names(data.decode(errors="replace")) if data else ["q"]


def names(text: str) -> list[str]:
    """Gives the names of the keys that sent a text; a sequence of no known key is left out."""
    found = []
    while text:
        sizes = range(min(_LONGEST, len(text)), 0, -1)
        size = next((size for size in sizes if text[:size] in _NAMES), 0)
        unknown = text.startswith(("\x1b[", "\x1bO")) and size < 2
        if unknown:
            text = text[2:].lstrip("0123456789;")[1:]
            continue
        found.append(_NAMES[text[:size]] if size else text[0])
        text = text[max(size, 1) :]
    return found
