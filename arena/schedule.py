"""Schedules: who meets whom next, apart from how they play.

A schedule is a generator of meetings. It may look at `plan.standings`, which holds the results of
all chunks that are committed, up to a fixed number before the one being drawn; so what it decides
is the same with any executor, any number of workers and after any stop. Where it must know more, it
yields None, an empty place, until it does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import NamedTuple

from arena.standings import Standings
from configs.loader import ConfigError, closest

AHEAD = 16
"""Chunks that are drawn before a result is asked for, if nothing is said."""


class Meeting(NamedTuple):
    """Some games of a pairing."""

    first: int
    """Index of an agent."""
    second: int
    """Index of the other agent."""
    begin: int
    """Number of the first game within the pairing, even: games 2n and 2n + 1 share an opening."""
    end: int
    """Number after the last game."""


@dataclass(frozen=True)
class Plan:
    """What a schedule has to fill."""

    agents: tuple[str, ...]
    """Canonical AGENT texts; meetings name them by index."""
    games: int
    """Games that a pairing is to have, even."""
    chunk_games: int
    """Most games of a meeting."""
    standings: Standings
    """What is known so far; it grows while the schedule runs."""
    ahead: int = AHEAD
    """Chunk k may know chunks 0 to k - `ahead`."""


class Schedule(NamedTuple):
    """A way to decide who meets."""

    meetings: Callable[[Plan], Iterator[Meeting | None]]
    total: Callable[[int, int], int]
    """Gives the games of a whole tournament from the number of agents and the games a pairing; a
    knockout may play a few more to part equals."""
    looks: bool = True
    """Whether it looks at the standings, which else need not be kept."""


def round_robin(plan: Plan) -> Iterator[Meeting]:
    """Gives the meetings of every pairing, in rounds in which each agent has at most one.

    The circle method: the first stays, the others move on by one seat a round.
    """
    circle = list(range(len(plan.agents))) + ([-1] if len(plan.agents) % 2 else [])
    rounds = []
    for _ in range(len(circle) - 1):
        half = len(circle) // 2
        pairs = zip(circle[:half], circle[: half - 1 : -1], strict=True)
        rounds += [(min(pair), max(pair)) for pair in pairs if min(pair) >= 0]
        circle.insert(1, circle.pop())
    yield from in_parts(plan, rounds)


def gauntlet(plan: Plan) -> Iterator[Meeting]:
    """Gives the meetings of the first agent with each of the others."""
    yield from in_parts(plan, [(0, other) for other in range(1, len(plan.agents))])


def in_parts(plan: Plan, pairings: Sequence[tuple[int, int]]) -> Iterator[Meeting]:
    """Gives every pairing its first games before any gets its next."""
    for begin in range(0, plan.games, plan.chunk_games):
        end = min(begin + plan.chunk_games, plan.games)
        yield from (Meeting(first, second, begin, end) for first, second in pairings)


def until_known(plan: Plan) -> Iterator[None]:
    """Gives so many empty places that everything drawn before them is in the standings."""
    for _ in range(plan.ahead - 1):
        yield None


def every_pairing(num_agents: int, games: int) -> int:
    """Gives the games of a tournament in which each agent meets each other."""
    return games * num_agents * (num_agents - 1) // 2


def num_rounds(num_agents: int) -> int:
    """Gives the rounds after which one of so many agents can have won all its meetings."""
    return (num_agents - 1).bit_length()


def _imported(target: str, plan: Plan) -> Iterator[Meeting | None]:
    """Gives the meetings of the schedule that `module:attr` names, imported on first use."""
    module, _, attr = target.partition(":")
    meetings: Iterator[Meeting | None] = getattr(import_module(module), attr)(plan)
    return meetings


SCHEDULES = {
    "round-robin": Schedule(round_robin, every_pairing, looks=False),
    "gauntlet": Schedule(gauntlet, lambda n, games: games * (n - 1), looks=False),
    "swiss": Schedule(
        partial(_imported, "arena.schedule_rounds:swiss"),
        lambda n, games: games * (n // 2) * num_rounds(n),
    ),
    "knockout": Schedule(
        partial(_imported, "arena.schedule_rounds:knockout"), lambda n, games: games * (n - 1)
    ),
    "adaptive": Schedule(partial(_imported, "arena.schedule_adaptive:adaptive"), every_pairing),
}


def find(name: str) -> Schedule:
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
