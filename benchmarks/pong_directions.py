"""Whether players of Pong know which way their paddle must go, position by position.

    python benchmarks/pong_directions.py AGENT [AGENT ...]

Such as `zoo/pong-muzero:simulations=16` or `runs/try@102400`. Episodes are played at random half of
the time, by `follow-ball` the other half. In positions in which the ball comes and the paddle is
well above or below it, it says how often the best action by expected return goes the right way and
the wrong way, how much more the right way is expected to bring, and how the policy is shared; then
what is expected of positions by the distance between ball and paddle. A model that does not know
what actions do shows itself long before scores do: its right and wrong are alike.
"""

from __future__ import annotations

import os
import sys
from typing import Any, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from agents import registry as agents
from envs import registry, seeding
from envs.base import TimeStep

_ENV, _ROWS, _STEPS, _RANDOM, _SKIP = "ALE/Pong-v5", 16, 500, 0.5, 60
_FIELD, _BALL, _PADDLE = slice(14, 77), slice(12, 72), slice(73, 76)
"""Rows and columns of pixels, 84 x 84, in which ball and own paddle are."""
_GROUND, _PADDLE_LIGHT, _BALL_LIGHT, _BALL_SIZE = 87, 120, 40, 12
_SOON = (2.0, 10.0)
"""Steps until the ball is there."""
_FAR, _NEAR = 13.0, 5.0
"""Pixels between the middles of ball and paddle."""
_UP, _DOWN = [2, 4], [3, 5]
"""Actions that move the paddle, in Pong's minimal set."""


class Positions(NamedTuple):
    """Positions of Pong in which the ball comes."""

    steps: TimeStep
    distance: NDArray[np.float64]
    """`float64[R]`, pixels from the paddle down to the ball, below 0 where it is above."""


def places(pictures: NDArray[np.uint8]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Gives x and y of the ball and y of the paddle, `float[R]`, nan where it is not seen."""
    ball = np.abs(pictures[:, _FIELD, _BALL].astype(int) - _GROUND) > _BALL_LIGHT
    paddle = (pictures[:, _FIELD, _PADDLE] > _PADDLE_LIGHT).any(2)
    rows, columns = np.arange(_FIELD.start, _FIELD.stop), np.arange(_BALL.start, _BALL.stop)
    size, height = ball.sum((1, 2)), paddle.sum(1)
    with np.errstate(invalid="ignore"):
        x, y = (ball.sum(1) * columns).sum(1) / size, (ball.sum(2) * rows).sum(1) / size
        own = (paddle * rows).sum(1) / height
    seen = (size > 0) & (size < _BALL_SIZE)
    return np.where(seen, x, np.nan), np.where(seen, y, np.nan), np.where(height > 2, own, np.nan)


def positions() -> Positions:
    """Plays, and gives every position in which the ball comes and will soon be there."""
    env, teacher = registry.make_recorded(_ENV, _ROWS), agents.make("follow-ball")
    every, random = np.arange(_ROWS), np.random.default_rng(0)
    seeds = np.array([seeding.derive(0, "directions", row) for row in range(_ROWS)])
    now = env.reset(every, seeds)
    teacher.reset(env.spec, np.zeros(_ROWS, np.int64), seeds)
    found, distances = list[Any](), list[Any]()
    for step in range(_STEPS):
        x, y, own = places(now.observation[:, -1])
        before = places(now.observation[:, -2])[0]
        with np.errstate(invalid="ignore", divide="ignore"):
            due = (_PADDLE.start - x) / np.maximum(x - before, 0)
            good = (due > _SOON[0]) & (due < _SOON[1]) & np.isfinite(y - own)
        if step > _SKIP and good.any():
            found.append(now.observation[good].copy())
            distances.append((y - own)[good])
        action = np.asarray(teacher.act(every, now).action)
        lost = random.random(_ROWS) < _RANDOM
        action = np.where(lost, random.integers(env.spec.num_actions, size=_ROWS), action)
        now = env.step(action)
        if now.last.any():
            raise SystemExit("an episode ended; take fewer steps")
    seen = np.concatenate(found)
    rows = np.arange(len(seen)) % _ROWS
    steps = TimeStep(
        seen, np.ones((len(seen), env.spec.num_actions), np.bool_), now.to_play[rows],
        now.rewards[rows], now.terminated[rows], now.truncated[rows],
    )  # fmt: skip
    return Positions(steps, np.concatenate(distances))


def asked(name: str, given: Positions) -> tuple[Any, Any, Any]:
    """Gives what a player says of actions, positions and policy; None = it says nothing."""
    player, size = agents.make(name), len(given.distance)
    spec, some = registry.spec(_ENV), np.arange(size)
    player.reset(spec, np.zeros(size, np.int64), some)
    said = player.act(some, given.steps)
    return said.q, said.value, said.policy


def shares(of: NDArray[Any], down: NDArray[np.bool_]) -> tuple[float, float]:
    """Gives the means of the right way and of the wrong way, of `float[R, 2]`, up and down."""
    right, some = down.astype(int), np.arange(len(down))
    return float(of[some, right].mean()), float(of[some, 1 - right].mean())


def ways(of: NDArray[Any], gather: Any) -> NDArray[Any]:
    """Gives `float[R, 2]`, up and down, of what there is for each action, `float[R, A]`."""
    return np.stack([gather(of[:, _UP], 1), gather(of[:, _DOWN], 1)], 1)


def main(names: list[str]) -> None:
    """Prints the table."""
    given = positions()
    far, down = np.abs(given.distance) > _FAR, given.distance > 0
    print(f"{len(down):,} positions, in {far.sum():,} of them the paddle must move")
    bins = np.digitize(np.abs(given.distance), [_NEAR, _FAR, 25.0])
    for name in names:
        q, value, policy = asked(name, given)
        print(f"\n{name}")
        if q is not None:
            best = np.eye(q.shape[1])[np.nanargmax(q, 1)]
            right, wrong = shares(ways(best, np.sum)[far], down[far])
            one, other = shares(ways(q, np.nanmean)[far], down[far])
            print(f"  best action  right {right:.2f}  wrong {wrong:.2f}  gain {one - other:+.4f}")
        if policy is not None:
            right, wrong = shares(ways(policy, np.sum)[far], down[far])
            print(f"  policy       right {right:.2f}  wrong {wrong:.2f}")
        if value is not None:
            means = "  ".join(f"{np.nanmean(value[bins == n]):+.2f}" for n in range(4))
            print(f"  value at less than 5, 13, 25 pixels, and more  {means}")


if __name__ == "__main__":
    main(sys.argv[1:] or ["zoo/pong-dqn", "zoo/pong-ppo", "zoo/pong-muzero:simulations=16"])
