"""The runs that TensorBoard was pointed at, opened for reading alone."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from arena import runs
from arena.record_rows import FORMAT, READABLE
from arena.records import Records, RecordsError


class MissingError(LookupError):
    """A run or an episode that is not there; the answer is 404."""


class Shelf:
    """A folder of runs, or one run."""

    def __init__(self, logdir: Path) -> None:
        """Looks at nothing yet: what is there is asked anew each time."""
        self._logdir = logdir

    @property
    def alone(self) -> bool:
        """Gives whether the folder is one run."""
        return (self._logdir / runs.RECORDS).exists()

    @property
    def root(self) -> Path:
        """Gives the folder that the runs are in."""
        return self._logdir.absolute().parent if self.alone else self._logdir

    def names(self) -> list[str]:
        """Gives the names of the runs that have records, the newest first."""
        return [self._logdir.absolute().name] if self.alone else runs.names(self._logdir)

    def run(self, name: str) -> Path:
        """Gives the folder of a run.

        Raises:
            MissingError: when there is no such run here, whatever the name is made of.
        """
        if name not in self.names():
            raise MissingError(f"no run '{name}' in {self._logdir}; reload the page for those left")
        return self.root / name


@contextlib.contextmanager
def reading(run: Path) -> Iterator[sqlite3.Connection]:
    """Gives a connection to the records of a run, which may be written by somebody meanwhile.

    A folder that cannot be written lets SQLite share no memory with a writer; there can be none,
    so the file is read as it stands.

    Raises:
        RecordsError: when they are damaged or of another version.
    """
    path = run / runs.RECORDS
    try:
        connection = _connected(path)
        try:
            yield connection
        finally:
            connection.close()
    except (sqlite3.Error, OSError) as error:
        raise RecordsError(f"{path}: {error}") from error


def records(run: Path, connection: sqlite3.Connection) -> Records:
    """Gives the records behind a connection."""
    return Records(run / runs.RECORDS, connection)


def mark(run: Path) -> str:
    """Gives a text that changes when the records or the checkpoints of a run do; cheap."""
    parts = [_stamp(run / runs.RECORDS), _stamp(run / f"{runs.RECORDS}-wal")]
    return "-".join([*parts, _stamp(run / "checkpoints")])


def _stamp(file: Path) -> str:
    try:
        about = file.stat()
    except OSError:
        return "0"
    return f"{about.st_mtime_ns:x}.{about.st_size:x}"


def _connected(path: Path) -> sqlite3.Connection:
    try:
        return _open(path, "mode=ro")
    except sqlite3.OperationalError:
        return _open(path, "mode=ro&immutable=1")


def _open(path: Path, how: str) -> sqlite3.Connection:
    quoted = path.absolute().as_uri()
    connection = sqlite3.connect(f"{quoted}?{how}", uri=True, isolation_level=None)
    try:
        connection.execute("PRAGMA writable_schema = ON")  # reads what a cut file still holds
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        connection.execute("SELECT 1 FROM episode LIMIT 1").fetchone()
    except BaseException:
        connection.close()
        raise
    if version not in READABLE:
        connection.close()
        raise RecordsError(f"{path}: records of format {version}, this arena reads {FORMAT}")
    return connection
