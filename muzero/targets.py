"""What a network is to learn. Axes: `M` moments of trajectories laid end to end."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True)
def _backward(rewards: Any, values: Any, left: Any, discount: Any, n: Any, out: Any) -> None:
    for t in range(left.size):
        steps = left[t] if n == 0 else min(n, left[t])
        gain = 0.0
        if steps < left[t]:
            gain = np.float64(values[t + steps])
        for k in range(steps - 1, -1, -1):
            gain = rewards[t + k] + discount * gain
        out[t] = gain


@njit(cache=True)
def _trace(rewards: Any, values: Any, left: Any, rule: Any, out: Any) -> None:
    discount, share, n = rule
    for t in range(left.size):
        if left[t] <= 0:
            out[t] = 0
            continue
        steps = left[t] if n == 0 else min(np.int64(n), left[t])
        gain = np.float64(values[t + steps])
        for k in range(steps - 1, -1, -1):
            if k + 1 < steps:
                gain = (1 - share) * values[t + k + 1] + share * gain
            gain = rewards[t + k] + discount * gain
        out[t] = gain


class Trace(NamedTuple):
    """How returns are traced ahead."""

    discount: float
    """Of every step, in `[-1, 1]`."""
    share: float
    """Lambda: of what followed later in the return; the rest is the value a step later."""
    n: int
    """Look-ahead in steps; 0 = to the end of the trajectory."""


def lambda_returns(
    rewards: NDArray[Any], values: NDArray[Any], left: NDArray[np.int16], rule: Trace
) -> NDArray[np.float32]:
    """Gives the lambda-return of every moment, for the player to move there.

    G_t = r_t + d * ((1 - l) * v_{t+1} + l * G_{t+1}), and at the end of the look-ahead v alone.
    Source: Sutton and Barto, Reinforcement Learning, 2018, equation 12.20,
    http://incompleteideas.net/book/the-book-2nd.html.

    Args:
        rewards: `[M]`, of the action at each moment.
        values: `[M]`, at each moment; at last moments what is expected past them, 0 where nothing.
        left: `int16[M]`, actions from here to the end of the trajectory; 0 at its last moment,
            below 0 at moments that belong to none.
        rule: how far and how.

    Raises:
        ValueError: when the arrays differ in length or the look-ahead is negative.
    """
    if not len(rewards) == len(values) == len(left) or rule.n < 0:
        raise ValueError(
            f"{len(rewards)} rewards, {len(values)} values, {len(left)} moments and n = {rule.n}; "
            "expected equal lengths and n of at least 0"
        )
    out = np.empty(len(left), np.float32)
    numbers = float(rule.discount), float(rule.share), float(rule.n)
    _trace(np.asarray(rewards, np.float64), np.asarray(values, np.float64), left, numbers, out)
    return out


def n_step_returns(
    rewards: NDArray[Any],
    values: NDArray[Any],
    left: NDArray[np.int16],
    discount: float,
    n: int,
) -> NDArray[np.float32]:
    """Gives the bootstrapped n-step return of every moment, for the player to move there.

    G_t = r_t + d * (r_{t+1} + d * (... + d * v_{t+n})). In alternating play `d` is negative, so the
    sign turns by itself. Source: MuZero, Appendix G, https://arxiv.org/abs/1911.08265.

    Args:
        rewards: `[M]`, of the action at each moment, seen by its mover.
        values: `[M]`, of the search at each moment, seen by its mover.
        left: `int16[M]`, actions from here to the end of the trajectory; 0 at its last moment.
        discount: of every step, in `[-1, 1]`.
        n: look-ahead in steps; 0 = to the end, without values.

    Raises:
        ValueError: when the arrays differ in length or `n` is negative.
    """
    if not len(rewards) == len(values) == len(left) or n < 0:
        raise ValueError(
            f"{len(rewards)} rewards, {len(values)} values, {len(left)} moments and n = {n}; "
            "expected equal lengths and n of at least 0"
        )
    out = np.empty(len(left), np.float32)
    _backward(np.asarray(rewards, np.float64), values, left, float(discount), n, out)
    return out
