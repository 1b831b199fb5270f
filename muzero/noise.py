"""The noise of a search, a function of (seed, counter) alone. Axes: `B` trees, `A` actions.

It is drawn outside the search and row by row, so no result depends on the batch or on threads.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from envs.seeding import mix64

_S11, _STRIDE = np.uint64(11), np.uint64(1 << 20)


class Noise(NamedTuple):
    """What makes equal searches differ."""

    gumbel: NDArray[np.float32] | None = None
    """`float32[B, A]`, standard Gumbel: perturbs the root of Gumbel MuZero, draws the action of
    PUCT; None = 0."""
    dirichlet: NDArray[np.float32] | None = None
    """`float32[B, A]`, rows that sum to 1: goes into the root's prior under PUCT."""


@njit(cache=True)
def _uniform(stream: Any, place: Any) -> Any:
    """Gives number `place` of a stream, in `(0, 1)`."""
    word = mix64(stream ^ mix64(np.uint64(place)))
    return (np.float64(word >> _S11) + 0.5) * 2.0**-53


@njit(cache=True)
def _gamma(stream: Any, alpha: Any) -> Any:
    """Gives a draw from the gamma distribution of shape `alpha` and scale 1.

    Source: Marsaglia and Tsang, A Simple Method for Generating Gamma Variables,
    https://doi.org/10.1145/358407.358414; for `alpha < 1` its section 6.
    """
    lift = 1.0
    shape = alpha
    if alpha < 1:
        lift = _uniform(stream, 0) ** (1 / alpha)
        shape = alpha + 1
    d = shape - 1 / 3
    c = 1 / np.sqrt(9 * d)
    place = 1
    while True:
        angle = 2 * np.pi * _uniform(stream, place + 1)
        x = np.sqrt(-2 * np.log(_uniform(stream, place))) * np.cos(angle)
        v = (1 + c * x) ** 3
        if v > 0 and np.log(_uniform(stream, place + 2)) < 0.5 * x * x + d - d * v + d * np.log(v):
            return d * v * lift
        place += 3


@njit(cache=True)
def _fill_gumbel(streams: Any, out: Any) -> None:
    for row in range(out.shape[0]):
        for a in range(out.shape[1]):
            out[row, a] = -np.log(-np.log(_uniform(streams[row], a)))


@njit(cache=True)
def _fill_dirichlet(streams: Any, alpha: Any, out: Any) -> None:
    for row in range(out.shape[0]):
        total = 1e-300
        for a in range(out.shape[1]):
            draw = _gamma(mix64(streams[row] + _STRIDE + np.uint64(a)), alpha)
            out[row, a] = draw
            total += draw
        for a in range(out.shape[1]):
            out[row, a] /= total


def _streams(seeds: NDArray[Any], counter: int) -> NDArray[np.uint64]:
    """Gives one stream for each seed at a count of searches."""
    with np.errstate(over="ignore"):
        words = np.asarray(seeds).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        return np.asarray(words ^ np.uint64(counter) << np.uint64(32))


def gumbel(seeds: NDArray[Any], counter: int, num_actions: int) -> NDArray[np.float32]:
    """Gives standard Gumbel noise, `float32[B, A]`.

    Args:
        seeds: `int[B]`, one for each row.
        counter: how many searches came before, such as the ply; in `[0, 2**32)`.
        num_actions: `A`.
    """
    out = np.empty((len(seeds), num_actions), np.float32)
    _fill_gumbel(_streams(seeds, counter), out)
    return out


def dirichlet(
    seeds: NDArray[Any], counter: int, num_actions: int, alpha: float
) -> NDArray[np.float32]:
    """Gives Dirichlet noise of concentration `alpha > 0`, `float32[B, A]`; rows sum to 1."""
    out = np.empty((len(seeds), num_actions), np.float64)
    _fill_dirichlet(_streams(seeds, counter), float(alpha), out)
    return out.astype(np.float32)
