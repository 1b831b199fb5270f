"""Files of arrays: what is written is read, by us and by others, and damage is noticed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from muzero import weights
from muzero.weights import CheckpointError

ARRAYS = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b": np.array([True, False]),
    "c": np.arange(4, dtype=np.float16),
    "d": np.zeros((0, 3), np.int64),
    "e": np.array(7, np.float32),
}
FILE = weights.pack(ARRAYS, {"x": "y"})


def test_others_read_what_is_written_and_the_other_way_round():
    safetensors = pytest.importorskip("safetensors.numpy")
    read = safetensors.load(FILE)
    ours, about = weights.unpack(safetensors.save(ARRAYS, {"x": "y"}))
    assert about == {"x": "y"}
    for name, array in ARRAYS.items():
        for other in (read[name], ours[name]):
            assert other.dtype == array.dtype
            assert np.array_equal(other, array)


@settings(deadline=None)
@given(
    hnp.arrays(
        st.sampled_from([np.float32, np.float16, np.uint8, np.int16]), hnp.array_shapes(min_dims=0)
    )
)
def test_arrays_come_back_bit_by_bit(array):
    read, _ = weights.unpack(weights.pack({"it": array}))
    assert read["it"].tobytes() == array.tobytes()
    assert read["it"].shape == array.shape


@settings(deadline=None)
@given(st.integers(0, len(FILE) - 1))
def test_a_cut_file_is_refused(size):
    with pytest.raises(CheckpointError, match="damaged"):
        weights.unpack(FILE[:size])


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_other_files_are_refused(data):
    with pytest.raises(CheckpointError, match="damaged"):
        weights.unpack(data)


def test_networks_know_their_environment_and_version():
    file = weights.pack_network({"a": np.zeros(1, np.float32)}, "connectx")
    assert weights.unpack_network(file, "connectx").env == "connectx"
    with pytest.raises(CheckpointError, match="trained for connectx, not for connectx-5x4x3"):
        weights.unpack_network(file, "connectx-5x4x3")
    old = weights.pack({"a": np.zeros(1, np.float32)}, {"format": "0", "env": "connectx"})
    with pytest.raises(CheckpointError, match="format 0, expected 1"):
        weights.unpack_network(old)


def test_a_network_must_say_how_it_was_made_in_a_table():
    arrays = {"a": np.zeros(1, np.float32)}
    assert weights.unpack_network(weights.pack_network(arrays, "connectx")).about == {}
    with pytest.raises(CheckpointError, match="does not say how its network was made; get it ag"):
        weights.unpack_network(weights.pack_network(arrays, "connectx", ["board"]))
    text = b'{"__metadata__":["connectx"]}'
    with pytest.raises(CheckpointError, match="the file is damaged"):
        weights.unpack_network(len(text).to_bytes(8, "little") + text)
