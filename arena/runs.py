"""Runs: one folder each, with its resolved config and its records."""

from __future__ import annotations

import errno
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agents import disk
from agents.disk import DiskError
from configs import loader

CONFIG = "config.toml"
RECORDS = "records.sqlite"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class RunError(ValueError):
    """A run name that cannot be used, or a run that is not there."""


def path(root: Path, name: str) -> Path:
    """Gives the folder of a run.

    Raises:
        RunError: when the name could not be a folder's.
    """
    if not _NAME.fullmatch(name):
        raise RunError(f"run name '{name}': use letters, digits, '.', '_' and '-', at most 100")
    return root / name


def names(root: Path) -> list[str]:
    """Gives the names of all runs that have records, the newest first."""
    folders = [p.parent for p in root.glob(f"*/{RECORDS}")] if root.is_dir() else []
    return [p.name for p in sorted(folders, key=_age, reverse=True)]


def existing(root: Path, name: str) -> Path:
    """Gives the folder of a run that has records.

    Raises:
        RunError: when there is none, with the nearest name.
    """
    known = names(root)
    if name not in known:
        hint = loader.closest(name, known)
        raise RunError(f"no run '{name}' in {root}{hint} (`arena tournament` makes one)")
    return root / name


def free_name(root: Path, kind: str) -> str:
    """Gives `kind-1`, `kind-2`...: the first that is not in use."""
    number = 1
    while (root / f"{kind}-{number}").exists():
        number += 1
    return f"{kind}-{number}"


def config(run: Path) -> dict[str, Any]:
    """Gives the resolved config that a run was started with, empty where it has none.

    Raises:
        DiskError: when it is not as it was written.
    """
    file = run / CONFIG
    if not file.exists():
        return {}
    head, _, text = file.read_bytes().partition(b"\n")
    sound = head == _head(text) if head[:1] in (b"#", b"") else True  # older ones have no checksum
    if not (sound and text):
        raise DiskError(
            errno.EIO,
            f"{file} is damaged: its checksum is not that of its contents; "
            f"`arena doctor --repair {run.name} --dir {run.parent}` says what to do",
        )
    return loader.read(file)


def _head(text: bytes) -> bytes:
    """Gives the first line of a config, the checksum of the others."""
    return b"# sha256 " + hashlib.sha256(text).hexdigest().encode()


def settle(run: Path, command: str, tree: Mapping[str, Any], resume: bool) -> None:
    """Stores the resolved config of a new run, or checks it against that of the one to go on with.

    Raises:
        RunError: when the run exists and `resume` is false, or when its config is another one.
    """
    wanted = {"command": command, command: dict(tree)}
    stored = config(run)
    if not stored:
        with disk.named(run):
            run.mkdir(parents=True, exist_ok=True)
        text = loader.to_toml(wanted).encode()
        disk.replace(run / CONFIG, _head(text) + b"\n" + text)
        return
    if not resume:
        raise RunError(
            f"run '{run.name}' exists in {run.parent}; --resume goes on with it, "
            "--name NAME starts another"
        )
    changes = loader.difference(stored, wanted)
    if changes:
        raise RunError(
            f"run '{run.name}' was started with another config ({'; '.join(changes)}); "
            "resume it unchanged, or start another with --name"
        )


def _age(run: Path) -> float:
    file = run / CONFIG
    return file.stat().st_mtime if file.exists() else (run / RECORDS).stat().st_mtime
