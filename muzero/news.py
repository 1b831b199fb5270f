"""What a training tells of its chunks."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping

import numpy as np

from envs.base import EnvSpec
from muzero.chunk import Made
from muzero.trajectory import Trajectory

_RECENT = 100
"""Episodes that the mean return is taken over."""


class News:
    """Figures of chunks for people; nothing of a training depends on them."""

    def __init__(self, spec: EnvSpec, limit: float) -> None:
        """Begins.

        Args:
            spec: of the environment.
            limit: largest value that the network's categories hold.
        """
        self._skip = int(spec.options.get("frame_skip", 0))
        self._alone, self._limit = spec.num_players == 1, limit
        self._returns: deque[float] = deque(maxlen=_RECENT)
        self._since = time.perf_counter()

    def of(self, part: Trajectory, made: Made) -> dict[str, float]:
        """Gives metrics of a chunk by name.

        Games for one: steps a second since the chunk before, the mean return of the last hundred
        episodes, and the share of values to be learned that the categories do not hold.
        """
        if not self._alone:
            return {"episode_steps": len(part.left) / part.episodes - 1}
        now, before = time.perf_counter(), self._since
        self._since = now
        self._returns.extend(made.returns or ())
        found = {
            "time/fps": part.actions / (now - before),
            "beyond": float((np.abs(part.returns[part.left > 0]) > self._limit).mean()),
        }
        if self._returns:
            found["rollout/ep_rew_mean"] = float(np.mean(self._returns))
        return found

    def counters(self, counters: Mapping[str, int]) -> dict[str, int]:
        """Gives counters with the frames that were played, where an action lasts several."""
        frames = {"frames": self._skip * counters["env_steps"]} if self._skip else {}
        return {**counters, **frames}
