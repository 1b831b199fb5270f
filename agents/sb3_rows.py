"""Our episodes as Stable-Baselines3 takes them. Axes: `B` rows of all plays, `A` actions."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.sb3_door import Box, Discrete, VecEnv
from agents.sb3_networks import has_columns
from agents.selfplay import BothSeats, Play, Seen
from envs import seeding
from envs.base import Array, EnvSpec

_RECENT = 100
"""Episodes that means are taken over."""
_NOTHING: dict[str, Any] = {}


class Rows(VecEnv):
    """Rows of several plays side by side, on boards each episode straight or in a mirror."""

    render_mode = None

    def __init__(self, spec: EnvSpec, plays: Sequence[Play], seed: int, mirror: bool) -> None:
        """Puts plays side by side.

        Args:
            spec: of their environment.
            plays: at least one.
            seed: of what is seen in a mirror.
            mirror: whether half of the episodes are; on boards with columns only.
        """
        self.plays = list(plays)
        self._ends = np.cumsum([play.rows for play in self.plays])
        rows, high = int(self._ends[-1]), 1 if has_columns(spec) else 255
        super().__init__(
            rows, Box(0, high, spec.observation_shape, np.uint8), Discrete(spec.num_actions)
        )
        self.discounts = np.repeat(
            np.array([play.discount for play in self.plays], np.float32),
            [play.rows for play in self.plays],
        )
        """`float32[B]`, of the value of the next moment."""
        self.returns: dict[str, deque[float]] = {}
        """Name of an opponent to the last returns against it."""
        self.episodes = 0
        """How many have ended."""
        self.first = np.ones(rows, np.bool_)
        """`bool[B]`, where an episode has just begun."""
        self._mirror, self._last = mirror, spec.num_actions - 1
        self._streams = np.full(rows, seed) + np.arange(rows)
        self._begun = np.zeros(rows, np.int64)
        self._mirrored = np.zeros(rows, np.bool_)
        self._mask = np.ones((rows, spec.num_actions), np.bool_)
        self._actions: Array = np.zeros(rows, np.int64)

    def reset(self) -> Array:
        """Begins an episode in every row; gives what is seen, `uint8[B, ...]`."""
        seen = _joined([play.begin() for play in self.plays])
        self._begin(np.ones(self.num_envs, np.bool_))
        return self._look(seen)

    def action_masks(self) -> NDArray[np.bool_]:
        """Gives what is legal now, `bool[B, A]`."""
        return self._mask

    def fill(self, actions: Array) -> Array:
        """Gives `actions`, `int[B]`, with those of guests where they are to move."""
        parts = np.split(self._straight(actions), self._ends[:-1])
        filled = [
            play.fill(part) if isinstance(play, BothSeats) else part
            for play, part in zip(self.plays, parts, strict=True)
        ]
        return self._straight(np.concatenate(filled))

    def step_async(self, actions: Array) -> None:
        """Takes the actions of the next step, `int[B]`."""
        self._actions = actions

    def step_wait(self) -> Any:
        """Plays them; gives observations, rewards, ends and infos of the rows."""
        parts = np.split(self._straight(self._actions), self._ends[:-1])
        seen = _joined([play.step(part) for play, part in zip(self.plays, parts, strict=True)])
        infos = [_NOTHING] * self.num_envs
        for row in np.flatnonzero(seen.over):
            infos[row] = self._ended(int(row), seen)
        self._begin(seen.over)
        return self._look(seen), seen.reward.astype(np.float32), seen.ended, infos

    def _ended(self, row: int, seen: Seen) -> dict[str, Any]:
        """Counts an episode; gives what Stable-Baselines3 is told of it."""
        self.episodes += 1
        name = self.plays[int(np.searchsorted(self._ends, row, "right"))].name
        found = float(seen.returns[row])
        self.returns.setdefault(name or "itself", deque(maxlen=_RECENT)).append(found)
        if not name:
            return _NOTHING
        return {"episode": {"r": found, "l": int(seen.steps[row]), "t": 0.0}}

    def _begin(self, rows: NDArray[np.bool_]) -> None:
        """Decides which of the episodes that begin are seen in a mirror."""
        self._begun[rows] += 1
        self.first = rows
        if self._mirror:
            chance = seeding.uniform(self._streams[rows], self._begun[rows])
            self._mirrored[rows] = chance < 0.5

    def _look(self, seen: Seen) -> Array:
        """Gives observations, `uint8[B, ...]`, and keeps what is legal."""
        if not self._mirror:
            self._mask = seen.action_mask
            return seen.observation
        flip = self._mirrored[:, None]
        self._mask = np.where(flip, seen.action_mask[:, ::-1], seen.action_mask)
        wide = flip[:, :, None, None]
        return np.where(wide, seen.observation[..., ::-1], seen.observation)

    def _straight(self, actions: Array) -> Array:
        """Gives actions, `int[B]`, as they are without a mirror; and back."""
        return np.where(self._mirrored, self._last - actions, actions)

    def close(self) -> None:
        """Has nothing to end."""

    def has_attr(self, attr_name: str) -> bool:
        """Gives whether rows have an attribute."""
        return hasattr(self, attr_name)

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Gives the attribute of every row.

        Raises:
            AttributeError: when rows have none of that name.
        """
        return [getattr(self, attr_name)] * self.num_envs

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Is not done: rows have nothing that an algorithm may set."""
        raise NotImplementedError(attr_name)

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> Any:
        """Gives what a method says of every row."""
        return getattr(self, method_name)(*args, **kwargs)

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        """Gives that no row is wrapped."""
        return [False] * self.num_envs


def _joined(parts: Sequence[Seen]) -> Seen:
    """Gives what is seen in all plays, one after the other."""
    if len(parts) == 1:
        return parts[0]
    return Seen(*(np.concatenate(part) for part in zip(*parts, strict=True)))
