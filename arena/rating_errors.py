"""How far ratings may be off. Axes: `P` players, `Q` pairings, `N = P + 1` unknowns.

Clustered: H^-1 (sum of u u') H^-1 C / (C - 1), with the gradients u of the C clusters and H, the
curvature of what the fit maximises. It holds for games that repeat or resemble each other within
a cluster and for draws, which Bradley-Terry takes for two half games. Intervals are normal:
measured coverage asks for no wider quantile at 10 clusters.
Source: Cameron and Miller 2015, https://doi.org/10.3368/jhr.50.2.317.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from arena import rating_solve
from arena.elo import ELO_PER_NAT
from arena.tally import Counts, pairing_players

ENOUGH_CLUSTERS = 10
"""Openings a player must have met for its games to be clustered by opening. Below, equal games are
a cluster: two random players from one opening play independent games, two fixed ones repeat one."""
_LEAST = 0.125
"""Clusters a rating, that went all one way, added to what was seen; measured by
`benchmarks/rating_coverage.py`: 10 pairs of games are covered as well as 50."""


class Peak(NamedTuple):
    """Where likelihood and prior together are greatest, and how sharply they fall."""

    x: NDArray[np.float64]
    """`float64[N]`, nats."""
    inverse: NDArray[np.float64]
    """`float64[N, N]`, of the curvature."""
    belief: NDArray[np.float64]
    """`float64[N]`, the curvature's diagonal, as far as the prior makes it."""
    iterations: int
    """Steps taken."""


Scatter = Callable[[NDArray[np.float64]], tuple[NDArray[np.float64], int]]
"""Gives, at `float64[N]` ratings in nats, the sum of u u' over the clusters, `float64[N, N]`,
already times C / (C - 1), and the number of games."""
Errors = Literal["clustered", "fisher"] | Scatter


def covariance(
    counts: Counts, peak: Peak, errors: Errors, finite: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Gives the covariance in Elo squared, `float64[N, N]`, against the mean of `finite` players.

    The prior counts as data that scatter as they should, so that what only it holds is as wide as
    it is. A small share of the inverse curvature is added, which fades with more clusters; so a
    match of nothing but draws has an error. Clustered, the answer is nan where no more clusters
    were played than there are unknowns.

    Args:
        counts: of the games.
        peak: of the fit.
        errors: `clustered` by pairing and opening; `fisher`, the inverse curvature, as if all
            games were independent; or a function that knows other clusters.
        finite: `bool[P]`, who has a finite rating; the mean of all if nobody has.
    """
    v = peak.inverse.copy()
    if errors != "fisher":
        scatter, number = _scatter(counts, peak.x) if errors == "clustered" else errors(peak.x)
        unknowns = len(finite)
        if number <= unknowns:
            return np.full_like(v, np.nan)
        diagonal = np.einsum("ii->i", scatter)
        diagonal += peak.belief
        least = _LEAST * unknowns * int(counts.games.sum()) / number**2
        v = rating_solve.sandwich(peak.inverse, scatter) + least * peak.inverse
    weights = np.zeros(len(v))
    weights[: len(finite)] = finite / finite.sum() if finite.any() else 1 / len(finite)
    rows = np.append(np.ones(len(finite)), 0.0)
    shift = v @ weights
    shift -= 0.5 * (weights @ shift) * rows
    v -= rows[:, None] * shift
    v -= shift[:, None] * rows
    v *= ELO_PER_NAT**2
    return v


def _scatter(counts: Counts, x: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
    """Gives what `Scatter` does, and the number of clusters, by pairing and opening."""
    products, clusters = chosen_clusters(counts)
    number = int(clusters.sum())
    scatter = np.asarray(rating_solve.scatter(products, x))
    return scatter * (number / max(number - 1, 1)), number


def chosen_clusters(counts: Counts) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Gives the products and the number of clusters of each pairing: by opening, or by game."""
    enough = counts.by_player(counts.clusters) >= ENOUGH_CLUSTERS
    if enough.all():
        return counts.products, counts.clusters
    low, high = pairing_players(len(counts.players))
    few = np.flatnonzero(~(enough[low] & enough[high]))
    products, clusters = counts.products.copy(), counts.clusters.copy()
    squares, score2 = counts.repeats[few], np.arange(3)
    products[few] = 0
    for seat, (both, mixed, games) in enumerate(((0, 1, 4), (7, 8, 9))):
        products[few, both] = squares[:, seat] @ score2**2
        products[few, mixed] = squares[:, seat] @ score2
        products[few, games] = squares[:, seat].sum(axis=1)
    clusters[few] = counts.distinct[few]
    return products, clusters
