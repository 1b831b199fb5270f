"""What is damaged in a run, and how it is mended: nothing is deleted that could still be read.

Damaged records are kept as `records.sqlite.damaged` beside a new file with what could be saved. Of
a tournament that are the chunks before the first one with a loss; those from there on are played
again by `--resume`, with the same result.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from agents import checkpoint
from agents.checkpoint import CheckpointError
from agents.disk import DiskError
from arena import committed, record_rows, runs
from arena.committed import CountError
from arena.record_rows import FORMAT, DamagedRowError
from arena.records import Records, RecordsError
from arena.run_lock import take_lock
from arena.store import FolderStore
from configs.loader import ConfigError
from envs import seeding

_MISSES_BORNE = 10_000
_OBJECTS = "objects"

Rows = dict[int, tuple[Any, ...]]
"""Rows of a table by their first column."""


class Damage(NamedTuple):
    """Something that is not as it was written."""

    what: str
    """The file, and what is wrong with it."""
    plan: str
    """What mending it will do."""
    mend: Callable[[], str]
    """Does it; gives what was saved and lost."""


@contextlib.contextmanager
def locked(run: Path) -> Iterator[None]:
    """Keeps other writers out of a run.

    Raises:
        RunBusyError: when there is one.
    """
    lock = take_lock(run)
    try:
        yield
    finally:
        os.close(lock)


def find(run: Path) -> list[Damage]:
    """Gives what is damaged in a run; changes nothing."""
    return [*_config(run), *_records(run), *_checkpoints(run), *_temporary(run)]


def _config(run: Path) -> Iterator[Damage]:
    file = run / runs.CONFIG
    try:
        runs.config(run)
    except (DiskError, ConfigError) as error:
        aside = file.with_name(f"{file.name}.damaged")
        plan = f"set it aside as {aside.name}; the same command with --resume writes it anew"
        yield Damage(str(error).partition("; `arena")[0], plan, partial(_set_aside, file, aside))


def _records(run: Path) -> Iterator[Damage]:
    file = run / runs.RECORDS
    if not file.exists():
        return
    verdict, version = _verdict(run)
    if verdict:
        plan = f"save what can be read to a new {file.name}, keep this one as {file.name}.damaged"
        yield Damage(f"{file}: {verdict}", plan, partial(_rescue, run))
    elif version == 1:
        what = f"{file}: format 1, in which a flipped bit can go unnoticed"
        yield Damage(what, "add a checksum to every row", partial(_upgrade, run))
    else:
        yield from _counted(run)


def _verdict(run: Path) -> tuple[str, int]:
    """Gives what is wrong with the records of a run, empty for nothing, and their format."""
    file, version = run / runs.RECORDS, 0
    try:
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            if verdict != "ok":
                return str(verdict).splitlines()[-1], version
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            with contextlib.closing(Records(file, connection)) as records:
                return records.verdict() or "", version
    except (sqlite3.Error, RecordsError, UnicodeDecodeError) as error:
        return str(error).removeprefix(f"{file}: ").partition("; `arena doctor")[0], version


def _counted(run: Path) -> Iterator[Damage]:
    try:
        committed.read(run)
    except CountError as error:
        file = run / committed.FILE
        yield Damage(f"{file}: {error}", "count anew", partial(_recount, run))


def _recount(run: Path) -> str:
    (run / committed.FILE).unlink(missing_ok=True)
    _open(run)
    return "counted"


def _upgrade(run: Path) -> str:
    _open(run)
    return "done"


def _open(run: Path) -> None:
    """Lets the records be opened for writing, by the process that has the lock already."""
    Records.write(run, locked=True).close()


def _rescue(run: Path) -> str:
    file, part = run / runs.RECORDS, run / "repair.part"
    shutil.rmtree(part, ignore_errors=True)
    Records.write(part).close()
    with contextlib.closing(sqlite3.connect(file)) as old:
        old.execute("PRAGMA writable_schema = ON")  # reads what a cut file still holds
        version = _version(old)
        tables = {table: _saved(old, table, version) for table in ("agent", "env", "episode")}
        chunks = _chunks(old, version)
    episodes = {n: row for n, row in tables["episode"].items() if _named(row, tables)}
    whole = _whole(episodes, chunks)
    kept = {n: row for n, row in episodes.items() if row[1] is None or n in whole}
    with contextlib.closing(sqlite3.connect(part / runs.RECORDS)) as new, new:
        for table in ("agent", "env"):
            _insert(new, table, tables[table].values())
        _insert(new, "episode", kept.values())
        _insert(new, "chunk", [chunks[key] for key in {whole[n] for n in kept if n in whole}])
    for suffix in ("", "-wal", "-shm"):
        if (old_file := Path(f"{file}{suffix}")).exists():
            old_file.replace(f"{file}.damaged{suffix}")
    (part / runs.RECORDS).replace(file)
    shutil.rmtree(part)
    lost = max(_expected(run), max(episodes, default=0)) - len(kept)
    _recount(run)
    return f"{len(kept):,} episodes saved, {lost:,} or more lost or to be played again"


def _version(old: sqlite3.Connection) -> int:
    """Gives the format of damaged records; what else is not 1 is taken for the newest."""
    try:
        found = old.execute("PRAGMA user_version").fetchone()[0]
    except (sqlite3.Error, UnicodeDecodeError):
        found = FORMAT
    return 1 if found == 1 else FORMAT


def _expected(run: Path) -> int:
    try:
        counted = committed.read(run)
    except CountError:
        counted = None
    return counted.episodes if counted else 0


def _saved(old: sqlite3.Connection, table: str, version: int) -> Rows:
    """Gives the sound rows of a table, looked for one by one, with what they thought at the end."""
    found: Rows = {}
    misses = 0
    key, more = ("number", ", search") if table == "episode" else ("id", "")
    query = f"SELECT {record_rows.columns(table, version)}{more} FROM {table} WHERE {key} = ?"
    for number in itertools.count(1):
        try:
            row = old.execute(query, (number,)).fetchone()
        except (sqlite3.Error, UnicodeDecodeError):
            row = None
        misses = 0 if row else misses + 1
        if row and (sound := _sound(table, row, version)):
            found[number] = sound
        if misses >= _MISSES_BORNE:
            return found
    return found


def _sound(table: str, row: tuple[Any, ...], version: int) -> tuple[Any, ...] | None:
    """Gives the values of a row without its checksum, None of a damaged one.

    A game that belongs to no chunk outlives its thoughts.
    """
    try:
        if table != "episode":
            return record_rows.checked(row, version)
        values, search = record_rows.checked(row[:-1], version), row[-1]
        json.loads(values[9])
    except (DamagedRowError, ValueError, TypeError):
        return None
    check = record_rows.search_crc(search)
    if version == 1 or check == values[-1]:
        return (*values[:-1], check, search)
    return (*values[:-1], None, None) if values[1] is None else None


def _named(row: tuple[Any, ...], tables: dict[str, Rows]) -> bool:
    """Gives whether the env and the agents of an episode are known."""
    agents = [number for number in row[6:8] if number is not None]
    return row[3] in tables["env"] and all(number in tables["agent"] for number in agents)


def _insert(new: sqlite3.Connection, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    names = record_rows.COVERED[table] + (", search" if table == "episode" else "") + ", crc"
    marks = ", ".join("?" * len(names.split(", ")))
    for row in rows:
        covered = row[:-1] if table == "episode" else row
        values = (*row, record_rows.crc(*covered))
        new.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", values)


def _chunks(old: sqlite3.Connection, version: int) -> dict[tuple[str, int], tuple[Any, ...]]:
    """Gives the sound rows of chunks that can be reached, by config and number."""
    found: dict[tuple[str, int], tuple[Any, ...]] = {}
    try:
        for row in old.execute(f"SELECT {record_rows.columns('chunk', version)} FROM chunk"):
            if sound := _sound("chunk", row, version):
                found[sound[0], sound[1]] = sound
    except (sqlite3.Error, UnicodeDecodeError):
        pass
    return found


def _whole(
    episodes: Rows, chunks: dict[tuple[str, int], tuple[Any, ...]]
) -> dict[int, tuple[str, int]]:
    """Gives the chunk of each episode that is in one before the first with a loss.

    A chunk reaches from the slot that begins it to the one that begins the next.
    """
    by_slot = {row[1]: number for number, row in reversed(episodes.items())}
    found: dict[int, tuple[str, int]] = {}
    for config in {key[0] for key in chunks}:
        for chunk in itertools.count():
            begin, end = (by_slot.get(seeding.derive(config, n, 0)) for n in (chunk, chunk + 1))
            if begin is None or end is None or (config, chunk) not in chunks:
                break
            if any(number not in episodes for number in range(begin, end)):
                break
            found |= dict.fromkeys(range(begin, end), (config, chunk))
    return found


def _checkpoints(run: Path) -> Iterator[Damage]:
    store = FolderStore(run / _OBJECTS)
    for step in checkpoint.steps(run):
        folder = checkpoint.at(run, step)
        try:
            about = checkpoint.manifest(folder)
            for name in about.parts:
                checkpoint.read(folder, name)
            for name in about.objects:
                store.get(name)
        except (CheckpointError, OSError) as error:
            aside = folder.with_name(f"{folder.name}.damaged")
            plan = f"set it aside as {aside.name}; training goes on from the one before"
            yield Damage(str(error), plan, partial(_set_aside, folder, aside))


def _set_aside(path: Path, aside: Path) -> str:
    if aside.is_dir():
        shutil.rmtree(aside)
    path.replace(aside)
    return f"set aside as {aside}"


def _temporary(run: Path) -> Iterator[Damage]:
    half = [*run.glob("*.part"), *(run / checkpoint.FOLDER).glob("*.part")]
    half += (run / checkpoint.FOLDER).glob("*/*.part")
    half += [path for path in (run / _OBJECTS).glob("*.*") if path.suffix[1:].isdigit()]
    for path in half:
        yield Damage(
            f"{path}: half written, by a process that is gone", "remove it", partial(_remove, path)
        )


def _remove(path: Path) -> str:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    return "removed"
