"""Players from files, as written for Kaggle: `path/to/main.py` and `path/to/submission.tar.gz`.

A player keeps a confined process; its file is executed anew for each episode. It plays one game at
a time. A fault costs the process, and the next episode gets a fresh one. Nothing of the file is
run before its first move. Axes: `A` actions = columns.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import time
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents import archive, pool, sandbox
from agents import kaggle_child as protocol
from agents.base import AgentError, Clock, Decisions, Failure
from agents.confined import Answer, Confined, Order
from envs import kaggle
from envs.base import EnvSpec, TimeStep

_ENDINGS = (".py", ".tar.gz", ".tgz")
_MAINS = ("main.py", "submission.py")
_LEAST_MB, _MOST_MB = 64, 1 << 20
_SECRETS = ("kaggle.json",)


class FilePlayer:
    """Plays by the rules by which Kaggle calls an agent, in a process that can do no harm."""

    max_batch: int | None = 1

    def __init__(self, path: str, *, memory_mb: int = 1024) -> None:
        """Checks what can be checked without running anything.

        Args:
            path: of a Python file or of an archive that holds a `main.py`.
            memory_mb: most address space of its process; megabytes.

        Raises:
            AgentError: when the file is missing, unsafe, or must not run on this system.
        """
        if not _LEAST_MB <= memory_mb <= _MOST_MB:
            raise AgentError(
                f"memory_mb={memory_mb} for {path}; choose one in {_LEAST_MB}..{_MOST_MB}"
            )
        if why := sandbox.refusal():
            raise AgentError(f"cannot run '{path}': {why}")
        self.digest: str | None
        self.digest, self._order = _opened(Path(path), memory_mb)
        self.time_control: Any = None
        """What the match plays by, set before `reset`; `move_s` and `bank_s` are told to the
        file."""
        self.charged_s = 0.0
        """What the last `act` is charged: seconds, less those when the machine stood still."""
        self._child: Confined | None = None
        self._seat = 0
        self._begin = b""

    @property
    def layers(self) -> tuple[str, ...]:
        """Gives the layers that contain it."""
        return sandbox.layers()

    def reset(self, spec: EnvSpec, seats: NDArray[np.int64], seeds: NDArray[np.int64]) -> None:
        """Prepares a new episode; the file is executed at its first move, on its clock.

        Raises:
            AgentError: when the env is not Connect X.
        """
        if not spec.id.startswith("connectx"):
            raise AgentError(f"files written for Kaggle play connectx, not {spec.id}")
        configuration = dict(kaggle.configuration(spec))
        if self.time_control and self.time_control.move_s:
            move, bank = self.time_control.move_s, self.time_control.bank_s
            configuration |= {"actTimeout": move, "timeout": move, "agentTimeout": bank}
        self._seat, self._spec = int(seats[0]), spec
        self._begin = json.dumps([configuration, int(seeds[0])]).encode()
        self._act_s = float(configuration["actTimeout"])

    def act(
        self, rows: NDArray[np.int64], steps: TimeStep, clock: Clock | None = None
    ) -> Decisions:
        """Asks the file for the one row; comes back by the deadline."""
        came = time.monotonic()
        child = self._fresh() if self._begin else self._child
        if child is None or not child.alive:
            raise RuntimeError("the player has lost its process; call reset first")
        began = time.monotonic()
        deadline = clock.deadline + began - came if clock else None
        answer = child.ask(protocol.MOVE, self._moment(steps, deadline, began), deadline)
        self.charged_s = answer.seconds
        action, failure = _judged(answer, steps.action_mask[0])
        if failure and failure.reason != "illegal":
            failure = self._end(child, failure)
        return Decisions(np.array([action]), failure=[failure] if failure else None)

    def rest(self) -> None:
        """Gives its process to rest, so that it takes nothing from the games of others."""
        if self._child and self._child.alive:
            pool.give(self._key, self._child)
        self._child = None

    @property
    def _key(self) -> tuple[str | None, Order]:
        return self.digest, self._order

    def _fresh(self) -> Confined:
        """Gives a process that has been told of the new episode."""
        self.rest()
        child = self._child = pool.take(self._key) or Confined(self._order)
        child.tell(protocol.EPISODE, self._begin)
        self._begin = b""
        return child

    def stop(self) -> None:
        """Ends its process; the next episode gets another."""
        if self._child:
            self._child.kill()
            self._child = None

    def _end(self, child: Confined, failure: Failure) -> Failure:
        """Ends the process after a fault; adds what it printed to the detail."""
        printed = child.tail() if child.alive else ""
        self.stop()
        return failure._replace(detail=f"{failure.detail}\n{printed}".strip())

    def _moment(self, steps: TimeStep, deadline: float | None, now: float) -> bytes:
        """Gives what the file is shown."""
        own, other = steps.observation[0]
        board = own * np.uint8(self._seat + 1) + other * np.uint8(2 - self._seat)
        bank = 60.0 if deadline is None else max(0.0, deadline - now - self._act_s)
        step = int(np.count_nonzero(board))
        told: bytes = board.tobytes()
        return protocol.MOMENT.pack(self._seat + 1, step, bank) + told


def find(head: str) -> tuple[str, Any] | None:
    """Gives the name and the maker of the player that a path stands for, None for other names.

    The name is the path as given, normalised; relative where it lies under the current folder.

    Raises:
        AgentError: when there is no such file.
    """
    if not head.lower().endswith(_ENDINGS):
        return None
    name = os.path.normpath(head)
    if os.path.isabs(name) and Path(name).is_relative_to(here := Path.cwd()):
        name = str(Path(name).relative_to(here))
    if not os.path.isfile(name):
        folder = os.path.dirname(name) or "."
        names = os.listdir(folder) if os.path.isdir(folder) else []
        near = get_close_matches(os.path.basename(name), names, 1)
        hint = f"; did you mean '{os.path.join(os.path.dirname(name), near[0])}'?" if near else ""
        raise AgentError(f"no file '{name}' here{hint or '; give a path from the current folder'}")
    return name, functools.partial(FilePlayer, name)


def _opened(path: Path, memory_mb: int) -> tuple[str, Order]:
    """Gives the SHA-256 of a file or archive, and the order to run it."""
    if not path.name.lower().endswith(".py"):
        digest, folder = archive.unpack(path)
        for name in _MAINS:
            if os.path.isfile(main := os.path.join(folder, name)):
                return digest, Order(main, folder, (folder,), (), memory_mb)
        raise AgentError(f"'{path}' has no main.py at its root; pack the file, not its folder")
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise AgentError(f"cannot read '{path}': {error.strerror}; check its rights") from error
    return digest, order(str(path.resolve()), memory_mb)


def order(file: str, memory_mb: int) -> Order:
    """Gives the order to run a file: it may read what lies in its folder.

    Without hidden things, secrets and links; and a home folder is no folder of an agent.
    """
    folder = os.path.dirname(file)
    home = os.path.realpath(os.path.expanduser("~"))
    if home == folder or home.startswith(folder.rstrip("/") + "/"):
        return Order(file, folder, (file,), (), memory_mb)
    entries = list(os.scandir(folder))
    plain = [
        entry.path
        for entry in entries
        if not (entry.name.startswith(".") or entry.name in _SECRETS or entry.is_symlink())
    ]
    readable = (folder,) if len(plain) == len(entries) else tuple(plain)
    return Order(file, folder, readable, (folder,), memory_mb)


def _judged(answer: Answer, mask: NDArray[np.bool_]) -> tuple[int, Failure | None]:
    """Gives the column of an answer, or why it has none; None is column 0, as on Kaggle."""
    if answer.failure:
        return 0, answer.failure
    kind, content = answer.reply[:1], answer.reply[1:]
    words = content.decode(errors="replace")
    if kind == protocol.RAISED:
        return 0, Failure("error", words)
    if kind == protocol.MEMORY:
        return 0, Failure("memory", words)
    if kind == protocol.NONE:
        kind, content, words = protocol.COLUMN, b"0", "None, which is column 0"
    if kind == protocol.COLUMN and content.lstrip(b"-").isdigit() and len(content) < 9:
        column = int(content)
        if 0 <= column < len(mask) and mask[column]:
            return column, None
    if kind not in (protocol.COLUMN, protocol.OTHER):
        return 0, Failure("crash", "it sent what is no answer to the question")
    return 0, Failure("illegal", f"it returned {words}; legal were {np.flatnonzero(mask).tolist()}")
