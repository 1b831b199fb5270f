"""How much was committed to the records of a run, said beside them.

SQLite drops the end of a damaged journal without a word, and takes an emptied file for a new one.
The file `records.count` is written after every commit; records that hold less have lost something.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import NamedTuple

from agents import disk

FILE = "records.count"


class CountError(ValueError):
    """A count that is not as it was written."""


class Total(NamedTuple):
    """What there is at least."""

    episodes: int
    chunks: int


def read(run: Path) -> Total | None:
    """Gives what was committed to the records of `run` at least; None where nobody has counted.

    Raises:
        CountError: when the file is damaged.
    """
    for _ in range(3):  # a writer may be in the middle of it
        try:
            data = (run / FILE).read_bytes()
        except FileNotFoundError:
            return None
        counted, _, check = data.rstrip(b"\n").rpartition(b" ")
        if counted and check == b"%08x" % zlib.crc32(counted):
            episodes, chunks = counted.split()
            return Total(int(episodes), int(chunks))
    raise CountError("its checksum is not that of its contents")


def create(run: Path, total: Total) -> int:
    """Gives a handle of the file for `write`; where there is none it appears whole, or not at all.

    Raises:
        DiskError: when it cannot be written.
    """
    file = run / FILE
    if not file.exists():
        disk.replace(file, _line(total))
    return os.open(file, os.O_WRONLY | os.O_CLOEXEC)


def write(handle: int, total: Total) -> None:
    """Says what is committed now, with one write of always the same length."""
    os.pwrite(handle, _line(total), 0)


def _line(total: Total) -> bytes:
    counted = b"%015d %015d" % total
    return b"%s %08x\n" % (counted, zlib.crc32(counted))
