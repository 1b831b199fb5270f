"""Shared by the tests of trainers: a store in memory."""

import hashlib

import pytest


class Memory(dict):
    """Objects by the hash of their contents."""

    def put(self, data):
        name = hashlib.sha256(data).hexdigest()
        self[name] = data
        return name

    def get(self, name):
        return self[name]


@pytest.fixture
def store():
    return Memory()
