"""What a network sees of an observation. Axes: `R` rows, `F` pictures of a stack, `H` x `W`.

An observation that is a stack of pictures, the newest last, is kept as its newest picture alone;
the stack is put together again from the moments before.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from envs.base import EnvSpec
from muzero.limits import SearchConfigError

Picture = NDArray[np.uint8]


class View(NamedTuple):
    """How observations are seen and kept."""

    shape: tuple[int, ...]
    """Of what the network sees."""
    frames: int
    """`F`, pictures of a stack, of which each is kept once; 1 = observations are kept whole."""
    see: Callable[[Picture], Picture]
    """`see(observation)`: gives `uint8[R, *shape]` of `uint8[R, *observation_shape]`."""

    def newest(self, seen: Picture) -> Picture:
        """Gives what is kept of a moment, `uint8[R, 1, H, W]`, or all of what is seen."""
        return seen[:, -1:] if self.frames > 1 else seen

    def older(self, seen: Picture) -> list[Picture]:
        """Gives what must be kept before a moment that follows no other, the oldest first."""
        return [seen[:, place : place + 1] for place in range(self.frames - 1)]

    @property
    def kept(self) -> int:
        """Bytes that are kept of a moment."""
        return int(np.prod(self.shape)) // self.frames


def stacked(kept: Picture, places: NDArray[np.int64], frames: int) -> Picture:
    """Gives what the network saw, `uint8[..., *shape]`, at places of what was kept.

    Args:
        kept: `uint8[M, ...]`, see `View.newest`.
        places: `int64[...]`, none of them among the first of an episode that `View.older` gave.
        frames: `F`.
    """
    if frames == 1:
        return np.asarray(kept[places])
    found: Picture = kept[places[..., None] + np.arange(1 - frames, 1)]
    return found.reshape(*places.shape, frames, *kept.shape[2:])


def whole(spec: EnvSpec) -> View:
    """Gives the view in which an observation is seen and kept as it is."""
    return View(spec.observation_shape, 1, _same)


def pictures(spec: EnvSpec, side: int) -> View:
    """Gives the view of stacked pictures; other observations are kept whole.

    Args:
        spec: of what is seen.
        side: pixels that pictures are made smaller to, each the mean of an area; 0 = as they are.

    Raises:
        SearchConfigError: when the pictures are no multiple of that.
    """
    shape = spec.observation_shape
    if len(shape) != 3:
        return whole(spec)
    frames, height, width = shape
    if side and (height % side or width % side):
        raise SearchConfigError(
            f"network.picture = {side} is no divisor of {height} and {width}, the sides of the "
            f"pictures of {spec.id}; give one, or 0 to leave them as they are"
        )
    if side in (0, height) and side in (0, width):
        return View(shape, frames, _same)
    return View((frames, side, side), frames, partial(smaller, side=side))


def _same(observation: Picture) -> Picture:
    return observation


def smaller(observation: Picture, side: int) -> Picture:
    """Gives pictures `uint8[R, F, side, side]` of `uint8[R, F, H, W]`: means, halves rounded up."""
    out = np.empty((*observation.shape[:2], side, side), np.uint8)
    _means(np.ascontiguousarray(observation), out)
    return out


@njit(cache=True)
def _means(pictures: Any, out: Any) -> None:
    tall, wide = pictures.shape[2] // out.shape[2], pictures.shape[3] // out.shape[3]
    half = tall * wide // 2
    for row in range(out.shape[0]):
        for frame in range(out.shape[1]):
            for i in range(out.shape[2]):
                for j in range(out.shape[3]):
                    total = half
                    for y in range(i * tall, (i + 1) * tall):
                        for x in range(j * wide, (j + 1) * wide):
                            total += np.int64(pictures[row, frame, y, x])
                    out[row, frame, i, j] = total // (tall * wide)
