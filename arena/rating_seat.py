"""Whether games can tell what moving first is worth. Axes: `P` players, `Q` pairings.

A direction in which the likelihood never falls has no finite maximum along it. Whether there is
one with the first-move term in it is a system of differences `x_i - x_j <= limit`, which has a
solution exactly if no cycle of limits is negative.
Source: https://en.wikipedia.org/wiki/Bellman-Ford_algorithm (difference constraints); Albert and
Anderson 1984, https://doi.org/10.1093/biomet/71.1.1 (separation).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def is_confounded(cells: NDArray[np.int64], num_players: int) -> bool:
    """Gives True when strength could explain all that moving first does.

    So it is when seats follow from the players, such as one that always begins.
    """
    seats = cells.sum(axis=2) > 0
    if seats.all(axis=1).any():
        return False
    limits = np.full((num_players, num_players), np.inf)
    high, low = np.tril_indices(num_players, -1)
    for seat, first, second in ((0, low, high), (1, high, low)):
        played = seats[:, seat]
        limits[first[played], second[played]] = 1.0
        limits[second[played], first[played]] = -1.0
    return _has_solution(limits)


def is_one_sided(cells: NDArray[np.int64]) -> bool:
    """Gives True when every game was won by whoever began, or every game lost."""
    lost, drawn, won = cells.sum(axis=(0, 1))
    return bool(drawn == 0 and (lost == 0 or won == 0))


def is_separated(cells: NDArray[np.int64], num_players: int) -> bool:
    """Gives True when ratings exist with which moving first decides ever more games rightly."""
    high, low = np.tril_indices(num_players, -1)
    for worth in (1.0, -1.0):
        limits = np.full((num_players, num_players), np.inf)
        for seat, first, second in ((0, low, high), (1, high, low)):
            lost, drawn, won = (cells[:, seat, score2] > 0 for score2 in range(3))
            at_least, at_most = won | drawn, lost | drawn
            _lower(limits, second[at_least], first[at_least], worth)
            _lower(limits, first[at_most], second[at_most], -worth)
        if _has_solution(limits):
            return True
    return False


def _lower(
    limits: NDArray[np.float64], rows: NDArray[np.int64], columns: NDArray[np.int64], limit: float
) -> None:
    limits[rows, columns] = np.minimum(limits[rows, columns], limit)


def _has_solution(limits: NDArray[np.float64]) -> bool:
    shortest = limits.copy()
    for k in range(len(shortest)):
        np.minimum(shortest, shortest[:, k, None] + shortest[k], out=shortest)
    return not bool((np.diag(shortest) < 0).any())
