"""Schedules: who meets whom, apart from how they play."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from configs.loader import ConfigError, closest

Pairing = tuple[int, int]
"""Indices of two agents."""


def round_robin(agents: int) -> Iterator[Pairing]:
    """Gives every pairing once, in rounds in which each agent has at most one.

    The circle method: the first stays, the others move on by one seat a round.
    """
    circle = list(range(agents)) + ([-1] if agents % 2 else [])
    for _ in range(len(circle) - 1):
        for left, right in zip(circle[: len(circle) // 2], reversed(circle), strict=False):
            if left >= 0 and right >= 0:
                yield min(left, right), max(left, right)
        circle.insert(1, circle.pop())


def gauntlet(agents: int) -> Iterator[Pairing]:
    """Gives the pairings of the first agent with each of the others."""
    for other in range(1, agents):
        yield 0, other


SCHEDULES: dict[str, Callable[[int], Iterator[Pairing]]] = {
    "round-robin": round_robin,
    "gauntlet": gauntlet,
}


def find(name: str) -> Callable[[int], Iterator[Pairing]]:
    """Gives the schedule of that name.

    Raises:
        ConfigError: when there is none, with the nearest name.
    """
    if name not in SCHEDULES:
        known = ", ".join(SCHEDULES)
        raise ConfigError(
            f"unknown schedule '{name}'{closest(name, SCHEDULES)} (there are: {known})"
        )
    return SCHEDULES[name]
