"""Episodes that a learner plays alone. Axes: `B` rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agents.selfplay import Seen
from envs import seeding
from envs.base import Array, TimeStep, VectorEnv


@dataclass(frozen=True)
class SoloConfig:
    """What a learner is paid alone; scores are always those of the game."""

    clip_rewards: bool = True
    """Whether it is paid the sign of a reward only, so that games are alike."""
    life_ends: bool = True
    """Whether an episode ends for it with every life; the game goes on."""


class Alone:
    """Rows of a game for one; an episode that a limit cuts off counts as ended."""

    name = "alone"

    def __init__(self, env: VectorEnv, config: SoloConfig, seed: int, gamma: float) -> None:
        """Prepares rows.

        Args:
            env: a game for one.
            config: what is paid.
            seed: of the episodes.
            gamma: discount of a step.
        """
        self.rows, self.discount = env.num_rows, gamma
        self._env, self._config, self._seed = env, config, seed
        self._every, self._begun = np.arange(self.rows), 0
        self._returns = np.zeros(self.rows)
        self._steps = np.zeros(self.rows, np.int64)
        self._now: TimeStep

    def begin(self) -> Seen:
        """Begins an episode in every row; rewards are 0."""
        self._reset(self._every)
        nothing = np.zeros(self.rows)
        return Seen(
            self._now.observation, self._now.action_mask, nothing, nothing > 0, nothing > 0,
            nothing, self._steps.copy(),
        )  # fmt: skip

    def step(self, actions: Array) -> Seen:
        """Plays `actions`, `int[B]`."""
        lives = self._lives()
        self._now = self._env.step(actions)
        reward, over = self._now.rewards[:, 0], self._now.last
        self._returns += reward
        self._steps += 1
        returns, steps = self._returns.copy(), self._steps.copy()
        ended = over | (self._lives() < lives) if self._config.life_ends else over
        if over.any():
            self._reset(np.flatnonzero(over))
        paid = np.sign(reward) if self._config.clip_rewards else reward
        seen, mask = self._now.observation, self._now.action_mask
        return Seen(seen, mask, paid, ended, over, returns, steps)

    def _reset(self, rows: Array) -> None:
        numbers = range(self._begun, self._begun + len(rows))
        self._begun += len(rows)
        seeds = np.array([seeding.derive(self._seed, "episode", number) for number in numbers])
        self._now = self._env.reset(rows, seeds)
        self._returns[rows], self._steps[rows] = 0, 0

    def _lives(self) -> Array:
        """Gives the lives that are left, `int[B]`, 0 where a game has none."""
        return self._now.info.get("lives", np.zeros(self.rows, np.int64))


def mean_picture(env: VectorEnv, steps: int, seed: int) -> Array:
    """Gives what the newest picture of `steps` random moments is on average, `uint8[H, W]`."""
    random = np.random.default_rng(seeding.derive(seed, "random actions"))
    play = Alone(env, SoloConfig(), seeding.derive(seed, "mean picture"), 1.0)
    seen, each = play.begin(), -(-steps // env.num_rows)
    total = np.zeros(seen.observation.shape[2:])
    for _ in range(each):
        total += seen.observation[:, -1].sum(0, dtype=np.float64)
        seen = play.step(random.integers(env.spec.num_actions, size=env.num_rows))
    return np.rint(total / (each * env.num_rows)).astype(np.uint8)
