"""The schedule that plays where games tell most. Axis: `N` agents. Ratings are in Elo."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from arena import rating
from arena.elo import ELO_PER_NAT
from arena.rating import Ratings
from arena.schedule import Meeting, Plan, every_pairing
from arena.tally import Counts
from arena.tally_kernels import points_taken

_SPREAD = 400.0
"""Standard deviation that ratings are believed to have before any game."""


def adaptive(plan: Plan) -> Iterator[Meeting]:
    """Gives two games, seats swapped, to the pairing of which they are expected to tell most.

    As many games as a round robin has. Two games tell more of a pairing the less is known of its
    difference and the evener it is; that counts as far as its order may still be wrong. Games that
    are drawn and whose results are not known yet count as told.
    """
    size = len(plan.agents)
    drawn, known = np.zeros((2, size, size), np.int64)
    games, ratings = 0, None
    for _ in range(every_pairing(size, plan.games) // 2):
        if plan.standings.games != games:
            games, counts = plan.standings.games, plan.standings.tally.counts()
            known, ratings = _played(plan.agents, counts), _fit(counts, ratings)
        first, second = _most_telling(*_belief(plan.agents, ratings), drawn - known)
        begin = int(drawn[first, second])
        drawn[first, second] += 2
        yield Meeting(int(first), int(second), begin, begin + 2)


def _fit(counts: Counts, before: Ratings | None) -> Ratings:
    return rating.fit(counts, f"gauss:{_SPREAD:g}", warm=before, errors="fisher")


def _belief(
    agents: tuple[str, ...], ratings: Ratings | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Gives ratings, `float64[N]`, their covariance, `float64[N, N]`, and the first move."""
    elo, spread = np.zeros(len(agents)), np.diag(np.full(len(agents), _SPREAD**2))
    if ratings is None:
        return elo, spread, 0.0
    place = np.array([agents.index(name) for name in ratings.players])
    elo[place] = ratings.elo
    spread[np.ix_(place, place)] = ratings.covariance
    return elo, spread, ratings.first_move_elo or 0.0


def _played(agents: tuple[str, ...], counts: Counts) -> NDArray[np.int64]:
    """Gives the known games of each pairing, `int64[N, N]`, the lower index first."""
    place = [agents.index(name) for name in counts.players]
    taken = points_taken(counts.cells, len(place))
    out = np.zeros((len(agents), len(agents)), np.int64)
    out[np.ix_(place, place)] = np.rint(taken + taken.T)
    return np.triu(out)


@njit(cache=True)
def _told(difference: Any, seat: Any) -> Any:
    """Gives the Fisher information of two games, seats swapped, on a difference, 1 / Elo^2.

    Source: p (1 - p) of each game, https://en.wikipedia.org/wiki/Fisher_information#Examples.
    """
    p = 1 / (1 + math.exp(-(difference + seat) / ELO_PER_NAT))
    q = 1 / (1 + math.exp(-(difference - seat) / ELO_PER_NAT))
    return (p * (1 - p) + q * (1 - q)) / ELO_PER_NAT**2


@njit(cache=True)
def _most_telling(elo: Any, spread: Any, seat: Any, waiting: Any) -> Any:
    """Gives the pairing to play; writes into `spread` what `waiting` games will tell.

    The gain is the variance of the difference times the information of two games, times the chance
    that the order is wrong.
    Source: Sherman and Morrison 1950, https://doi.org/10.1214/aoms/1177729893.
    """
    size = elo.size
    for i in range(size):
        for j in range(i + 1, size):
            if waiting[i, j] > 0:
                told = 0.5 * waiting[i, j] * _told(elo[i] - elo[j], seat)
                row = spread[i] - spread[j]
                row *= math.sqrt(told / (1 + told * (row[i] - row[j])))
                for k in range(size):
                    spread[k] -= row[k] * row
    best, most = (0, 1), -1.0
    for i in range(size):
        for j in range(i + 1, size):
            variance = max(spread[i, i] + spread[j, j] - 2 * spread[i, j], 1e-9)
            difference = elo[i] - elo[j]
            wrong = 0.5 * math.erfc(abs(difference) / math.sqrt(2 * variance))
            gain = variance * _told(difference, seat) * wrong
            if gain > most:
                best, most = (i, j), gain
    return best
