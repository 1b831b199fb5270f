"""The contract of every environment. Axes: `B` rows of a batch, `P` players, `A` actions.

A solo game is a game with one player. Sign and end live in `EnvSpec.discount`, so that searches
and targets need no branch for two players: it is -1 for alternating zero-sum play and gamma for
solo play.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Start = Sequence[int] | bytes
"""Where an episode begins: actions played before its first moment, or a saved state."""


class IllegalActionError(ValueError):
    """An action that the mask of the moment does not allow, or one after the end."""


class EnvOptionError(ValueError):
    """Options that no environment can be built from, such as a board that is too large."""


class Rules(NamedTuple):
    """The rules of an environment as njit functions, for searches on true rules.

    A state is `uint64[state_size]`, seen by the player to move. `params` goes first into every
    function: numbers that name the variant of the game.
    """

    params: Any
    """A NamedTuple of numbers."""
    state_size: int
    """Words a state takes."""
    state: Callable[..., Any]
    """`state(params, observation, out)`: writes the state that a player sees."""
    legal: Callable[..., Any]
    """`legal(params, state, out)`: writes `bool[A]`, True = legal; all False after the end."""
    step: Callable[..., Any]
    """`step(params, state, action, out) -> (reward, terminated)`: writes the next state, seen by
    the next mover; the reward is the mover's. `out` may be `state` itself."""
    observe: Callable[..., Any]
    """`observe(params, state, out)`: writes the observation of the player to move."""
    key: Callable[..., Any]
    """`key(params, state) -> uint64`: the same for equal positions and for their mirror images."""


@dataclass(frozen=True)
class EnvSpec:
    """What a player, a search or a trainer must know of an environment before it starts."""

    id: str
    """Canonical id, such as `connectx-5x4x3`; equal ids mean equal rules."""
    options: Mapping[str, int | float | str]
    """Every option with its value, also those that the id leaves out."""
    num_players: int
    """1 (solo) or 2 (alternating, zero-sum)."""
    num_actions: int
    """`A`."""
    observation_shape: tuple[int, ...]
    """Shape of one observation, `uint8`."""
    discount: float
    """-1 for alternating zero-sum play, gamma in (0, 1] for solo play."""
    protocol: str | None = None
    """Stamp of how the game is played and seen, where there are several ways: scores of different
    stamps cannot be compared."""
    value_range: tuple[float, float] | None = None
    """Smallest and largest return of an episode, where known."""
    rules: Rules | None = field(default=None, compare=False, repr=False)
    """The rules for searches, where they can be given."""


@dataclass(frozen=True, slots=True)
class TimeStep:
    """One moment of an episode, or `B` of them with a leading axis on every field.

    The player to move sees `observation` and chooses among `action_mask`. `rewards` belong to the
    action that led here, one for each player.
    """

    observation: Array
    """`uint8[*observation_shape]`, seen by the player to move."""
    action_mask: Array
    """`bool[A]`, True = legal; all False after the end."""
    to_play: Any
    """Seat of the player to move, `int`."""
    rewards: Array
    """`float64[P]`, by seat."""
    terminated: Any
    """`bool`: ended by the rules."""
    truncated: Any
    """`bool`: ended by a limit."""
    info: Mapping[str, Array] = field(default_factory=dict)
    """Name to array, for trainers only."""

    @property
    def last(self) -> Any:
        """True where no action follows."""
        return self.terminated | self.truncated

    def take(self, rows: Array) -> TimeStep:
        """Gives the moments of some rows of a batch, in the order of `rows`, `int[R]`."""
        return TimeStep(
            self.observation[rows],
            self.action_mask[rows],
            self.to_play[rows],
            self.rewards[rows],
            self.terminated[rows],
            self.truncated[rows],
            {name: values[rows] for name, values in self.info.items()},
        )


@runtime_checkable
class Env(Protocol):
    """One episode at a time."""

    spec: EnvSpec

    def reset(self, seed: int, start: Start | None = None) -> TimeStep:
        """Begins an episode and gives its first moment.

        Args:
            seed: in `[0, 2**63)`; equal seeds and actions give equal episodes.
            start: actions played first (they are no part of the episode), or a saved state.

        Raises:
            IllegalActionError: when `start` breaks the rules or ends the game.
        """
        ...

    def step(self, action: int) -> TimeStep:
        """Plays `action` for the player to move and gives the next moment.

        Raises:
            IllegalActionError: when the mask forbids it or the episode is over; nothing changes.
        """
        ...

    def render(self) -> NDArray[np.uint8]:
        """Draws the moment as `uint8[H, W, 3]`."""
        ...

    def digest(self) -> bytes:
        """Gives 8 bytes that are equal for equal states, on any machine."""
        ...


@runtime_checkable
class VectorEnv(Protocol):
    """`B` episodes side by side: arrays in, arrays out.

    It never resets itself. A row that has ended stands still, its rewards 0, until `reset` names
    it; so the last observation of an episode is the true final one. Arrays given belong to the
    caller.
    """

    spec: EnvSpec
    num_rows: int

    def reset(self, rows: Array, seeds: Array, starts: Sequence[Start] | None = None) -> TimeStep:
        """Begins episodes in `rows`, `int[R]`, with `seeds`, `int[R]`; gives all `B` moments.

        Raises:
            IllegalActionError: when a start breaks the rules or ends the game.
        """
        ...

    def step(self, actions: Array) -> TimeStep:
        """Plays `actions`, `int[B]` (ignored where a row has ended); gives all `B` moments.

        Raises:
            IllegalActionError: when a running row's action is illegal; no row changes.
        """
        ...

    def digest(self) -> NDArray[np.uint64]:
        """Gives the digest of every row, `uint64[B]`: those of `Env.digest`, little-endian."""
        ...
