"""Who has a finite rating, and bounds for who has none. Axes: `P` players, `Q` pairings.

`i` reaches `j` when `i` took points from `j`, or from somebody who reaches `j`. Players that reach
each other have finite differences; a side that never lost a point to the rest has none to it.
Source: Ford 1957, https://doi.org/10.1080/00029890.1957.11989117.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray

Bound = Literal["lower", "upper"] | None
ONE_SIDED = 0.05
"""The chance of the results at a bound: 100-0 gives >= +607, 10-0 >= +183, 3-0 >= -94."""


@dataclass(frozen=True, eq=False)
class Links:
    """How results hold the players together."""

    taken: NDArray[np.float64]
    """`float64[P, P]`, points that the row's player took from the column's."""
    groups: tuple[NDArray[np.int64], ...]
    """Players that met, directly or through others: one entry where all are linked."""
    sets: NDArray[np.int64]
    """`int64[P]`, equal for players that reach each other."""
    reach: NDArray[np.bool_] | None
    """`bool[P, P]`, row reaches column; None where everybody does."""


def links(cells: NDArray[np.int64], num_players: int) -> Links:
    """Gives how results hold the players together, from the counts' `cells`."""
    taken = points_taken(cells, num_players)
    won = taken > 0
    if _spread(won, 0).all() and _spread(won.T, 0).all():
        everybody = (np.arange(num_players),)
        return Links(taken, everybody, np.zeros(num_players, np.int64), None)
    met = won | won.T
    seen = np.stack([_spread(met, player) for player in range(num_players)])
    groups = tuple(np.flatnonzero(row) for row in np.unique(seen, axis=0)[::-1])
    reach = np.stack([_spread(won, player) for player in range(num_players)])
    return Links(taken, groups, np.argmax(reach & reach.T, axis=1), reach)


def points_taken(cells: NDArray[np.int64], num_players: int) -> NDArray[np.float64]:
    """Gives the points that each row's player took from each column's, `float64[P, P]`."""
    high, low = np.tril_indices(num_players, -1)
    taken = np.zeros((num_players, num_players))
    taken[low, high] = cells[:, 0, 2] + cells[:, 1, 0] + 0.5 * (cells[:, 0, 1] + cells[:, 1, 1])
    taken[high, low] = cells[:, 0, 0] + cells[:, 1, 2] + 0.5 * (cells[:, 0, 1] + cells[:, 1, 1])
    return taken


@njit(cache=True)
def _spread(edges: Any, start: int) -> Any:
    """Gives who can be reached from `start`, itself included, `bool[P]`."""
    size = edges.shape[0]
    seen = np.zeros(size, np.bool_)
    queue = np.empty(size, np.int64)
    seen[start], queue[0] = True, start
    head, tail = 0, 1
    while head < tail:
        row = edges[queue[head]]
        head += 1
        for j in range(size):
            if row[j] and not seen[j]:
                seen[j] = True
                queue[tail] = j
                tail += 1
    return seen


def bounds(found: Links) -> tuple[Bound, ...]:
    """Gives for each player None (finite), "lower" (no upper end) or "upper" (no lower end).

    In each group the largest set of players that reach each other, two or more, is the core and
    finite. Who reaches the core without being reached has a lower bound only; who is reached
    without reaching has an upper bound. Anybody else, and everybody where no set is the largest,
    is bounded on the side where less than half of the points outside the own set were taken.
    """
    size = len(found.sets)
    out: list[Bound] = [None] * size
    if found.reach is None:
        return tuple(out)
    for group in found.groups:
        core = _core(found.sets[group])
        for player in group:
            if len(group) == 1 or found.sets[player] == core:
                continue
            up = core >= 0 and bool(found.reach[player, core])
            down = core >= 0 and bool(found.reach[core, player])
            if not up and not down:
                outside = found.sets != found.sets[player]
                won = found.taken[found.sets == found.sets[player]][:, outside].sum()
                lost = found.taken[outside][:, found.sets == found.sets[player]].sum()
                up = bool(won >= lost)
            out[player] = "lower" if up else "upper"
    return tuple(out)


def _core(sets: NDArray[np.int64]) -> int:
    """Gives the set with most players, -1 where it has one player or is as large as another."""
    labels, sizes = np.unique(sets, return_counts=True)
    largest = np.flatnonzero(sizes == sizes.max())
    return int(labels[largest[0]]) if len(largest) == 1 and sizes.max() > 1 else -1


def bound_rating(
    player: int, bound: Bound, found: Links, rating: NDArray[np.float64], finite: bool
) -> float:
    """Gives the rating in nats at which the results that show no other end have a chance of 5 %.

    These results are the games that the player's set won from ("lower"), or lost to ("upper"),
    players outside it; the set moves as a whole and the others stand at their ratings. Where
    nobody of the group has a finite rating, all others stand at 0, so that 10-0 gives +183 Elo.
    The first-move term stays out: it is the same for both where seats are balanced.
    Source: one-sided Clopper and Pearson 1934, https://doi.org/10.1093/biomet/26.4.404.

    Args:
        player: index.
        bound: on which side; None gives nan.
        found: from `links`.
        rating: `float64[P]`, nats, centred.
        finite: whether somebody of the group has a finite rating.
    """
    if bound is None:
        return math.nan
    own = found.sets == found.sets[player]
    taken = found.taken if bound == "lower" else found.taken.T
    clear = np.where(taken.T[own][:, ~own] == 0, taken[own][:, ~own], 0.0)
    sign = 1.0 if bound == "lower" else -1.0
    place = rating if finite else np.where(own, rating - rating[player], 0.0)
    ahead = sign * (place[own][:, None] - place[~own][None, :])
    low, high = -60.0 - float(np.abs(ahead).max()), 60.0 + float(np.abs(ahead).max())
    while high - low > 1e-9:
        shift = (low + high) / 2
        chance = -float((clear * np.logaddexp(0, -ahead - shift)).sum())
        low, high = (shift, high) if chance < math.log(ONE_SIDED) else (low, shift)
    return float(place[player] + sign * low)
