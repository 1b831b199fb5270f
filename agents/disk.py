"""Files that appear whole or not at all, and errors that say which file and what is safe."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

SAFE = "what was saved before is safe, `--resume` goes on from there"


class DiskError(OSError):
    """A file that cannot be written, or is not as it was written: the text names it."""

    def __init__(self, number: int, text: str) -> None:
        """Takes the number of the error and the line for people."""
        super().__init__(number, text)
        self._text = text

    def __str__(self) -> str:
        """Gives the line for people."""
        return self._text


@contextlib.contextmanager
def named(path: Path) -> Iterator[None]:
    """Turns an error of the disk into one that names the path.

    Raises:
        DiskError: in place of any other OSError.
    """
    try:
        yield
    except DiskError:
        raise
    except OSError as error:
        text = f"{path}: {error.strerror or error}; {SAFE}"
        raise DiskError(error.errno or errno.EIO, text) from error


def save(file: Path, data: bytes) -> None:
    """Writes a file and waits until the disk has it.

    Raises:
        DiskError: when it cannot be written.
    """
    with named(file), file.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def replace(file: Path, data: bytes) -> None:
    """Puts a file in place of the one that may be there, at once.

    Raises:
        DiskError: when it cannot be written; the one that is there stays.
    """
    part = file.with_name(f"{file.name}.part")
    try:
        save(part, data)
        with named(file):
            part.replace(file)
    except DiskError:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    sync(file.parent)


def sync(path: Path) -> None:
    """Waits until the disk has a file, or the names in a folder.

    Raises:
        DiskError: when it says that it cannot.
    """
    with named(path):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
