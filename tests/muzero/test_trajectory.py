"""The buffer of experience: what goes in is what is learned from, and it stays within bounds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muzero.limits import SearchConfigError
from muzero.trajectory import Trajectory, TrajectoryBuffer, unpack
from muzero.weights import CheckpointError


def shard(lengths, first=0):
    """Gives episodes whose observations count moments and whose returns count episodes."""
    left = np.concatenate([np.arange(n, -1, -1) for n in lengths]).astype(np.int16)
    count = len(left)
    number = np.arange(first, first + count)
    episode = np.repeat(np.arange(len(lengths)), [n + 1 for n in lengths])
    return Trajectory(
        number.astype(np.uint8)[:, None],
        np.ones((count, 7), np.bool_),
        (number % 7).astype(np.int16),
        np.zeros(count, np.float32),
        np.zeros((count, 7), np.float16),
        number.astype(np.float32),
        episode.astype(np.float32),
        np.ones(count, np.float32),
        left,
    )


def test_a_shard_survives_packing_and_refuses_damage():
    part = shard([3, 2])
    data = part.pack()
    back = unpack(data)
    assert all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in zip(part, back, strict=True))
    assert data == back.pack()
    assert part.episodes == 2
    with pytest.raises(CheckpointError, match="damaged"):
        unpack(data[:-1])


def test_plies_count_from_the_first_moment_of_an_episode():
    assert list(shard([3, 1]).ply) == [0, 1, 2, 3, 0, 1]


@settings(deadline=None)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=5), st.integers(0, 4), st.integers(0, 9))
def test_batches_follow_their_episode_and_stop_at_its_end(lengths, unroll, seed):
    part, buffer = shard(lengths), TrajectoryBuffer(1 << 20)
    buffer.add("a", part)
    assert buffer.size == sum(lengths)
    batch = buffer.sample(np.random.default_rng(seed).random(16), unroll)
    ends = np.flatnonzero(part.left == 0)
    for row in range(16):
        first = int(batch.value[row, 0])
        last = ends[ends >= first][0]
        assert part.left[first] == batch.left[row] > 0
        assert batch.final[row, 0] == last
        assert list(batch.observation[row, :, 0]) == [
            min(first + k, last) for k in range(unroll + 1)
        ]
        assert list(batch.inside[row]) == [float(first + k < last) for k in range(unroll + 1)]
        assert (batch.weight[row] == batch.inside[row]).all()


def test_every_moment_but_the_last_ones_is_drawn():
    buffer = TrajectoryBuffer(1 << 20)
    buffer.add("a", shard([2, 3]))
    drawn = buffer.sample((np.arange(5) + 0.5) / 5, 0).value[:, 0]
    assert sorted(drawn) == [0, 1, 3, 4, 5]


def test_the_oldest_shards_are_forgotten_first():
    size = sum(field.nbytes for field in shard([4]))
    buffer = TrajectoryBuffer(3 * size)
    for number in range(5):
        buffer.add(str(number), shard([4], 5 * number))
    assert buffer.shards == ["2", "3", "4"]
    assert buffer.num_bytes <= buffer.limit
    assert buffer.sample(np.zeros(1), 0).value[0, 0] == 10
    with pytest.raises(SearchConfigError, match="buffer of 0 bytes"):
        TrajectoryBuffer(0)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=12), st.integers(1, 4))
def test_what_is_kept_stays_in_order_however_it_is_moved(sizes, keep):
    buffer, parts = TrajectoryBuffer(1 << 20), []
    for number, size in enumerate(sizes):
        parts.append(shard([size], 20 * number))
        buffer.add(str(number), parts[-1], keep)
        whole = [np.concatenate(fields) for fields in zip(*parts[-keep:], strict=True)]
        assert buffer.num_bytes == sum(field.nbytes for field in whole)
        starts = np.flatnonzero(whole[-1] > 0)
        chance = (np.arange(len(starts)) + 0.5) / len(starts)
        batch = buffer.sample(chance, 0)
        assert np.array_equal(batch.value[:, 0], whole[5][starts])
        assert np.array_equal(batch.observation[:, 0], whole[0][starts])
    other = parts[-1]._replace(value=-parts[-1].value)
    buffer.replace(buffer.shards[-1], "other", other)
    ends = buffer.sample(np.array([1 - 1e-9]), 0)
    assert ends.value[0, 0] == other.value[-2]
    assert buffer.shards[-1] == "other"
