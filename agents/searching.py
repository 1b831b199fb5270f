"""What players that search with a network share. Axes: `R` rows to move, `A` actions.

Each row is searched by a call of its own, so that it gets the same moves in any batch.
"""

from __future__ import annotations

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


def check_effort(name: str, simulations: int, seconds: float | None) -> None:
    """Refuses options out of their range.

    Raises:
        AgentError: when one is.
    """
    if not 1 <= simulations <= _MOST:
        raise AgentError(f"{name} cannot take simulations={simulations}; choose 1 to {_MOST:,}")
    if seconds is not None and seconds <= 0:
        raise AgentError(f"{name} cannot take seconds={seconds:g}; choose more than 0")


def read_network(name: str, data: bytes) -> weights.Network:
    """Gives the network of a player from its file.

    Raises:
        AgentError: when the file is damaged or of another version.
    """
    try:
        found = weights.unpack_network(data)
    except weights.CheckpointError as error:
        raise AgentError(f"{name}: {error}") from error
    if not isinstance(found.about, dict):
        raise AgentError(f"{name}: the file does not say how its network was made; get it again")
    return found


def check_env(name: str, network: weights.Network, spec: EnvSpec) -> None:
    """Refuses environments that a network was not trained for.

    Raises:
        AgentError: when it was trained for another one.
    """
    if spec.id != network.env:
        raise AgentError(f"{name} plays {network.env} only, not {spec.id!r}; choose another player")


def for_play(simulations: int) -> GumbelConfig:
    """Gives the search that plays for points, without noise."""
    return GumbelConfig(simulations, gumbel_scale=0, value_scale=_VALUE_SCALE)


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


def thought(result: SearchResult) -> Thought:
    """Gives what a search of one root says, in arrays that its searcher does not overwrite."""
    tree, action = result.tree, int(result.action[0])
    policy = result.action_weights[0].copy()
    if tree.root("proven")[0]:
        policy[:] = np.arange(policy.size) == action
    visits = tree.root("visits")[0].astype(np.int64)
    known = (visits > 0) | (tree.root("ends")[0] > 0)
    q = np.where(known, tree.root("q")[0], np.float32(np.nan))
    return Thought(action, float(result.value[0]), policy, visits, q, tree.line(0, action))


def decisions(thoughts: Iterable[Thought]) -> Decisions:
    """Gives what a player decides from what it thinks of `R` rows."""
    action, value, policy, visits, q, line = zip(*thoughts, strict=True)
    return Decisions(
        np.array(action), np.array(value), np.stack(policy), np.stack(visits), np.stack(q), line
    )
