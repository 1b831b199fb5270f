"""Archives of strangers, unpacked without surprises."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import tarfile
import zlib
from pathlib import Path
from typing import IO, cast

from agents import workspace
from agents.base import AgentError

_ENTRIES = 200
_BYTES = 500_000_000
_RATIO = 100
_NAME = 255
_PART = 1 << 20
_unpacked: dict[str, str] = {}


class _Budget:
    """A file that may give only so many bytes: what is packed small can be endless."""

    def __init__(self, file: gzip.GzipFile, most: int, refusal: AgentError) -> None:
        self._file = file
        self._left = most
        self._refusal = refusal

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise self._refusal
        return data


def unpack(path: Path) -> tuple[str, str]:
    """Gives the SHA-256 of a `.tar.gz` and the folder that it was unpacked into.

    Nothing is written but plain files and folders inside that folder.

    Raises:
        AgentError: when it cannot be read, or holds what no submission needs: absolute paths,
            `..`, links, devices, over 200 entries, 500 MB or 100 times its own size.
    """
    try:
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise AgentError(f"cannot read '{path}': {error.strerror}; check its rights") from error
    target = os.path.join(workspace.folder(), f"archive-{digest[:16]}")
    if _unpacked.get(digest) != target:
        try:
            _extract(path, target)
        except (AgentError, tarfile.TarError, zlib.error, EOFError, OSError, ValueError) as error:
            shutil.rmtree(target, ignore_errors=True)
            if isinstance(error, AgentError):
                raise
            raise AgentError(f"'{path}' is no readable .tar.gz: {error}; pack it anew") from error
        _unpacked[digest] = target
    return digest, target


def _extract(path: Path, target: str) -> None:
    too_large = AgentError(
        f"'{path}' is too large: over {_ENTRIES} entries, {_BYTES // 10**6} MB or {_RATIO} times "
        "its own size; leave out what the agent does not need"
    )
    most = min(_BYTES, _RATIO * path.stat().st_size)
    with gzip.open(path) as plain:
        budget = _Budget(plain, most, too_large)
        with tarfile.open(fileobj=cast(IO[bytes], budget), mode="r|") as archive:
            for count, member in enumerate(archive, 1):
                _check(path, member)
                if count > _ENTRIES or member.size > most:
                    raise too_large
                place = os.path.join(target, os.path.normpath(member.name))
                folder = place if member.isdir() else os.path.dirname(place)
                os.makedirs(folder, mode=0o755, exist_ok=True)
                if source := archive.extractfile(member):
                    _copy(source, place)


def _check(path: Path, member: tarfile.TarInfo) -> None:
    parts = member.name.split("/")
    wrong = None
    if member.name.startswith("/") or ".." in parts or "\0" in member.name:
        wrong = "leads out of the archive"
    elif not (member.isreg() or member.isdir()) or member.issparse():
        wrong = "is a link or a device"
    elif len(member.name) > _NAME:
        wrong = f"has a name over {_NAME} characters"
    if wrong:
        raise AgentError(
            f"'{path}' holds {member.name[:80]!r}, which {wrong}; pack plain files and folders only"
        )


def _copy(source: IO[bytes], place: str) -> None:
    with open(place, "wb") as file:
        os.fchmod(file.fileno(), 0o644)
        while part := source.read(_PART):
            file.write(part)
