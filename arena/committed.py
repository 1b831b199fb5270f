"""How much was committed to the records of a run, said beside them.

SQLite drops the end of a damaged journal without a word, and takes an emptied file for a new one.
The file `records.count` is written after every commit; records that hold less have lost something.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import NamedTuple

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


def create(run: Path) -> int:
    """Gives a handle of the file for `write`, and makes it where there is none."""
    return os.open(run / FILE, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)


def write(handle: int, total: Total) -> None:
    """Says what is committed now, with one write of always the same length."""
    counted = b"%015d %015d" % total
    os.pwrite(handle, b"%s %08x\n" % (counted, zlib.crc32(counted)), 0)
