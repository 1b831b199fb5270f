"""TensorBoard with the Arena tab, in this process: the way in of `arena watch`."""

from __future__ import annotations

import logging
import socket
import threading
from pathlib import Path
from typing import Any

from tensorboard import default, program  # type: ignore[import-untyped]
from tensorboard.plugins import base_plugin  # type: ignore[import-untyped]

from arena.board.plugin import ArenaPlugin

HOST = "127.0.0.1"


class PortError(OSError):
    """A port that nobody can listen at."""


class _Loader(base_plugin.TBLoader):  # type: ignore[misc]
    """Loads the tab, shows it even while there is no game, and reads ahead."""

    def load(self, context: Any) -> ArenaPlugin:
        plugin = ArenaPlugin(context, waits=True)
        threading.Thread(target=plugin.read_ahead, daemon=True).start()
        return plugin


def start(folder: Path, port: int) -> str:
    """Starts TensorBoard for a folder of runs, for this machine alone; gives its address.

    Args:
        folder: whose runs are shown.
        port: to listen at; another one is taken where it is in use.

    Raises:
        PortError: when there is none.
    """
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    others = [p for p in default.get_dynamic_plugins() if p is not ArenaPlugin]
    board = program.TensorBoard(plugins=[_Loader(), *default.get_static_plugins(), *others])
    board.configure(
        argv=("tensorboard",),
        logdir=str(folder),
        host=HOST,
        port=port if _free(port) else 0,
        load_fast="false",
        reload_interval=5.0,
    )
    try:
        return str(board.launch())
    except program.TensorBoardServerException as error:
        raise PortError(f"TensorBoard does not start: {error.msg}") from error


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
