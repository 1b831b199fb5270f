"""A player in a bundle, as Kaggle calls it: one position in, one column out, always in time.

`arena submit` packs this file with the player that it names. The player thinks in a thread, so that
a move comes by its deadline whatever the player does: `agents.last_resort` answers where it fails
or is late, and says so on stderr. The first move of a game is known: it does not wait for the
player to be ready, the second does. Axes: `A` actions = columns.
"""

from __future__ import annotations

import json
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from agents import last_resort
from agents.base import Clock, Decisions, Player
from agents.pace import Pace
from envs.base import EnvSpec, TimeStep
from envs.connectx.env import connectx_spec
from envs.connectx.rules import geometry

ABOUT = "bundle.json"
"""What is in a bundle, for people and for this file."""
WEIGHTS = "weights.safetensors"
SIGN = "the last resort plays"
"""What stderr says where the player did not decide."""

EARLY = "the opening is known, and the player is not ready yet"
"""What stderr says of a first move that nobody waited for: the compilation goes on meanwhile."""


class Moment(NamedTuple):
    """A position as Kaggle shows it."""

    board: tuple[int, ...]
    """Marks, row by row from the top."""
    mark: int
    """Of the player to move: 1 moves first, 2 second."""
    size: tuple[int, int, int]
    """Columns, rows, how many in a row win."""
    act_s: float
    """What each move has; seconds."""
    bank_s: float
    """What the game has on top."""


def moment(observation: Any, configuration: Any) -> Moment:
    """Gives what a player must know of Kaggle's two arguments."""
    size = tuple(int(configuration[name]) for name in ("columns", "rows", "inarow"))
    bank = observation.get("remainingOverageTime")
    return Moment(
        tuple(observation["board"]),
        int(observation["mark"]),
        (size[0], size[1], size[2]),
        float(configuration.get("actTimeout", 2)),
        60.0 if bank is None else float(bank),
    )


def load(folder: Path) -> Bundled:
    """Gives the player that a folder holds; its modules are imported here, none later."""
    about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    module, _, name = about["player"].partition(":")
    build = getattr(import_module(module), name)
    arguments = [about["agent"], (folder / WEIGHTS).read_bytes()] if about["weights"] else []
    return Bundled(build(*arguments, **about["options"]))


class Bundled:
    """A player that answers in time."""

    def __init__(self, player: Player) -> None:
        """Wraps a player; nothing is compiled yet."""
        self._player = player
        self._thread = _Thread()
        self._board: tuple[int, ...] | None = None
        self._size = (0, 0, 0)
        self._spec: EnvSpec | None = None
        self._ready = False
        self._pace = Pace()

    @property
    def busy(self) -> bool:
        """True while the player still works on an old move."""
        return self._thread.busy

    def column(self, observation: Any, configuration: Any) -> int:
        """Gives a legal column for the position, a plain `int`."""
        began = time.monotonic()
        now = moment(observation, configuration)
        if new := not self._follows(now):
            self._ready, self._pace = False, Pace()
        self._board, self._size = now.board, now.size
        begins = not self._ready
        known = last_resort.opening(list(now.board), now.size) if begins else None
        bank_s = now.bank_s if known is None else 0.0
        limits = (self._pace.first if begins else self._pace.next)(now.act_s, bank_s)
        due = began + limits.think_s

        def decide() -> int:
            return self._decide(now, begins, Clock(due))

        found = self._thread.ask(decide, began + limits.wait_s)
        note = self._pace.note_first if begins else self._pace.note
        note(limits, time.monotonic() - began)
        if isinstance(found, int):
            if found in range(now.size[0]) and now.board[found] == 0:
                return found
            found = f"it chose column {found}, which is illegal"
        if known is not None and found is None:
            sys.stderr.write(f"{EARLY}\n")
            return known
        what = "a new game" if new else "a move"
        sys.stderr.write(f"{SIGN}: {found or 'no answer in time'} ({what})\n")
        return last_resort.column(list(now.board), now.mark, now.size)

    def _follows(self, now: Moment) -> bool:
        """Says whether a position comes two moves after the last one that was asked."""
        if self._board is None or now.size != self._size or len(now.board) != len(self._board):
            return False
        changes = [b for a, b in zip(self._board, now.board, strict=True) if a != b]
        kept = all(a in (0, b) for a, b in zip(self._board, now.board, strict=True))
        return kept and sorted(changes) == [1, 2]

    def _decide(self, now: Moment, begins: bool, clock: Clock) -> int:
        """Gives the player's column; runs in the thread."""
        if self._spec is None or self._spec.options != _options(now):
            self._spec = connectx_spec(geometry(*now.size))
        if begins:
            self._player.reset(self._spec, np.array([now.mark - 1]), np.zeros(1, np.int64))
            late = clock.deadline - time.monotonic() < now.act_s / 2
            clock = Clock(time.monotonic() + now.act_s / 2) if late else clock
            clock = Clock(min(clock.deadline, time.monotonic() + now.act_s))
        decisions = self._player.act(np.zeros(1, np.int64), _step(now), clock)
        self._ready = True
        return _action(decisions)


def _options(now: Moment) -> Mapping[str, int]:
    return dict(zip(("columns", "rows", "inarow"), now.size, strict=True))


def _step(now: Moment) -> TimeStep:
    """Gives a position as players see it, a batch of one."""
    columns, rows, _ = now.size
    board = np.array(now.board).reshape(rows, columns)
    seen = np.stack([board == now.mark, board == 3 - now.mark])[None].astype(np.uint8)
    no = np.zeros(1, np.bool_)
    return TimeStep(seen, board[None, 0] == 0, np.array([now.mark - 1]), np.zeros((1, 2)), no, no)


def _action(decisions: Decisions) -> int:
    """Gives the column of one row.

    Raises:
        RuntimeError: when the player gave none.
    """
    if decisions.failure and decisions.failure[0]:
        raise RuntimeError(f"{decisions.failure[0].reason}: {decisions.failure[0].detail}")
    return int(decisions.action[0])


class _Thread:
    """Answers questions, each in a thread of its own; one that is late is not waited for.

    No thread is left when all is answered: a process that plays many games does not fill up.
    """

    def __init__(self) -> None:
        self._wake = threading.Condition()
        self._busy = False
        self._answer: int | str | None = None

    @property
    def busy(self) -> bool:
        """True while a question is not answered."""
        return self._busy

    def ask(self, job: Callable[[], int], due: float) -> int | str | None:
        """Gives the answer, or in words what was raised; None when neither came in time."""
        with self._wake:
            if not self._idle(due):
                return None
            self._answer, self._busy = None, True
            try:
                threading.Thread(target=self._work, args=(job,), daemon=True).start()
            except (RuntimeError, MemoryError) as error:
                self._busy = False
                return f"no thread for it could be started: {error}"
            return self._answer if self._idle(due) else None

    def _idle(self, due: float) -> bool:
        """Waits until nothing is to be answered; says whether that came in time."""
        return self._wake.wait_for(lambda: not self._busy, due - time.monotonic())

    def _work(self, job: Callable[[], int]) -> None:
        answer: int | str = "its thread ended without an answer"
        try:
            answer = job()
        except Exception:
            answer = traceback.format_exc(limit=-3)
        finally:
            with self._wake:
                self._answer, self._busy = answer, False
                self._wake.notify_all()
