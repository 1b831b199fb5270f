"""The agents inside Kaggle's own interpreter, as players. Axes: `B` rows, `R` rows to move.

They draw from Python's global generator. It is seeded from the row's seed and the number of the
player's own moves before each move and put back after, so equal seeds give equal play and rows do
not influence each other.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.base import AgentError, Clock, Decisions
from envs import kaggle
from envs.base import EnvSpec, TimeStep
from envs.seeding import derive, mix


class KagglePlayer:
    """Plays what an agent of the interpreter plays, on any Connect X board."""

    max_batch: int | None = None
    digest: str | None = None

    def __init__(self, name: str) -> None:
        """Makes the player and loads the interpreter.

        Args:
            name: of the agent in the interpreter.

        Raises:
            AgentError: when the interpreter is not installed or has no such agent.
        """
        self._name = name
        self._salt = derive("kaggle", name)
        try:
            self._agent = kaggle.builtin_agent(name)
        except (ImportError, kaggle.UnknownBuiltinError) as error:
            raise AgentError(f"cannot make kaggle:{name}: {error}") from error
        self._configuration: Any = None
        self._streams = np.zeros(0, np.uint64)
        self._moves = np.zeros(0, np.int64)

    def reset(self, spec: EnvSpec, seats: NDArray[np.int64], seeds: NDArray[np.int64]) -> None:
        """Prepares new episodes.

        Raises:
            AgentError: when the environment is not Connect X.
        """
        if not spec.id.startswith("connectx"):
            raise AgentError(
                f"kaggle:{self._name} plays connectx only, not {spec.id!r}; choose another player"
            )
        self._configuration = kaggle.configuration(spec)
        self._streams = mix(seeds, self._salt)
        self._moves = np.zeros(len(seeds), np.int64)

    def act(
        self, rows: NDArray[np.int64], steps: TimeStep, clock: Clock | None = None
    ) -> Decisions:
        """Asks the agent for each row, one after the other."""
        words = mix(self._streams[rows], self._moves[rows]).tolist()
        self._moves[rows] += 1
        before = random.getstate()
        try:
            action = [
                self._ask(word, seen, seat)
                for word, seen, seat in zip(words, steps.observation, steps.to_play, strict=True)
            ]
        finally:
            random.setstate(before)
        return Decisions(np.array(action, np.int64))

    def _ask(self, word: int, seen: NDArray[Any], seat: int) -> int:
        random.seed(word)
        return self._agent(kaggle.observation(seen, seat), self._configuration)


def random_player() -> KagglePlayer:
    """Gives the interpreter's own random agent as a player."""
    return KagglePlayer("random")


def negamax_player() -> KagglePlayer:
    """Gives the interpreter's own negamax, 4 plies deep, as a player."""
    return KagglePlayer("negamax")
