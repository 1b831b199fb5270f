"""Immutable objects, in a folder or in memory, named by the hash of what they hold."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class FolderStore:
    """Objects in a folder; can be pickled and used by any process of the machine."""

    folder: Path

    def put(self, data: bytes) -> str:
        """Keeps `data`; gives its name."""
        name = hashlib.sha256(data).hexdigest()
        file = self.folder / name
        if not file.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            part = file.with_suffix(f".{os.getpid()}")
            part.write_bytes(data)
            part.replace(file)
        return name

    def get(self, name: str) -> bytes:
        """Gives what `put` kept.

        Raises:
            OSError: when it is not there, or not what was put there.
        """
        data = (self.folder / name).read_bytes()
        if hashlib.sha256(data).hexdigest() != name:
            raise OSError(f"{self.folder / name} is damaged: its contents do not match its name")
        return data

    def sync(self, names: Iterable[str]) -> None:
        """Waits until the disk has some objects."""
        for name in names:
            handle = os.open(self.folder / name, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def prune(self, keep: Iterable[str]) -> None:
        """Forgets all objects but some."""
        kept = set(keep)
        for file in self.folder.glob("*"):
            if file.name not in kept:
                with contextlib.suppress(FileNotFoundError):
                    file.unlink()


@dataclass(frozen=True)
class MemoryStore:
    """Objects in memory, such as those that came with a job."""

    objects: dict[str, bytes] = field(default_factory=dict)

    def put(self, data: bytes) -> str:
        """Keeps `data`; gives its name."""
        name = hashlib.sha256(data).hexdigest()
        self.objects[name] = data
        return name

    def get(self, name: str) -> bytes:
        """Gives what is kept under a name.

        Raises:
            OSError: when it is not there.
        """
        if name not in self.objects:
            raise OSError(f"no object {name} came with the job")
        return self.objects[name]
