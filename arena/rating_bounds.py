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

from arena.tally import pairing_players
from arena.tally_kernels import games_by_seat, points_taken

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
    out: list[Bound] = [None] * len(found.sets)
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


def games_begun(cells: NDArray[np.int64], num_players: int) -> NDArray[np.float64]:
    """Gives the games of the row's player with the column's that it began, `float64[P, P]`."""
    seats = games_by_seat(cells)
    low, high = pairing_players(num_players)
    begun = np.zeros((num_players, num_players))
    begun[low, high], begun[high, low] = seats[:, 0], seats[:, 1]
    return begun


def bound_ratings(
    marks: tuple[Bound, ...],
    found: Links,
    x: NDArray[np.float64],
    begun: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Gives the ratings at which the results that show only one end have a chance of 5 %.

    These results are the games that the player's set won from ("lower"), or lost to ("upper"),
    players outside it; the set moves as a whole and the others stand at their ratings. Where
    nobody of the group has a finite rating, all others stand at 0 and moving first is worth
    nothing, so that 10-0 gives +183 Elo.
    Source: one-sided Clopper and Pearson 1934, https://doi.org/10.1093/biomet/26.4.404.

    Args:
        marks: from `bounds`.
        found: from `links`.
        x: `float64[P + 1]`, nats: centred ratings, and what moving first is worth.
        begun: `float64[P, P]`, games of the row's player with the column's that it began.

    Returns:
        `float64[P]`, nats; nan where finite.
    """
    out = np.full(len(marks), np.nan)
    for group in found.groups if any(marks) else ():
        finite = any(marks[k] is None for k in group)
        seat = x[-1] if finite else 0.0
        for player in group:
            own = found.sets == found.sets[player]
            place = x[:-1] if finite else np.where(own, x[:-1] - x[player], 0.0)
            clear = np.ix_(own, ~own)
            if marks[player] == "lower":
                games = np.where(found.taken.T[clear] == 0, [begun[clear], begun.T[clear]], 0.0)
                out[player] = place[player] + _least_shift(games, own, place, seat)
            elif marks[player] == "upper":
                games = np.where(found.taken[clear] == 0, [begun[clear], begun.T[clear]], 0.0)
                out[player] = place[player] - _least_shift(games, own, -place, -seat)
    return out


def _least_shift(
    games: NDArray[np.float64], own: NDArray[np.bool_], place: NDArray[np.float64], seat: float
) -> float:
    """Gives how far up a set must move, in nats, for its clear wins to have a chance of 5 %.

    Args:
        games: `float64[2, own, others]`, games won, those that the set began first.
        own: `bool[P]`, the set.
        place: `float64[P]`, nats.
        seat: what moving first is worth, nats.
    """
    ahead = place[own][:, None] - place[~own][None, :]
    ahead = np.stack([ahead + seat, ahead - seat])
    low, high = -60.0 - float(np.abs(ahead).max()), 60.0 + float(np.abs(ahead).max())
    while high - low > 1e-9:
        shift = (low + high) / 2
        chance = -float((games * np.logaddexp(0, -ahead - shift)).sum())
        low, high = (shift, high) if chance < math.log(ONE_SIDED) else (low, shift)
    return low
