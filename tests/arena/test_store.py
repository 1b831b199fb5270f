"""The store: objects by the hash of what they hold."""

import pickle

import pytest

from arena.store import FolderStore


def test_what_is_put_is_got_in_any_process(tmp_path):
    store = FolderStore(tmp_path / "objects")
    name = store.put(b"some bytes")
    assert store.put(b"some bytes") == name
    assert pickle.loads(pickle.dumps(store)).get(name) == b"some bytes"
    store.sync([name])
    assert [file.name for file in store.folder.iterdir()] == [name]


def test_damage_is_noticed_and_what_lacks_too(tmp_path):
    store = FolderStore(tmp_path)
    name = store.put(b"some bytes")
    (tmp_path / name).write_bytes(b"some bytez")
    with pytest.raises(OSError, match="is damaged"):
        store.get(name)
    with pytest.raises(FileNotFoundError):
        store.get("0" * 64)


def test_pruning_keeps_what_is_named(tmp_path):
    store = FolderStore(tmp_path)
    one, two = store.put(b"1"), store.put(b"2")
    store.prune([two])
    assert store.get(two) == b"2"
    with pytest.raises(FileNotFoundError):
        store.get(one)
