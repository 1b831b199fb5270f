"""How the C library holds memory."""

from __future__ import annotations

import ctypes
from functools import cache

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_HELD = (
    (_MMAP_THRESHOLD, 32 << 20),
    (_TRIM_THRESHOLD, 2**31 - 1),
    (_TOP_PAD, 64 << 20),
)


@cache
def hold() -> None:
    """Lets the process keep memory that it frees, since networks ask for the same again and again.

    Where there is no glibc, nothing happens.
    Source: https://man7.org/linux/man-pages/man3/mallopt.3.html.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return
    for name, value in _HELD:
        mallopt(name, value)
