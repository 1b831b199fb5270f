"""The `main.py` of every bundle: an agent of the arena, packed by `arena submit` for Connect X.

Kaggle executes this text without `__file__`, takes the callable that is bound last, and calls it
once a move. The modules of the bundle are visible while they work and at no other time, so that
bundles of different ages can play in one process.
"""

from __future__ import annotations

import json
import os
import stat
import sys
import tempfile
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

FOLDER = os.path.dirname(os.path.abspath(sys._getframe().f_code.co_filename))
with open(os.path.join(FOLDER, "bundle.json"), encoding="utf-8") as _file:
    ABOUT: dict[str, Any] = json.load(_file)


def _kernel_folder() -> str | None:
    """Gives a folder of this user alone for compiled kernels; None where nothing can be written."""
    try:
        folder = os.path.join(tempfile.gettempdir(), f"arena-kernels-{os.getuid()}")
        os.makedirs(folder, mode=0o700, exist_ok=True)
        found = os.lstat(folder)
        mine = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
        if not mine or found.st_mode & 0o022 or not os.access(folder, os.W_OK):
            folder = tempfile.mkdtemp(prefix="arena-kernels-")
        return os.path.join(folder, ABOUT["digest"][:16])
    except OSError:
        return None


def _prepare_numba() -> None:
    """Keeps compiled kernels in a temporary folder, or nowhere."""
    if "NUMBA_CACHE_DIR" not in os.environ and (folder := _kernel_folder()):
        os.environ["NUMBA_CACHE_DIR"] = folder
    os.environ.setdefault("NUMBA_NUM_THREADS", "1")
    os.environ["ARENA_BUNDLE"] = "1"  # see `muzero.jit`
    if ABOUT["light"]:  # half the time to compile, and the same speed for kernels of networks
        os.environ.setdefault("NUMBA_OPT", "1")
    if "NUMBA_CACHE_DIR" in os.environ:
        return
    os.environ["NUMBA_CACHE_DIR"] = os.path.join(FOLDER, "kernels")
    from numba.core.dispatcher import Dispatcher

    setattr(Dispatcher, "enable_caching", lambda self: None)  # noqa: B010


def _kept() -> Any:
    """Gives what stays of an equal bundle that this process has loaded already, or a new place.

    A harness may execute this text once a game: its modules, and what they have compiled, stay.
    """
    return sys.modules.setdefault(f"_bundle_{ABOUT['digest']}", ModuleType("bundle"))


class _Ours:
    """The modules of this folder, seen by `import` while inside."""

    def __init__(self) -> None:
        self._kept = _kept()
        self._others: dict[str, ModuleType] | None = None

    def enter(self) -> None:
        if self._others is None:
            self._others = self._taken()
            sys.modules.update(getattr(self._kept, "modules", {}))
            sys.path.insert(0, FOLDER)

    def leave(self) -> None:
        if self._others is not None:
            self._kept.modules = self._taken()
            sys.modules.update(self._others)
            sys.path.remove(FOLDER)
            self._others = None

    @staticmethod
    def _taken() -> dict[str, ModuleType]:
        """Takes all modules of our names out of sight; gives them."""
        own = set(ABOUT["modules"])
        names = [name for name in sys.modules if name.partition(".")[0] in own]
        return {name: sys.modules.pop(name) for name in names}


_ours = _Ours()
_ours.enter()
_player = None
try:
    from agents import last_resort

    _prepare_numba()
    from agents import bundled

    _player = bundled.load(Path(FOLDER))
except Exception:
    sys.stderr.write(f"the last resort plays: {traceback.format_exc()}")
_ours.leave()


def agent(observation: Any, configuration: Any) -> int:
    """Gives a column."""
    size = (configuration["columns"], configuration["rows"], configuration["inarow"])
    if _player is None:
        return last_resort.column(list(observation["board"]), observation["mark"], size)
    _ours.enter()
    try:
        return _player.column(observation, configuration)
    except Exception:
        sys.stderr.write(f"the last resort plays: {traceback.format_exc()}")
        return last_resort.column(list(observation["board"]), observation["mark"], size)
    finally:
        if not _player.busy:
            _ours.leave()
