"""The temporary folder of this process, and the end of those that dead processes left."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_PREFIX = "arena-"
_folders: dict[int, str] = {}


def folder() -> str:
    """Gives the folder of this process; others may pass through it, but not list it."""
    process = os.getpid()
    if process not in _folders:
        sweep()
        made = tempfile.mkdtemp(prefix=f"{_PREFIX}{process}-")
        os.chmod(made, 0o711)
        atexit.register(_remove, process, made)
        _folders[process] = made
    return _folders[process]


def _remove(process: int, made: str) -> None:
    if process == os.getpid():
        shutil.rmtree(made, ignore_errors=True)


def sweep() -> None:
    """Removes what killed processes of this user left behind."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        process = path.name.split("-")[1]
        if not process.isdigit() or os.path.exists(f"/proc/{process}"):
            continue
        try:
            mine = path.lstat().st_uid == os.geteuid()
        except OSError:
            continue
        if mine and path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
