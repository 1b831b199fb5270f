"""Landlock: the kernel's list of what a process may read and write, for unprivileged users.

What no rule names is denied: files, TCP, abstract sockets and signals to other processes, as far
as the kernel's version goes. Called from a process that is about to run foreign code, so it imports
little. Source: https://docs.kernel.org/userspace-api/landlock.html.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable

_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446
_VERSION_FLAG = 1
_PATH_BENEATH = 1

_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
_REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_FILE = 1 << 4, 1 << 5, 1 << 7, 1 << 8
_TRUNCATE = 1 << 14
_FILE_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
"""Every right on files that a version knows, by the first version that knows them."""
_TCP = 0b11
_SCOPED = 0b11
_READ = _READ_FILE | _READ_DIR
_WRITE = _READ | _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_FILE | _TRUNCATE
_OF_FILES = _READ_FILE | _WRITE_FILE | _TRUNCATE


def version() -> int:
    """Gives the version of the kernel's Landlock, 0 where it has none or it is off."""
    return max(0, int(_syscall(_CREATE, None, 0, _VERSION_FLAG)))


def restrict(readable: Iterable[str], writable: Iterable[str], listed: Iterable[str] = ()) -> None:
    """Denies this process, for ever, all that the lists do not name.

    Args:
        readable: files, and folders with all beneath; those that do not exist are left out.
        writable: the same, to be read and written.
        listed: folders of which, and beneath which, names may be listed.

    Raises:
        OSError: when the kernel refuses; `no_new_privs` must be set before.
    """
    known = version()
    rights = _FILE_RIGHTS[max(first for first in _FILE_RIGHTS if first <= max(known, 1))]
    attributes = struct.pack(
        "<QQQ", rights, _TCP if known >= 4 else 0, _SCOPED if known >= 6 else 0
    )
    size = 24 if known >= 6 else 16 if known >= 4 else 8
    ruleset = _checked(_syscall(_CREATE, attributes, size, 0), "landlock_create_ruleset")
    for path in readable:
        _allow(ruleset, path, _READ & rights)
    for path in writable:
        _allow(ruleset, path, _WRITE & rights)
    for path in listed:
        _allow(ruleset, path, _READ_DIR & rights)
    _checked(_syscall(_RESTRICT, ruleset, 0), "landlock_restrict_self")
    os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not os.path.isdir(path):
            rights &= _OF_FILES
        rule = struct.pack("<Qi", rights, beneath)
        _checked(_syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0), f"rule for {path}")
    finally:
        os.close(beneath)


def _syscall(*arguments: int | bytes | None) -> int:
    words = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return int(_LIBC.syscall(*words))


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.syscall.restype = ctypes.c_long
