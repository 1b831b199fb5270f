"""What the network said of states before. Axes: `C` places, `S` words of a state, `A` actions.

In self-play nearly half of all rows are asked again: lines cross, and games share their openings.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.seeding import mix64
from muzero.jit import inlined
from muzero.kernels import judge, weigh


class Cache(NamedTuple):
    """Answers of the network on true rules, each in the only place that its state may take."""

    used: NDArray[np.bool_]
    """`bool[C]`, `C` a power of two or 0."""
    state: NDArray[np.uint64]
    """`uint64[C, S]`."""
    logits: NDArray[np.float32]
    """`float32[C, A]`."""
    value: NDArray[np.float32]
    """`float32[C]`."""


def blank(size: int, state_size: int, num_actions: int) -> Cache:
    """Gives an empty cache of `size` places, a power of two, or 0 for none."""
    return Cache(
        np.zeros(size, np.bool_),
        np.zeros((size, state_size), np.uint64),
        np.zeros((size, num_actions), np.float32),
        np.zeros(size, np.float32),
    )


@inlined
def _place(state: Any, cache: Any) -> Any:
    """Gives the place of a state, `uint64[S]`, in the cache."""
    word = np.uint64(0)
    for s in range(state.size):
        word = mix64(word ^ state[s])
    return np.int64(word & np.uint64(cache.used.size - 1))


@inlined
def recall(node: Any, cache: Any) -> Any:
    """Fills a node from the cache; says whether its state was there."""
    if cache.used.size == 0:
        return False
    place = _place(node.state, cache)
    known = cache.used[place]
    for s in range(node.state.size):
        known = known and cache.state[place, s] == node.state[s]
    if known:
        weigh(node, cache.logits[place])
        judge(node, cache.value[place])
    return known


@inlined
def remember(node: Any, cache: Any, logits: Any, value: Any) -> None:
    """Puts the network's answer for a node into the cache."""
    if cache.used.size > 0:
        place = _place(node.state, cache)
        cache.used[place] = True
        cache.value[place] = value
        for s in range(node.state.size):
            cache.state[place, s] = node.state[s]
        for a in range(logits.size):
            cache.logits[place, a] = logits[a]
