"""Confined children between their games: they stand still, kept for the next game of their file.

They outlive the player that used them, so that a worker which plays many files in turn starts few
processes. Those that rested longest are ended when all of them take too much. A file is executed
anew for each game and may fill its process up with that: one that is nearly full is replaced.
"""

from __future__ import annotations

from collections.abc import Hashable

from agents.confined import Confined

_KEPT = 200
_KEPT_MB = 512.0
_PROCESSOR_S = 1200.0
"""A child that has used so much is replaced in time, before its limit ends it."""

_resting: list[tuple[Hashable, Confined]] = []
"""Key and child, the one that rests longest first."""


def take(key: Hashable) -> Confined | None:
    """Gives the child that rested last under this key, None when there is none."""
    for place in range(len(_resting) - 1, -1, -1):
        if _resting[place][0] == key:
            child = _resting.pop(place)[1]
            if child.quiet() and not child.full() and child.processor_s() < _PROCESSOR_S:
                return child
            child.kill()
    return None


def give(key: Hashable, child: Confined) -> None:
    """Lets a child rest under a key."""
    child.pause()
    _resting.append((key, child))
    while len(_resting) > _KEPT or sum(child.own_mb for _, child in _resting) > _KEPT_MB:
        _resting.pop(0)[1].kill()
