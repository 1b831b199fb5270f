"""What was experienced, as a ring. Axes: `T` moments of a row, `B` rows, `L` rows of a batch.

Each moment is kept once: what follows it is the moment after it. Where it does not, since rows have
begun anew at a barrier or nothing has followed yet, the moment is `cut` and teaches nothing, unless
its episode ended with it. Of stacked pictures only the newest is kept: the others are those of the
moments before.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.base import Array
from muzero import weights
from muzero.progress import Store

_SHARD_BYTES = 64 << 20
"""Most that a shard takes before it is packed."""


class Samples(NamedTuple):
    """Moments to learn from."""

    observation: Array
    """`uint8[L, *observation_shape]`."""
    action: NDArray[np.int64]
    """`int64[L]`."""
    returns: NDArray[np.float32]
    """`float32[L]`, what was paid in the next steps, discounted, for who acts."""
    next_observation: Array
    """`uint8[L, *observation_shape]`, what followed after these steps."""
    next_mask: NDArray[np.bool_]
    """`bool[L, A]`, what is legal there."""
    discount: NDArray[np.float32]
    """`float32[L]`, of the value there; 0 where the episode had ended."""


class Ring:
    """The last moments of every row. Made by the algorithm, with its arguments."""

    def __init__(
        self,
        buffer_size: int,
        observation_space: Any,
        action_space: Any,
        *,
        n_envs: int,
        n_step: int,
        discount: float,
        stacked: bool = False,
        **_: Any,
    ) -> None:
        """Allocates.

        Args:
            buffer_size: moments of all rows.
            observation_space: of the observations.
            action_space: of the actions.
            n_envs: rows.
            n_step: steps that a return is summed over.
            discount: of a step.
            stacked: whether an observation is pictures of successive moments, the newest last.
            _: what else the algorithm says.
        """
        self.length = max(buffer_size // n_envs, n_step + 2)
        self.count = 0
        """Moments of a row that were ever put."""
        self._n_step, self._discount = n_step, discount
        size, actions, shape = (self.length, n_envs), int(action_space.n), observation_space.shape
        self._stack = shape[0] if stacked else 1
        self._kept: dict[str, Array] = {
            "observation": np.zeros((*size, *(shape[1:] if stacked else shape)), np.uint8),
            "mask": np.zeros((*size, actions), np.bool_),
            "action": np.zeros(size, np.int8),
            "reward": np.zeros(size, np.float32),
            "ended": np.zeros(size, np.bool_),
            "first": np.zeros(size, np.bool_),
            "cut": np.zeros(size, np.bool_),
        }
        self.shards = dict[str, int]()
        """Name in the store to the count at its end, for all that is still kept."""
        self._fresh, self._saved = True, 0

    def put(self, observation: Array, mask: Array, first: Array, *done: Array) -> None:
        """Keeps a moment of every row.

        Args:
            observation: `uint8[B, ...]`.
            mask: `bool[B, A]`, what is legal.
            first: `bool[B]`, where an episode begins with it.
            done: the action, the reward for it, and whether nothing follows, `[B]` each.
        """
        kept, place = self._kept, self.count % self.length
        if self.count and not self._fresh:
            kept["cut"][place - 1] = False
        self._fresh = False
        seen = observation[:, -1] if self._stack > 1 else observation
        for name, value in zip(kept, (seen, mask, *done, first, True), strict=True):
            kept[name][place] = value
        self.count += 1

    def begin(self) -> None:
        """Notes that rows begin anew, so that the next moment does not follow the last one."""
        self._fresh = True

    def sample(self, batch: int) -> Samples:
        """Gives moments by chance, all alike."""
        kept, size = self._kept, min(self.count, self.length)
        rows = kept["cut"].shape[1]
        # Of the oldest, what was before is overwritten once the ring is full.
        lost = max(self._stack - 1, 1) if self.count > size else 0
        age = np.random.randint(1, size + 1 - lost, batch)
        row = np.random.randint(0, rows, batch)
        first = (self.count - age) % self.length
        # What is cut teaches nothing: the moment before it stands in.
        unknown = kept["cut"][first, row] & ~kept["ended"][first, row]
        first = (first - unknown) % self.length
        returns, discount = np.zeros(batch, np.float32), np.ones(batch, np.float32)
        place, going = first.copy(), np.ones(batch, np.bool_)
        for _ in range(self._n_step):
            ended = kept["ended"][place, row]
            going &= ended | ~kept["cut"][place, row]
            returns += np.where(going, discount * kept["reward"][place, row], 0)
            discount = np.where(going, np.where(ended, 0, discount * self._discount), discount)
            discount = discount.astype(np.float32)
            going &= ~ended
            place = np.where(going, (place + 1) % self.length, place)
        return Samples(
            self._seen(first, row),
            kept["action"][first, row].astype(np.int64),
            returns,
            self._seen(place, row),
            kept["mask"][place, row],
            discount,
        )

    def _seen(self, place: Array, row: Array) -> Array:
        """Gives observations, `uint8[L, ...]`; before an episode's first picture all is black."""
        pictures = self._kept["observation"]
        if self._stack == 1:
            return pictures[place, row]
        out = np.zeros((len(place), self._stack, *pictures.shape[2:]), np.uint8)
        inside = np.ones(len(place), np.bool_)
        for back in range(self._stack):
            before = (place - back) % self.length
            out[inside, -1 - back] = pictures[before[inside], row[inside]]
            inside &= ~self._kept["first"][before, row]
        return out

    def save(self, store: Store) -> None:
        """Puts what came since it was called last into a store; forgets shards that are over."""
        oldest = max(self.count - self.length, 0)
        size = sum(array[0].nbytes for array in self._kept.values())
        each = max(_SHARD_BYTES // size, 1)
        for begin in range(max(self._saved, oldest), self.count, each):
            end = min(begin + each, self.count)
            places = np.arange(begin, end)
            arrays = {n: _plain(array[places % self.length]) for n, array in self._kept.items()}
            name = store.put(zlib.compress(weights.pack({**arrays, "begin": places[:1]}), 1))
            self.shards[name] = end
        self._saved = self.count
        self.shards = {name: end for name, end in self.shards.items() if end > oldest}

    def load(self, shards: Mapping[str, int], store: Store) -> None:
        """Takes back what `save` put: `shards` as they were then."""
        for name in shards:
            arrays, _ = weights.unpack(zlib.decompress(store.get(name)))
            places = int(arrays["begin"][0]) + np.arange(len(arrays["ended"]))
            for kept, array in self._kept.items():
                array[places % self.length] = arrays[kept]
            self.count = self._saved = int(places[-1]) + 1
        self.shards, self._fresh = dict(shards), True


def _plain(array: Array) -> Array:
    return array if array.dtype != np.bool_ else array.view(np.uint8)
