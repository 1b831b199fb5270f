"""The only door to `kaggle_environments`: its Connect X, agents and forms of data.

Kaggle numbers the players by mark = seat + 1 and lists the board row by row from the top. Nothing
is imported before an official thing is asked for. Axes: `A` actions = columns.
"""

from __future__ import annotations

import contextlib
import io
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.base import Array, EnvSpec

Agent = Callable[[Any, Any], int]

_GUEST = "kaggle_environments"
_SETTINGS = {
    "episodeSteps": 1000,
    "actTimeout": 2,
    "runTimeout": 1200,
    "agentTimeout": 60,
    "timeout": 2,
}
_BANK_S = 60


class UnknownBuiltinError(ValueError):
    """A name that no agent inside the interpreter has."""


class Struct(dict[str, Any]):
    """A dict whose keys are attributes too, as agents on Kaggle expect."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value


def configuration(spec: EnvSpec) -> Struct:
    """Gives what Kaggle tells agents of a Connect X environment; times in seconds."""
    return Struct(_SETTINGS, **spec.options)


def observation(seen: Array, seat: int) -> Struct:
    """Gives what Kaggle shows the player to move, its whole bank of time left.

    Args:
        seen: `uint8[2, rows, columns]`, the mover's discs first, top row first.
        seat: of the player to move.
    """
    marks = seen[0] * (seat + 1) + seen[1] * (2 - seat)
    return Struct(
        board=marks.ravel().tolist(),
        mark=int(seat) + 1,
        step=int(np.count_nonzero(marks)),
        remainingOverageTime=_BANK_S,
    )


def seen(observation: Any, spec: EnvSpec) -> NDArray[np.uint8]:
    """Gives `uint8[2, rows, columns]`, the discs of `mark` first, of a Kaggle observation."""
    board = np.array(observation["board"]).reshape(spec.observation_shape[1:])
    mark = observation["mark"]
    return np.stack([board == mark, board == 3 - mark]).astype(np.uint8)


def make_connectx(columns: int = 7, rows: int = 6, inarow: int = 4) -> Any:
    """Gives an official environment, `reset` and ready for `step([column, None])`."""
    options = {"columns": columns, "rows": rows, "inarow": inarow}
    return _official().make("connectx", configuration=options)


def load_agent(path: str) -> Agent:
    """Gives the agent of a file as Kaggle makes it: its text is executed at the first call."""
    _official()
    agent, _ = import_module(f"{_GUEST}.agent").build_agent(path, {}, "connectx")
    return agent  # type: ignore[no-any-return]


def run(agents: list[Agent], settings: Mapping[str, Any]) -> Any:
    """Gives the official environment after a game under its own clock; whatever is raised passes.

    Args:
        agents: by seat; callables, or names of the interpreter's own.
        settings: what differs from the defaults of Connect X.
    """
    env = _official().make("connectx", configuration=dict(settings))
    env.run(list(agents))
    return env


def builtin_agent(name: str) -> Agent:
    """Gives the interpreter's own `random` or `negamax`; both draw from Python's `random`.

    Raises:
        UnknownBuiltinError: when there is no such agent.
    """
    agents = _official().environments["connectx"]["agents"]
    if name not in agents:
        near = get_close_matches(name, agents, 1)
        hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(agents)}"
        raise UnknownBuiltinError(f"unknown agent '{name}' of Kaggle's Connect X; {hint}")
    agent: Agent = agents[name]
    return agent


class Referee:
    """The official interpreter alone: exact rules without the environment's slow checks."""

    def __init__(self, columns: int = 7, rows: int = 6, inarow: int = 4) -> None:
        """Begins a game."""
        self._interpreter = _official().environments["connectx"]["interpreter"]
        size = Struct(columns=columns, rows=rows, inarow=inarow)
        self._env = Struct(configuration=size, done=False)
        self.board = [0] * (columns * rows)
        """Marks, row by row from the top, 0 where empty."""
        self._state = [
            Struct(status=status, reward=0, observation=Struct(board=self.board, mark=mark))
            for mark, status in ((1, "ACTIVE"), (2, "INACTIVE"))
        ]

    def copy(self) -> Referee:
        """Gives the same game, to be played on apart."""
        return deepcopy(self)

    @property
    def rewards(self) -> list[int]:
        """Gives the rewards by seat."""
        return [one.reward for one in self._state]

    @property
    def statuses(self) -> list[str]:
        """Gives `ACTIVE`, `INACTIVE`, `DONE` or what was wrong, by seat."""
        return [one.status for one in self._state]

    def step(self, column: int) -> None:
        """Plays for the player to move."""
        for one in self._state:
            one.action = column if one.status == "ACTIVE" else 0
        self._interpreter(self._state, self._env)


@cache
def _official() -> Any:
    with _sealed():
        return import_module(_GUEST)


@contextlib.contextmanager
def _sealed() -> Iterator[None]:
    """Keeps an import quiet, and its folders and its `agents` out of the way of ours."""
    path, ours = list(sys.path), sys.modules.get("agents")
    noise = io.StringIO()
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(noise),
            contextlib.redirect_stderr(noise),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        sys.path[:] = path
        sys.modules.pop("agents", None)
        if ours is not None:
            sys.modules["agents"] = ours
