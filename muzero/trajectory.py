"""Stored experience. Axes: `M` moments, `A` actions, `K` unrolled steps, `L` rows of a batch."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from muzero import weights
from muzero.ahead import Ahead, look
from muzero.limits import SearchConfigError
from muzero.targets import Trace
from muzero.views import stacked

_ROOM = 1.25
"""Of a buffer's memory, how much more than is kept: less must be moved, the more there is."""


class Trajectory(NamedTuple):
    """Moments of whole episodes, one episode after the other.

    The last moment of an episode is the one after its last action: nothing is searched there.
    Where episodes go on in another trajectory, their parts stand for them. Where observations are
    stacks of pictures, the newest of each is kept, and before each first moment those that are
    older, as moments of which nothing else is known.
    """

    observation: NDArray[np.uint8]
    """`uint8[M, ...]`, seen by the player to move, see `muzero.views.View`."""
    action_mask: NDArray[np.bool_]
    """`bool[M, A]`, True = legal."""
    action: NDArray[np.int16]
    """`int16[M]`, played here; at last moments 0, or -1 where the episode goes on past them."""
    reward: NDArray[np.float32]
    """`float32[M]`, of that action, seen by its mover."""
    policy: NDArray[np.float16]
    """`float16[M, A]`, the improved policy of the search; 0 at last moments."""
    value: NDArray[np.float32]
    """`float32[M]`, of the search, seen by the player to move; what is expected past last moments,
    0 where nothing is."""
    returns: NDArray[np.float32]
    """`float32[M]`, what followed (the n-step return), seen by the player to move."""
    weight: NDArray[np.float32]
    """`float32[M]`, of the policy in the loss: 0 where the search was too cheap to learn from."""
    left: NDArray[np.int16]
    """`int16[M]`, actions to the end of the episode; 0 at last moments, -1 before first ones."""

    def pack(self) -> bytes:
        """Gives the moments as an immutable shard; equal moments give equal bytes."""
        return weights.pack(self._asdict())

    @property
    def episodes(self) -> int:
        """How many end here."""
        return int((self.left == 0).sum())

    @property
    def ply(self) -> NDArray[np.int64]:
        """`int64[M]`, moments of the same episode before each."""
        place, old = np.arange(len(self.left)), np.concatenate([[0], self.left[:-1]])
        begins = (old <= 0) & (self.left >= 0)
        return place - np.maximum.accumulate(np.where(begins, place, 0))

    @property
    def actions(self) -> int:
        """How many were played here."""
        return int((self.left > 0).sum())


def unpack(shard: bytes) -> Trajectory:
    """Gives the moments of a shard.

    Raises:
        CheckpointError: when it is damaged.
    """
    return Trajectory(**weights.unpack(shard)[0])


