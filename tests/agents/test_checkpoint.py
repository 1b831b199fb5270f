"""Checkpoints: whole or not there, and every change of a byte is noticed."""

import errno
import json
import os

import pytest

from agents import checkpoint
from agents.checkpoint import CheckpointError, Manifest
from agents.disk import DiskError

ABOUT = Manifest("alphazero", "connectx", "abc", {"chunks": 3}, {}, ("object",), {"seconds": 1.5})
PARTS = {checkpoint.WEIGHTS: b"some weights", "state.safetensors": b"a state"}


@pytest.fixture
def folder(tmp_path):
    made = checkpoint.at(tmp_path / "run", 3)
    checkpoint.write(made, ABOUT, PARTS)
    return made


def test_what_is_written_is_read(folder):
    about = checkpoint.manifest(folder)
    assert about.counters == {"chunks": 3}
    assert about.objects == ("object",)
    assert {name: checkpoint.read(folder, name) for name in about.parts} == PARTS
    assert checkpoint.steps(folder.parents[1]) == [3]
    assert not list(folder.parent.glob("*.part"))


def test_every_flipped_byte_of_a_part_is_noticed(folder):
    file = folder / checkpoint.WEIGHTS
    whole = file.read_bytes()
    for place in range(len(whole)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(CheckpointError, match="is damaged: its SHA-256"):
            checkpoint.read(folder, checkpoint.WEIGHTS)


def test_what_lacks_is_named(folder, tmp_path):
    with pytest.raises(CheckpointError, match="no checkpoint in"):
        checkpoint.manifest(tmp_path)
    with pytest.raises(CheckpointError, match="has no part 'else'"):
        checkpoint.read(folder, "else")
    (folder / checkpoint.WEIGHTS).unlink()
    with pytest.raises(CheckpointError, match=r"has no part 'weights\.safetensors'"):
        checkpoint.read(folder, checkpoint.WEIGHTS)


def test_damaged_and_other_manifests_are_refused(folder):
    file = folder / checkpoint.MANIFEST
    tree = json.loads(file.read_text())
    file.write_text(json.dumps({**tree, "format": 99}))
    with pytest.raises(CheckpointError, match="has format 99, expected 1"):
        checkpoint.manifest(folder)
    for text in ("", "[]", "{}", json.dumps({**tree, "more": 1})):
        file.write_text(text)
        with pytest.raises(CheckpointError, match="is damaged"):
            checkpoint.manifest(folder)


def test_stripping_leaves_the_player_and_cards_can_change(folder):
    checkpoint.annotate(folder, {"elo": 7.0})
    checkpoint.strip(folder)
    about = checkpoint.manifest(folder)
    assert about.card == {"elo": 7.0}
    assert about.objects == ()
    assert sorted(p.name for p in folder.iterdir()) == [checkpoint.MANIFEST, checkpoint.WEIGHTS]
    assert checkpoint.read(folder, checkpoint.WEIGHTS) == PARTS[checkpoint.WEIGHTS]


def test_writing_again_replaces(folder):
    checkpoint.write(folder, ABOUT, {checkpoint.WEIGHTS: b"others"})
    assert checkpoint.read(folder, checkpoint.WEIGHTS) == b"others"
    assert list(checkpoint.manifest(folder).parts) == [checkpoint.WEIGHTS]


def test_every_flipped_bit_of_a_manifest_is_noticed_or_changes_nothing(folder):
    file = folder / checkpoint.MANIFEST
    whole, about = file.read_bytes(), checkpoint.manifest(folder)
    for place in range(8 * len(whole)):
        flipped = bytearray(whole)
        flipped[place // 8] ^= 1 << place % 8
        file.write_bytes(flipped)
        try:
            found = checkpoint.manifest(folder)
        except CheckpointError:
            continue
        assert found == about
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        with pytest.raises(CheckpointError):
            checkpoint.manifest(folder)


def test_what_cannot_be_written_is_named(folder, monkeypatch):
    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskError, match=r"00000003.*No space left on device; .* is safe") as caught:
        checkpoint.write(folder, ABOUT, PARTS)
    assert caught.value.errno == errno.ENOSPC
    assert checkpoint.read(folder, checkpoint.WEIGHTS) == PARTS[checkpoint.WEIGHTS]
