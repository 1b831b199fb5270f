"""Games of a learner against itself and against others. Axes: `B` rows, `R` rows, `A` actions.

Episodes begin anew by themselves, from random openings, and what is seen is always seen by the side
that the learner moves for. A moment's value and the next one's are related by `discount`: negative
where the other side sees the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from agents import registry as agent_registry
from agents.base import Player
from configs.loader import ConfigError
from envs import registry, seeding
from envs.base import Array, TimeStep, VectorEnv


class Seen(NamedTuple):
    """What the learner sees after a step of `B` rows; ended rows have begun anew."""

    observation: Array
    """`uint8[B, *observation_shape]`."""
    action_mask: Array
    """`bool[B, A]`."""
    reward: NDArray[np.float64]
    """`float64[B]`, of the step, for the side that moved."""
    ended: NDArray[np.bool_]
    """`bool[B]`, where nothing follows for the learner."""
    over: NDArray[np.bool_]
    """`bool[B]`, where the step ended an episode, so that another has begun."""
    returns: NDArray[np.float64]
    """`float64[B]`, of the episode so far, for the learner; against itself for who began."""
    steps: NDArray[np.int64]
    """`int64[B]`, how many the learner has played in the episode, this one included."""


class Play(Protocol):
    """Rows of episodes as a learner goes through them."""

    name: str
    """Whom it meets, empty for itself."""
    rows: int
    discount: float
    """Of the value of the next moment."""

    def begin(self) -> Seen:
        """Begins an episode in every row; rewards are 0."""
        ...

    def step(self, actions: Array) -> Seen:
        """Plays `actions`, `int[B]`, and whatever others play until it is the learner's turn."""
        ...


@dataclass(frozen=True)
class PoolConfig:
    """Whom a learner meets beside itself."""

    agents: tuple[str, ...] = ("random", "one-ply", "negamax:depth=2", "negamax:depth=4")
    """AGENT texts of fixed opponents."""
    agents_share: float = 0.25
    """Share of the rows against them."""
    past_share: float = 0.25
    """Share of the rows against past selves, which are kept at every barrier."""
    past: int = 16
    """Most past selves that are kept, the newest."""
    past_at_once: int = 2
    """Past selves that are met between two barriers."""
    random_plies: int = 12
    """Most random plies that a game begins with, at least 1."""

    def __post_init__(self) -> None:
        """Refuses pools that cannot be.

        Raises:
            ConfigError: when a field is out of its range.
        """
        if not 0 <= self.agents_share + self.past_share <= 1 or self.past_share < 0:
            raise ConfigError(
                f"pool.agents_share={self.agents_share}, pool.past_share={self.past_share}; give "
                "shares from 0 to 1 whose sum is at most 1"
            )
        for name in ("past", "past_at_once", "random_plies"):
            if getattr(self, name) < 1:
                raise ConfigError(f"pool.{name} = {getattr(self, name)}; give at least 1")


class Other(NamedTuple):
    """A player of a pool and the rows in which it is met."""

    name: str
    rows: int
    player: Player


class Starts:
    """Random openings of games, one after the other; none of them ends its game."""

    def __init__(self, env_id: str, seed: int, plies: int) -> None:
        """Prepares openings of up to `plies` plies, all lengths alike."""
        self._env_id, self._stream, self._plies, self._drawn = env_id, seed, plies, 0

    def draw(self, count: int) -> list[list[int]]:
        """Gives the next `count` openings as actions."""
        streams = np.full(count, self._stream) + np.arange(self._drawn, self._drawn + count)
        self._drawn += count
        length = (seeding.uniform(streams, 0) * (self._plies + 1)).astype(int)
        env, rows = registry.make_vector(self._env_id, count), np.arange(count)
        step, starts = env.reset(rows, rows), [list[int]() for _ in rows]
        for ply in range(int(length.max(initial=0))):
            actions = _random(step.action_mask, seeding.uniform(streams, ply + 1))
            step = env.step(actions)
            for row in np.flatnonzero((ply < length) & ~step.last):
                starts[row].append(int(actions[row]))
        return starts


def _random(mask: Array, chance: NDArray[np.float64]) -> NDArray[np.int64]:
    """Gives a legal action of each row, `int64[R]`; where there is none, whatever."""
    place = (chance * mask.sum(1)).astype(np.int64)
    return np.asarray((mask.cumsum(1) <= place[:, None]).sum(1))


