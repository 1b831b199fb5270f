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
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from agents import checkpoint
from agents.checkpoint import CheckpointError
from arena import runs
from arena.records import Records, RecordsError, take_lock
from arena.store import FolderStore
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
    return [*_records(run), *_checkpoints(run), *_temporary(run)]


def _records(run: Path) -> Iterator[Damage]:
    file = run / runs.RECORDS
    if not file.exists():
        return
    try:
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        with Records.read(run) as records:
            for _ in records.episodes():
                pass
    except (sqlite3.Error, RecordsError) as error:
        verdict = str(error)
    if verdict != "ok":
        plan = f"save what can be read to a new {file.name}, keep this one as {file.name}.damaged"
        yield Damage(f"{file}: {verdict.splitlines()[0]}", plan, partial(_rescue, run))


def _rescue(run: Path) -> str:
    file, part = run / runs.RECORDS, run / "repair.part"
    shutil.rmtree(part, ignore_errors=True)
    Records.write(part).close()
    with contextlib.closing(sqlite3.connect(file)) as old:
        old.execute("PRAGMA writable_schema = ON")  # reads what a cut file still holds
        tables = {name: _saved(old, name, "id") for name in ("agent", "env")}
        episodes = {n: row for n, row in _saved(old, "episode", "number").items() if _sound(row)}
        chunks = _chunks(old)
    whole = _whole(episodes, chunks)
    kept = {n: row for n, row in episodes.items() if row[1] is None or n in whole}
    with contextlib.closing(sqlite3.connect(part / runs.RECORDS)) as new, new:
        for name, rows in {**tables, "episode": kept}.items():
            for row in rows.values():
                new.execute(f"INSERT INTO {name} VALUES ({', '.join('?' * len(row))})", row)
        done = {whole[number] for number in kept if number in whole}
        new.executemany("INSERT INTO chunk VALUES (?, ?, ?, ?)", [chunks[key] for key in done])
    for suffix in ("", "-wal", "-shm"):
        if (old_file := Path(f"{file}{suffix}")).exists():
            old_file.replace(f"{file}.damaged{suffix}")
    (part / runs.RECORDS).replace(file)
    shutil.rmtree(part)
    lost = max(episodes, default=0) - len(kept)
    return f"{len(kept):,} episodes saved, {lost:,} or more lost or to be played again"


def _saved(old: sqlite3.Connection, table: str, key: str) -> Rows:
    """Gives the rows of a table that can be read, looked for one by one."""
    found: Rows = {}
    misses = 0
    for number in itertools.count(1):
        try:
            row = old.execute(f"SELECT * FROM {table} WHERE {key} = ?", (number,)).fetchone()
        except sqlite3.Error:
            row = None
        misses = 0 if row else misses + 1
        if row:
            found[number] = row
        if misses >= _MISSES_BORNE:
            return found
    return found


def _sound(row: tuple[Any, ...]) -> bool:
    """Gives whether what an episode returned can be read."""
    try:
        return all(isinstance(value, float | int) for value in json.loads(row[9]))
    except (ValueError, TypeError):
        return False


def _chunks(old: sqlite3.Connection) -> dict[tuple[str, int], tuple[Any, ...]]:
    try:
        return {(row[0], row[1]): row for row in old.execute("SELECT * FROM chunk")}
    except sqlite3.Error:
        return {}


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


def _set_aside(folder: Path, aside: Path) -> str:
    shutil.rmtree(aside, ignore_errors=True)
    folder.replace(aside)
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
