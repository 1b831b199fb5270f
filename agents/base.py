"""The contract of every player. Axes: `B` rows of a chunk, `R` rows that are to move, `A` actions.

A player decides for many episodes at once. Rows do not influence each other: the same row alone
gets the same action.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from envs.base import EnvSpec, TimeStep


class AgentError(ValueError):
    """A name or an option that no player can be made from: a user's mistake."""


class Failure(NamedTuple):
    """Why a player gave no action for a row; the episode is lost for it."""

    reason: str
    """One of `illegal`, `error`, `crash`, `timeout`, `memory`."""
    detail: str = ""
    """What happened, such as the last lines of a traceback."""


class Clock(NamedTuple):
    """The deadline of one `act`: past it the rows are lost. It is never a strength."""

    deadline: float
    """On the scale of `time.monotonic()`, seconds."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """What a player decides for `R` rows, and what it thought; all seen by the player to move."""

    action: NDArray[Any]
    """`int[R]`."""
    value: NDArray[Any] | None = None
    """`float[R]`, expected return of the rest of the episode; nan = none."""
    policy: NDArray[Any] | None = None
    """`float[R, A]`, probabilities."""
    visits: NDArray[Any] | None = None
    """`int[R, A]`, simulations that went through each action at the root."""
    q: NDArray[Any] | None = None
    """`float[R, A]`, expected return after each action; nan = unknown."""
    line: Sequence[Sequence[int]] | None = None
    """`R` sequences: the play expected next, the own action first."""
    failure: Sequence[Failure | None] | None = None
    """`R` entries, None where an action was found; None as a whole when all were."""


@runtime_checkable
class Player(Protocol):
    """One participant. Strength lives in its options alone, parsed from the AGENT text."""

    max_batch: int | None
    """Most rows a chunk may have; None = any number; 1 for players that keep one game's state."""
    digest: str | None
    """SHA-256 of the weights or of the file it plays from, None where there is neither."""

    def reset(self, spec: EnvSpec, seats: NDArray[np.int64], seeds: NDArray[np.int64]) -> None:
        """Prepares `B` new episodes, once a chunk.

        Args:
            spec: the environment of all rows.
            seats: `int64[B]`, where the player sits in each row.
            seeds: `int64[B]`, one for each row; equal seeds give equal play.

        Raises:
            AgentError: when the player cannot play this environment.
        """
        ...

    def act(
        self, rows: NDArray[np.int64], steps: TimeStep, clock: Clock | None = None
    ) -> Decisions:
        """Decides for the rows that are to move.

        Args:
            rows: `int64[R]`, indices into the rows of `reset`.
            steps: the moments of those rows, leading axis `R`.
            clock: when the answer is due; None = no limit.

        An exception loses all `R` rows; a `Failure` in the decisions loses one.
        """
        ...