class TrajectoryBuffer:
    """The newest moments, up to a number of bytes, and the shards that they came in.

    Whole shards are forgotten, the oldest first.
    """

    def __init__(self, limit: int, frames: int = 1) -> None:
        """Makes an empty buffer of at most `limit` bytes.

        Args:
            limit: of bytes.
            frames: pictures of a stack, see `muzero.views.View`.

        Raises:
            SearchConfigError: when the limit is below 1.
        """
        if limit < 1:
            raise SearchConfigError(f"a buffer of {limit} bytes is impossible; give at least 1")
        self.limit, self._frames = limit, frames
        self.shards: list[str] = []
        self._sizes: list[int] = []
        self._room: Trajectory | None = None
        """What is kept, between `_begin` and `_end`, and room around it."""
        self._begin = self._end = 0
        self._starts: NDArray[np.int64] | None = None

    @property
    def size(self) -> int:
        """Moments that can be learned from."""
        return len(self._begins())

    @property
    def num_bytes(self) -> int:
        """What the moments take."""
        return _weight(self._whole()) if self.shards else 0

    def add(self, name: str, part: Trajectory, keep: int | None = None) -> None:
        """Adds a shard called `name`, and forgets what is too much.

        Args:
            name: of the shard in the store.
            part: its moments.
            keep: the most shards there may be; None = any number.
        """
        self.shards.append(name)
        self._sizes.append(len(part.left))
        weight = self.num_bytes if len(self.shards) > 1 else 0
        each = _weight(part) / len(part.left)
        weight += _weight(part)
        while len(self.shards) > 1 and (
            weight > self.limit or (keep is not None and len(self.shards) > keep)
        ):
            self.shards.pop(0)
            gone = self._sizes.pop(0)
            self._begin += gone
            weight -= round(gone * each)
        self._put(part)
        self._starts = None

    def replace(self, name: str, other: str, part: Trajectory) -> None:
        """Puts a shard called `other` in the place of one called `name`, which must be there.

        It must have as many moments.
        """
        place = self.shards.index(name)
        self.shards[place] = other
        first = sum(self._sizes[:place])
        pairs: Any = zip(self._whole(), part, strict=True)
        for kept, given in pairs:
            kept[first : first + self._sizes[place]] = given
        self._starts = None

    def _put(self, part: Trajectory) -> None:
        """Writes moments behind those that are kept; these move where there is no room for them."""
        count, live = len(part.left), self._end - self._begin
        fields: list[Any]
        if self._room is None or live + count > len(self._room.left):
            size = int(_ROOM * (live + count))
            fields = [np.empty((size, *f.shape[1:]), f.dtype) for f in part]
            room = Trajectory(*fields)
            if self._room is not None:
                for new, old in zip(fields, self._whole(), strict=True):
                    new[:live] = old
            self._room, self._begin, self._end = room, 0, live
        elif self._end + count > len(self._room.left):
            fields = list(self._room)
            for field in fields:
                for at in range(0, live, self._begin):  # in steps that do not overlap
                    step = min(self._begin, live - at)
                    field[at : at + step] = field[self._begin + at : self._begin + at + step]
            self._begin, self._end = 0, live
        fields = list(self._room)
        for field, given in zip(fields, part, strict=True):
            field[self._end : self._end + count] = given
        self._end += count

    def _whole(self) -> Trajectory:
        """Gives all that is kept, without copying it."""
        assert self._room is not None, "nothing was added"
        fields: list[Any] = [field[self._begin : self._end] for field in self._room]
        return Trajectory(*fields)

    def _begins(self) -> NDArray[np.int64]:
        """Gives the places of the moments that can be learned from."""
        if self._starts is None:
            left = self._whole().left if self.shards else np.zeros(0, np.int16)
            self._starts = np.flatnonzero(left > 0)
        return self._starts

    def sample(
        self,
        chance: NDArray[np.float64],
        unroll: int,
        seen: int | None = None,
        fresh: Trace | None = None,
    ) -> Batch:
        """Gives the moments that `chance`, `float64[L]` in `[0, 1)`, picks, all alike likely.

        Each comes with the `unroll` moments after it, as far as its episode goes.

        Args:
            chance: what decides.
            unroll: moments after each.
            seen: of how many moments of a row the observation is wanted; None = of all.
            fresh: how far ahead values are to be asked anew; None = returns stay as they were.
        """
        whole, starts = self._whole(), self._begins()
        first = starts[(chance * len(starts)).astype(np.int64)]
        left = whole.left[first].astype(np.int64)
        steps = np.minimum(np.arange(unroll + 1), left[:, None])
        place = first[:, None] + steps
        inside = (np.arange(unroll + 1) < left[:, None]).astype(np.float32)
        end, frames = first + left, self._frames
        over = (whole.action[end] >= 0).astype(np.float32)
        return Batch(
            stacked(whole.observation, place[:, :seen], frames),
            None if frames > 1 else whole.observation[end],
            whole.action_mask[place],
            np.maximum(whole.action[place], 0).astype(np.int64),
            whole.reward[place],
            whole.policy[place].astype(np.float32),
            whole.value[place],
            whole.returns[place],
            whole.weight[place] * inside,
            inside,
            left,
            np.maximum(inside, over[:, None]),
            None if fresh is None else look(whole, place, fresh, frames),
        )


class Batch(NamedTuple):
    """Moments to learn from, each with the `K` that follow it."""

    observation: NDArray[np.uint8]
    """`uint8[L, K + 1, ...]`, or of the first of these moments alone."""
    final: NDArray[np.uint8] | None
    """`uint8[L, ...]`, at the end of the episode, seen by the player to move there; None where
    pictures are seen."""
    action_mask: NDArray[np.bool_]
    """`bool[L, K + 1, A]`."""
    action: NDArray[np.int64]
    """`int64[L, K + 1]`."""
    reward: NDArray[np.float32]
    """`float32[L, K + 1]`, of that action."""
    policy: NDArray[np.float32]
    """`float32[L, K + 1, A]`."""
    value: NDArray[np.float32]
    """`float32[L, K + 1]`, of the search."""
    returns: NDArray[np.float32]
    """`float32[L, K + 1]`, what followed."""
    weight: NDArray[np.float32]
    """`float32[L, K + 1]`, of the policy."""
    inside: NDArray[np.float32]
    """`float32[L, K + 1]`: 1, and 0 past the end of the episode."""
    left: NDArray[np.int64]
    """`int64[L]`, actions to the end."""
    known: NDArray[np.float32] | None = None
    """`float32[L, K + 1]`: 1 where value and reward are known: inside, and past the end where
    nothing follows it. None = everywhere."""
    ahead: Ahead | None = None
    """What lies ahead, where its value is to be asked anew; None = `returns` count as they are."""


def _weight(part: Trajectory) -> int:
    return sum(field.nbytes for field in part)
