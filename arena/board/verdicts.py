"""What a perfect player says of the positions of a game on the standard board."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

from agents.solver import SolverPlayer
from arena.board import thinking
from envs import registry
from envs.base import TimeStep

ENV = "connectx"
_SECONDS = 5.0
"""Most time for a position; what is not solved then has no verdict."""

Verdict = dict[str, float | list[float | None] | None]
"""`value` of the position for the player to move (1 won, 0 drawn, -1 lost, None = not solved) and
`q`, the same after each column."""


@lru_cache(maxsize=1)
def _solver() -> SolverPlayer:
    return SolverPlayer()


def verdicts(
    opening: Sequence[int], actions: Sequence[int], known: Sequence[Verdict] = ()
) -> Iterator[Verdict]:
    """Gives the verdict on the position before each action, and on the last one if it runs.

    Args:
        opening: actions played first.
        actions: those that follow.
        known: the first verdicts, which are not given again.
    """
    env = registry.make(ENV)
    step = env.reset(0, list(opening))
    for place in range(len(actions) + 1):
        if place:
            step = env.step(actions[place - 1])
        if step.last:
            return
        if place >= len(known):
            yield verdict(step)


def verdict(step: TimeStep) -> Verdict:
    """Gives the verdict on a running position of the standard board."""
    player = _solver()
    player.reset(registry.spec(ENV), np.zeros(1, np.int64), np.zeros(1, np.int64))
    found = thinking.thought(player, step, time.monotonic() + _SECONDS)
    return {"value": found.get("value"), "q": found.get("q")}
