"""The short form of the damage that `make faults` does to files."""

from tests.faults import bits


def test_no_cut_and_no_flipped_bit_is_a_silent_change(tmp_path):
    row = bits.sweep(tmp_path, flips=16, cuts=5)
    assert row.held, row.result
    assert row.count >= 8 * 16
