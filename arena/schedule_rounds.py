"""Schedules in rounds, each decided by the rounds before: Swiss and knockout.

A round begins when the results of the one before it are known. Agents are named by their index.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from arena.schedule import Meeting, Plan, in_parts, num_rounds, until_known
from arena.tally_kernels import points_taken

_TIE_BREAKS = 4
"""Pairs of games that may part equals in a knockout; then who was named first goes on."""

Pairs = list[tuple[int, int]]


def swiss(plan: Plan) -> Iterator[Meeting | None]:
    """Gives rounds in which agents with like scores meet, nobody twice; as many as a knockout has.

    The first round pairs the upper half of the list with the lower. Of an odd number, the last that
    has not been left out yet is left out.
    """
    size = len(plan.agents)
    met: set[tuple[int, int]] = set()
    rested: set[int] = set()
    half = (size + 1) // 2
    order = [
        agent for pair in zip(range(half), range(half, 2 * half), strict=True) for agent in pair
    ]
    order = [agent for agent in order if agent < size]
    for number in range(num_rounds(size)):
        if number:
            yield from until_known(plan)
            order = _by_score(plan)
        pairs, left_out = _round(order, met, rested)
        met.update(pairs)
        rested.update(left_out)
        yield from in_parts(plan, pairs)


def _by_score(plan: Plan) -> list[int]:
    """Gives the agents, the most points a game first, those without a game last."""
    points = _points(plan)
    games = (points + points.T).sum(1)
    scores = points.sum(1) / np.maximum(games, 1)
    return sorted(range(len(plan.agents)), key=lambda agent: (-scores[agent], agent))


def _points(plan: Plan) -> NDArray[np.float64]:
    """Gives the points that each row's agent took from each column's, `float64[N, N]`."""
    counts = plan.standings.tally.counts()
    out = np.zeros((len(plan.agents), len(plan.agents)))
    place = [plan.agents.index(name) for name in counts.players]
    out[np.ix_(place, place)] = points_taken(counts.cells, len(place))
    return out


def _round(
    order: Sequence[int], met: set[tuple[int, int]], rested: set[int]
) -> tuple[Pairs, list[int]]:
    """Gives pairs that did not meet before, near each other in `order`, and who is left out."""
    if len(order) % 2 == 0:
        return _paired(order, met) or _paired(order, set()) or [], []
    fresh = [agent for agent in reversed(order) if agent not in rested] or list(order[-1:])
    for last in fresh:
        pairs = _paired([agent for agent in order if agent != last], met)
        if pairs is not None:
            return pairs, [last]
    others = [agent for agent in order if agent != fresh[0]]
    return _paired(others, set()) or [], fresh[:1]


def _paired(order: Sequence[int], met: set[tuple[int, int]]) -> Pairs | None:
    """Gives pairs of neighbours in `order`, moved apart where they met; None where none fit."""
    if not order:
        return []
    for place in range(1, len(order)):
        pair = min(order[0], order[place]), max(order[0], order[place])
        if pair not in met:
            rest = _paired([*order[1:place], *order[place + 1 :]], met)
            if rest is not None:
                return [pair, *rest]
    return None


def knockout(plan: Plan) -> Iterator[Meeting | None]:
    """Gives rounds from which the winner of each meeting goes on, until one is left.

    Seeds follow the order of the agents: the first two can meet in the last round only, and the
    first rest in the first round if the number is no power of two. Equals play more pairs of games.
    """
    bracket = _bracket(len(plan.agents))
    while len(bracket) > 1:
        pairs = [(min(pair), max(pair)) for pair in zip(bracket[::2], bracket[1::2], strict=True)]
        played = [pair for pair in pairs if pair[1] < len(plan.agents)]
        yield from in_parts(plan, played)
        yield from until_known(plan)
        equal = _equal(plan, played)
        for extra in range(_TIE_BREAKS):
            begin = plan.games + 2 * extra
            if equal:
                yield from (Meeting(*pair, begin, begin + 2) for pair in equal)
                yield from until_known(plan)
                equal = _equal(plan, equal)
        points = _points(plan)
        bracket = [
            second if pair in played and points[second, first] > points[first, second] else first
            for pair in pairs
            for first, second in [pair]
        ]


def _equal(plan: Plan, pairs: Pairs) -> Pairs:
    """Gives the pairs in which both took as many points."""
    points = _points(plan)
    return [pair for pair in pairs if points[pair] == points[pair[::-1]]]


def _bracket(size: int) -> list[int]:
    """Gives the seeds in the order of the bracket; those that are no agent leave theirs a rest."""
    bracket = [0]
    while len(bracket) < size:
        bracket = [seed for one in bracket for seed in (one, 2 * len(bracket) - 1 - one)]
    return bracket
