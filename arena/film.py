"""A recorded solo episode that can be wound to any of its moments."""

from __future__ import annotations

from itertools import accumulate
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from arena import replaying, thoughts
from arena.match_record import MatchRecord
from arena.thoughts import Thought
from envs.base import Env, TimeStep

_SAVED_EVERY = 100
"""Actions from one saved state to the next, so that winding back is quick."""


@runtime_checkable
class Saving(Protocol):
    """An env that can save where it is."""

    def save(self) -> bytes:
        """Gives a state that `Env.reset` takes as a start."""
        ...


class FilmError(ValueError):
    """An episode that cannot be shown."""


class Film:
    """An episode played again once, and then at hand. A place is the number of actions played.

    Attributes:
        record: what was recorded.
        rewards: of each action, as far as the episode could be played again.
        returns: their sum at each place, from 0 on.
        lives: left at each place; empty where the env does not tell.
        thoughts: of the player before each action; empty where none are recorded.
        difference: how it differs from the record; None = it does not.
        place: where the film is.
    """

    def __init__(self, record: MatchRecord) -> None:
        """Plays an episode again, and compares it with its record.

        Raises:
            ForeignRecordError: when it was recorded with another ROM or emulator.
            ThoughtsError: when what its player thought is damaged.
            FilmError: when not even its start can be played.
        """
        self.record = record
        self.place = 0
        self.thoughts = [] if record.search is None else thoughts.unpack(record.search)
        self.rewards: list[float] = []
        self.lives: list[int] = []
        self._saved: dict[int, bytes] = {}
        self._env: Env | None = None
        self.difference = replaying.difference(record, self._take)
        if self._env is None:
            raise FilmError(f"episode {record.number} cannot be shown: {self.difference}")
        self.returns: list[float] = [0.0, *accumulate(self.rewards)]
        self.place = self.length

    def _take(self, env: Env, step: TimeStep) -> None:
        """Notes a moment of the first showing."""
        if self._env is not None:
            self.rewards.append(float(step.rewards[0]))
        self._env = env
        if "lives" in step.info:
            self.lives.append(int(step.info["lives"]))
        if self.length % _SAVED_EVERY == 0 and not step.last and isinstance(env, Saving):
            self._saved[self.length] = env.save()

    @property
    def length(self) -> int:
        """Gives the last place."""
        return len(self.rewards)

    def thought(self, place: int) -> Thought | None:
        """Gives what the player last thought at a place; None where it has not said anything."""
        until = self.thoughts[: place + 1]
        return next((thought for thought in reversed(until) if thought is not None), None)

    def wind(self, place: int) -> None:
        """Goes to a place, from 0 to `length`."""
        assert self._env is not None
        near = max((saved for saved in self._saved if saved <= place), default=0)
        if not near <= self.place <= place:
            start = self._saved.get(near, replaying.start(self.record))
            self._env.reset(self.record.seed, start)
            self.place = near
        for action in self.record.actions[self.place : place]:
            self._env.step(action)
        self.place = place

    def picture(self) -> NDArray[np.uint8]:
        """Draws the moment, `uint8[H, W, 3]`."""
        assert self._env is not None
        return self._env.render()
