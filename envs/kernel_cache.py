"""Where compiled kernels are kept: a folder for each state of the sources.

Numba notices a change in the file of a kernel, not in the files of the kernels that it calls, and
would go on with the old ones. So the folder's name is a hash of all sources that hold kernels: any
change compiles anew, and the kernels of an older state stay where that state finds them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import time
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_PACKAGES = ("agents", "arena", "envs", "muzero")
_KEPT_S = 14 * 24 * 3600


def enable() -> None:
    """Points Numba to the folder of this state; does nothing where a user has chosen one."""
    if "NUMBA_CACHE_DIR" in os.environ:
        return
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "arena" / "kernels"
    folder = home / fingerprint()
    try:
        if folder.is_dir():
            os.utime(folder)
        else:
            folder.mkdir(parents=True)
            _forget_old(home, folder)
    except OSError:  # a home that cannot be written: Numba finds a place of its own
        return
    os.environ["NUMBA_CACHE_DIR"] = str(folder)
    if "numba" in sys.modules:
        sys.modules["numba"].config.CACHE_DIR = str(folder)


def fingerprint() -> str:
    """Gives a hash of every source file that holds kernels."""
    digest = hashlib.sha256()
    for package in _PACKAGES:
        for path in sorted((_ROOT / package).rglob("*.py")):
            text = path.read_bytes()
            if b"njit" in text:
                digest.update(text)
    return digest.hexdigest()[:16]


def _forget_old(home: Path, newest: Path) -> None:
    """Removes states that nobody has used for two weeks."""
    for folder in home.iterdir():
        if folder != newest and time.time() - folder.stat().st_mtime > _KEPT_S:
            shutil.rmtree(folder, ignore_errors=True)
