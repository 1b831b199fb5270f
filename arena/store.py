"""Immutable objects, in a folder or in memory, named by the hash of what they hold."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from agents import disk
from agents.disk import DiskError


@dataclass(frozen=True)
class FolderStore:
    """Objects in a folder; can be pickled and used by any process of the machine."""

    folder: Path

    def put(self, data: bytes) -> str:
        """Keeps `data`; gives its name.

        Raises:
            DiskError: when the disk refuses.
        """
        name = hashlib.sha256(data).hexdigest()
        file = self.folder / name
        if not file.exists():
            part = file.with_suffix(f".{os.getpid()}")
            try:
                with disk.named(file):
                    self.folder.mkdir(parents=True, exist_ok=True)
                    part.write_bytes(data)
                    part.replace(file)
            except DiskError:
                with contextlib.suppress(OSError):
                    part.unlink(missing_ok=True)
                raise
        return name

    def get(self, name: str) -> bytes:
        """Gives what `put` kept.

        Raises:
            FileNotFoundError: when it is not there.
            DiskError: when it is not what was put there.
        """
        data = (self.folder / name).read_bytes()
        if hashlib.sha256(data).hexdigest() != name:
            text = f"{self.folder / name} is damaged: its contents do not match its name"
            raise DiskError(errno.EIO, text)
        return data

    def sync(self, names: Iterable[str]) -> None:
        """Waits until the disk has some objects.

        Raises:
            DiskError: when it says that it cannot.
        """
        for name in names:
            disk.sync(self.folder / name)

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
        """Keeps `data`; gives its name.

        Raises:
            DiskError: when the disk refuses.
        """
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
