"""A player that catches the ball, from the pictures alone. Axes: `B` rows, `R` rows to move.

It finds the ball and its paddle by where they are, reckons where the ball comes down, and steers
the paddle there in time. It sees what every player sees and knows nothing of the emulator.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents import follow_breakout, follow_pong
from agents.base import AgentError, Clock, Decisions
from envs import registry
from envs.base import EnvSpec, TimeStep


class Game(NamedTuple):
    """A game that it knows."""

    directions: Callable[..., None]
    """Kernel `(pictures, rows, memory, sticky, out)`, see the modules of the games."""
    memory: tuple[float, ...]
    """What it knows of a row at first."""
    names: tuple[str, ...]
    """Names of the actions that stand for directions -1, 0, 1 and, if need be, 2."""


_GAMES = {
    "ALE/Pong-v5": Game(follow_pong.directions, follow_pong.MEMORY, ("RIGHT", "NOOP", "LEFT")),
    "ALE/Breakout-v5": Game(
        follow_breakout.directions, follow_breakout.MEMORY, ("LEFT", "NOOP", "RIGHT", "FIRE")
    ),
}
_PICTURES = (4, 84, 84)


class FollowBallPlayer:
    """Moves the paddle to where the ball comes down, in Pong and in Breakout."""

    max_batch: int | None = None
    digest: str | None = None

    def __init__(self) -> None:
        """Makes the player; it has no options."""
        self._game = _GAMES["ALE/Pong-v5"]
        self._actions = np.zeros(0, np.int64)
        self._memory = np.zeros((0, 1))
        self._sticky = 0.0

    def reset(self, spec: EnvSpec, seats: NDArray[np.int64], seeds: NDArray[np.int64]) -> None:
        """Prepares new episodes, and compiles before any clock runs.

        Raises:
            AgentError: when the environment is another one.
        """
        name = spec.id.partition("@")[0]
        if name not in _GAMES or spec.observation_shape != _PICTURES:
            raise AgentError(
                f"follow-ball plays pong and breakout only, not {spec.id!r}; choose another player"
            )
        self._game = _GAMES[name]
        called = registry.action_name(spec.id)
        numbers = {called(action): action for action in range(spec.num_actions)}
        self._actions = np.array([numbers[name] for name in self._game.names])
        self._memory = np.tile(np.array(self._game.memory), (len(seeds), 1))
        self._sticky = float(spec.options["repeat_action_probability"])
        self._directions(np.zeros(0, np.int64), np.zeros((0, *_PICTURES), np.uint8))

    def act(
        self, rows: NDArray[np.int64], steps: TimeStep, clock: Clock | None = None
    ) -> Decisions:
        """Gives the action that takes the paddle nearer to the ball."""
        return Decisions(self._actions[self._directions(rows, steps.observation) + 1])

    def _directions(self, rows: NDArray[np.int64], pictures: NDArray[Any]) -> NDArray[np.int64]:
        out = np.empty(len(rows), np.int64)
        # A copy is always writable and contiguous: one type, hence one compiled kernel.
        seen = np.array(pictures, order="C")
        self._game.directions(seen, np.array(rows), self._memory, self._sticky, out)
        return out