class BothSeats:
    """Games in which the learner moves for both sides, so that every ply teaches.

    A guest may move for one side of each game instead: then `fill` says what it plays.
    """

    def __init__(
        self, env: VectorEnv, starts: Starts, gamma: float = 1.0, guest: Other | None = None
    ) -> None:
        """Prepares rows.

        Args:
            env: a game for two.
            starts: where games begin.
            gamma: discount of a ply, from 0 to 1.
            guest: who moves for one side; None = nobody does.
        """
        self.name = "" if guest is None else guest.name
        self.rows, self.discount = env.num_rows, env.spec.discount * gamma
        self._env, self._starts = env, starts
        self._guest = None if guest is None else guest.player
        self._every = np.arange(self.rows)
        self._own = self._every % 2
        """`int64[B]`, the learner's seat where there is a guest."""
        self._steps = np.zeros(self.rows, np.int64)
        self._now: TimeStep

    def begin(self) -> Seen:
        """Begins a game in every row; rewards are 0."""
        self._steps[:] = 0
        self._now = self._env.reset(self._every, self._every, self._starts.draw(self.rows))
        if self._guest is not None:
            self._guest.reset(self._env.spec, 1 - self._own, self._every)
        nothing = np.zeros(self.rows)
        return _seen(self._now, nothing, nothing > 0, nothing, self._steps.copy())

    def step(self, actions: Array) -> Seen:
        """Plays a ply in every row."""
        movers = self._now.to_play
        self._now = self._env.step(actions)
        self._steps += 1
        reward, ended = self._now.rewards[self._every, movers], self._now.last
        whose = 0 if self._guest is None else self._own
        returns, steps = self._now.rewards[self._every, whose], self._steps.copy()
        over = np.flatnonzero(ended)
        if over.size:
            self._steps[over] = 0
            self._now = self._env.reset(over, over, self._starts.draw(len(over)))
        return _seen(self._now, reward, ended, returns, steps)

    def fill(self, actions: Array) -> Array:
        """Gives `actions`, `int[B]`, with those of the guest where it is to move."""
        if self._guest is None:
            return actions
        rows = np.flatnonzero(self._now.to_play != self._own)
        if rows.size:
            actions = actions.copy()
            actions[rows] = self._guest.act(rows, self._now.take(rows)).action
        return actions


def _seen(now: TimeStep, reward: Array, ended: Array, returns: Array, steps: Array) -> Seen:
    """Gives what is seen of games that end as episodes do."""
    return Seen(now.observation, now.action_mask, reward, ended, ended, returns, steps)


class OneSeat:
    """Games in which another player moves for the other side, between two steps.

    The learner is who moves first after the opening, so it sits at both seats as openings differ.
    """

    def __init__(self, env: VectorEnv, starts: Starts, gamma: float, other: Other) -> None:
        """Prepares rows.

        Args:
            env: a game for two.
            starts: where games begin.
            gamma: discount of a ply, from 0 to 1; a step is two of them.
            other: who moves for the other side.
        """
        self.name, self.rows, self.discount = other.name, env.num_rows, gamma * gamma
        self._env, self._starts, self._other = env, starts, other.player
        self._every = np.arange(self.rows)
        self._steps = np.zeros(self.rows, np.int64)
        self._now: TimeStep

    def begin(self) -> Seen:
        """Begins a game in every row; rewards are 0."""
        self._steps[:] = 0
        self._now = self._env.reset(self._every, self._every, self._starts.draw(self.rows))
        self._other.reset(self._env.spec, 1 - self._now.to_play, self._every)
        nothing = np.zeros(self.rows)
        return _seen(self._now, nothing, nothing > 0, nothing, self._steps.copy())

    def step(self, actions: Array) -> Seen:
        """Plays a ply of the learner and one of the other player in every row."""
        seat = self._now.to_play
        self._now = self._env.step(actions)
        self._steps += 1
        reward = self._now.rewards[self._every, seat]
        waiting = np.flatnonzero(~self._now.last)
        if waiting.size:
            replies = np.zeros(self.rows, np.int64)
            replies[waiting] = self._other.act(waiting, self._now.take(waiting)).action
            self._now = self._env.step(replies)
            reward = reward + self._now.rewards[self._every, seat]
        ended, steps = self._now.last, self._steps.copy()
        over = np.flatnonzero(ended)
        if over.size:
            self._steps[over] = 0
            self._now = self._env.reset(over, over, self._starts.draw(len(over)))
        return _seen(self._now, reward, ended, reward.copy(), steps)


def others(
    config: PoolConfig, rows: int, past: Sequence[Callable[[], Player]], seed: int
) -> list[Other]:
    """Gives whom a learner of `rows` rows meets until the next barrier; the rest are its own.

    Args:
        config: of the pool.
        rows: of the learner.
        past: makers of its past selves, the oldest first.
        seed: of which of them are met; the newest always is.
    """
    found = []
    each = int(rows * config.agents_share / max(len(config.agents), 1))
    for text in config.agents if each else ():
        found.append(Other(text, each, agent_registry.make(text)))
    count = min(config.past_at_once, len(past))
    each = int(rows * config.past_share / count) if count else 0
    if each:
        chance = seeding.uniform(np.full(len(past), seed), np.arange(len(past)))
        chance[-1] = 2.0
        for place in sorted(np.argsort(-chance, kind="stable")[:count]):
            found.append(Other(f"past {len(past) - place}", each, past[place]()))
    return found
