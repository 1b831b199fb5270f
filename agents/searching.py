"""What players that search with a network share. Axes: `R` rows to move, `A` actions.

Each row is searched by a call of its own, or by one that always has as many rows, so that it gets
the same moves in any batch.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.base import AgentError, Clock, Decisions
from envs.base import EnvSpec
from muzero import weights
from muzero.gumbel import GumbelConfig
from muzero.search import SearchResult

_MOST = 100_000
_MARGIN_S = 0.05
_VALUE_SCALE = 0.3
"""Of the search: sharper than in training, where it is to keep many moves alive."""

_RANGE_FLOOR = 0.1
"""Smallest range of values that counts, where their bounds are not known."""


class Made(NamedTuple):
    """What a player is made of."""

    name: str
    """What people call it."""
    network: weights.Network
    simulations: int
    """Of each move."""
    seconds: float | None
    """Of each move, in place of a number of simulations."""
    max_batch: int | None
    """As in `Player`: those who play by time think of one row alone."""
    digest: str
    """SHA-256 of the file of its network."""

    def check_env(self, spec: EnvSpec) -> None:
        """Refuses environments that the network was not trained for.

        Raises:
            AgentError: when it was trained for another one.
        """
        if spec.id != self.network.env:
            raise AgentError(
                f"{self.name} plays {self.network.env} only, not {spec.id!r}; choose another player"
            )


def make(name: str, data: bytes, simulations: int, seconds: float | None) -> Made:
    """Gives what a player is made of, from its file and its options.

    Raises:
        AgentError: when an option is out of its range, or the file is damaged or of another
            version.
    """
    if not 1 <= simulations <= _MOST:
        raise AgentError(f"{name} cannot take simulations={simulations}; choose 1 to {_MOST:,}")
    if seconds is not None and seconds <= 0:
        raise AgentError(f"{name} cannot take seconds={seconds:g}; choose more than 0")
    try:
        network = weights.unpack_network(data)
    except weights.CheckpointError as error:
        raise AgentError(f"{name}: {error}") from error
    max_batch = None if seconds is None else 1
    return Made(name, network, simulations, seconds, max_batch, hashlib.sha256(data).hexdigest())


def for_play(simulations: int) -> GumbelConfig:
    """Gives the search that plays for points, without noise."""
    return GumbelConfig(simulations, gumbel_scale=0, value_scale=_VALUE_SCALE)


def alone(simulations: int) -> GumbelConfig:
    """Gives the search that plays games for one, whose values are stretched, without noise."""
    return GumbelConfig(simulations, gumbel_scale=0, range_floor=_RANGE_FLOOR)


def due(seconds: float, clock: Clock | None) -> float:
    """Gives when a search that begins now is to end, on the scale of `time.monotonic()`."""
    end = time.monotonic() + seconds
    return end if clock is None else min(end, clock.deadline - _MARGIN_S)


class Thought(NamedTuple):
    """What a search says of one row, seen by the player to move."""

    action: int
    value: float
    policy: NDArray[np.float32]
    """`float32[A]`."""
    visits: NDArray[np.int64]
    """`int64[A]`."""
    q: NDArray[np.float32]
    """`float32[A]`, nan = unknown."""
    line: list[int]
    """The play expected, `action` first."""


def thought(result: SearchResult, row: int = 0) -> Thought:
    """Gives what a search says of a root, in arrays that its searcher does not overwrite."""
    tree, action = result.tree, int(result.action[row])
    policy = result.action_weights[row].copy()
    if tree.root("proven")[row]:
        policy[:] = np.arange(policy.size) == action
    visits = tree.root("visits")[row].astype(np.int64)
    known = (visits > 0) | (tree.root("ends")[row] > 0)
    q = np.where(known, tree.root("q")[row], np.float32(np.nan))
    value = float(result.value[row])
    return Thought(action, value, policy, visits, q, tree.line(row, action))


def decisions(thoughts: Iterable[Thought]) -> Decisions:
    """Gives what a player decides from what it thinks of `R` rows."""
    action, value, policy, visits, q, line = zip(*thoughts, strict=True)
    return Decisions(
        np.array(action), np.array(value), np.stack(policy), np.stack(visits), np.stack(q), line
    )
