"""What a player thinks of one moment that it is asked about. Axis: `A` actions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.base import Clock, Decisions, Player
from envs import seeding
from envs.base import EnvSpec, TimeStep

Thought = dict[str, Any]
"""`action`, and `value`, `policy`, `visits`, `q`, `line` as far as the player tells; values are
seen by the player to move."""


def batch(step: TimeStep) -> TimeStep:
    """Gives a moment as the only row of a batch."""

    def row(value: Any) -> NDArray[Any]:
        return np.ascontiguousarray(value)[None]

    return TimeStep(
        row(step.observation),
        row(step.action_mask),
        np.array([step.to_play]),
        row(step.rewards),
        np.array([step.terminated]),
        np.array([step.truncated]),
        {name: row(value) for name, value in step.info.items()},
    )


def prepare(player: Player, spec: EnvSpec, seat: int, seed: int) -> None:
    """Prepares a player for an episode, with the seed of its own that a match gives it."""
    own = seeding.mix(np.array([seed]), np.array([seat]) + 1) >> np.uint64(1)
    player.reset(spec, np.array([seat]), own.astype(np.int64))


def thought(player: Player, step: TimeStep, deadline: float | None = None) -> Thought:
    """Gives what a player that was prepared thinks of a moment.

    Args:
        player: who is to move.
        step: the moment.
        deadline: on the scale of `time.monotonic()`, for players that heed one.
    """
    clock = None if deadline is None else Clock(deadline)
    found = player.act(np.zeros(1, np.int64), batch(step), clock)
    return _thought(found)


def _thought(found: Decisions) -> Thought:
    out: Thought = {"action": int(found.action[0])}
    if found.failure and found.failure[0]:
        out["failure"] = found.failure[0].detail or found.failure[0].reason
    if found.value is not None and math.isfinite(float(found.value[0])):
        out["value"] = round(float(found.value[0]), 3)
    for name, row in (("policy", found.policy), ("q", found.q)):
        if row is not None and np.isfinite(row[0]).any():
            out[name] = [round(v, 3) if math.isfinite(v) else None for v in row[0].tolist()]
    if found.visits is not None:
        out["visits"] = [int(n) for n in found.visits[0]]
    if found.line is not None and len(found.line[0]):
        out["line"] = [int(action) for action in found.line[0]][:20]
    return out
