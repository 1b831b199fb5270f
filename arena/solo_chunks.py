"""Solo episodes as chunks: every agent plays the same seeds of every env."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import NamedTuple

from arena import solo
from arena.chunk import AgentCard, Chunk, Game
from arena.match import TimeControl
from envs import registry

ROWS = 8
"""Most solo episodes of a chunk: they are long, and what is not committed is played again."""


class Seeds(NamedTuple):
    """Which episodes are played."""

    seed: int
    """Of the event."""
    number: int
    """How many seeds each agent plays."""
    chunk_games: int = ROWS
    """Most of them in a chunk."""


def envs(env: str) -> tuple[str, ...]:
    """Gives the canonical ids of an env or of a group of them.

    Raises:
        UnknownEnvError: when there is neither.
    """
    return registry.group(env) or (registry.canonical(env),)


def is_solo(env: str) -> bool:
    """Gives whether agents play an env, or a group of them, alone. Raises as `envs`."""
    return registry.spec(envs(env)[0]).num_players == 1


def draw(env: str, cards: Sequence[AgentCard], seeds: Seeds, clock: TimeControl) -> Iterator[Chunk]:
    """Gives the chunks in their order: all envs and agents play some seeds before any goes on."""
    numbers = count()
    found = solo.seeds(seeds.seed, seeds.number)
    rows = min(seeds.chunk_games, ROWS)
    for begin in range(0, len(found), rows):
        for name in envs(env):
            for card in cards:
                for part in parts(found[begin : begin + rows], card):
                    games = tuple(Game((0,), (), seed) for seed in part)
                    yield Chunk(next(numbers), name, (card.agent,), games, clock)


def parts(seeds: Sequence[int], card: AgentCard) -> Iterator[Sequence[int]]:
    """Gives seeds in parts that the agent can play side by side."""
    size = card.max_batch or len(seeds)
    return (seeds[begin : begin + size] for begin in range(0, len(seeds), size))
