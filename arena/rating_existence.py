"""Whether results have a rating at all. Axes: `P` players, `Q` pairings.

A direction in which the likelihood never falls has no finite maximum along it. Without the
first-move term that is a matter of who reaches whom (`rating_bounds`). With it, it is a system of
differences `x_i - x_j <= limit`, which has a solution exactly if no cycle of limits is negative.
Source: https://en.wikipedia.org/wiki/Bellman-Ford_algorithm (difference constraints); Albert and
Anderson 1984, https://doi.org/10.1093/biomet/71.1.1 (separation).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from arena.rating_bounds import Links, bounds
from arena.rating_prior import RatingError
from arena.tally import Counts, pairing_players
from arena.tally_kernels import games_by_seat

Seat = Literal["free", "held", "out"]
"""What becomes of the first-move term: fitted, held by the prior of the ratings too, left out."""


class NoRatingError(RatingError):
    """Results that have no finite rating without a prior, or no games at all."""


class DisconnectedError(RatingError):
    """Groups of players that never met: no result compares them."""

    def __init__(self, groups: tuple[tuple[str, ...], ...]) -> None:
        """Names the groups."""
        self.groups = groups
        names = "; ".join(", ".join(group) for group in groups)
        super().__init__(
            f"{len(groups)} groups of players never met: {names}; play games between them or rate "
            "each group alone"
        )


def group_names(counts: Counts, found: Links) -> tuple[tuple[str, ...], ...]:
    """Gives the names of the players that met, directly or through others."""
    if found.reach is None:
        return (counts.players,)
    return tuple(tuple(counts.players[k] for k in group) for group in found.groups)


def seat_term(counts: Counts, first_move: bool) -> Seat:
    """Gives what becomes of the first-move term that was asked for or not."""
    if not first_move or is_confounded(counts.cells, len(counts.players)):
        return "out"
    return "held" if is_one_sided(counts.cells) else "free"


def seat_fault(first_move: bool, seat: Seat) -> str | None:
    """Gives what a reader should know of the first-move term, if anything."""
    if seat == "held":
        return "whoever began always won, or always lost: the prior holds the first-move term"
    if first_move and seat == "out":
        return "seats follow from the players: what moving first is worth cannot be told"
    return None


def require_maximum(counts: Counts, found: Links, seat: Seat) -> None:
    """Returns if the likelihood alone has a maximum.

    Raises:
        NoRatingError: when a player or the first-move term has no finite value.
        DisconnectedError: when groups never met.
    """
    advice = "use the prior gauss:2000 or play on"
    if len(found.groups) > 1:
        raise DisconnectedError(group_names(counts, found))
    if found.reach is not None:
        marks = bounds(found)
        player = next(k for k, mark in enumerate(marks) if mark is not None)
        did = "lost no point" if marks[player] == "lower" else "took no point"
        raise NoRatingError(
            f"{counts.players[player]!r} {did} outside its own circle, so no finite rating exists "
            f"without a prior; {advice}"
        )
    if seat == "held" or (seat == "free" and is_separated(counts.cells, len(counts.players))):
        raise NoRatingError(
            f"the first-move term has no finite value without a prior: moving first and strength "
            f"explain every game; {advice} or leave the term out"
        )


def is_confounded(cells: NDArray[np.int64], num_players: int) -> bool:
    """Gives True when strength could explain all that moving first does.

    So it is when seats follow from the players, such as one that always begins.
    """
    seats = games_by_seat(cells) > 0
    if (seats[:, 0] & seats[:, 1]).any():
        return False
    limits = np.full((num_players, num_players), np.inf)
    low, high = pairing_players(num_players)
    for seat, first, second in ((0, low, high), (1, high, low)):
        played = seats[:, seat]
        limits[first[played], second[played]] = 1.0
        limits[second[played], first[played]] = -1.0
    return _has_solution(limits)


def is_one_sided(cells: NDArray[np.int64]) -> bool:
    """Gives True when every game was won by whoever began, or every game lost."""
    if cells[:, :, 1].any():
        return False
    return not (cells[:, :, 0].any() and cells[:, :, 2].any())


def is_separated(cells: NDArray[np.int64], num_players: int) -> bool:
    """Gives True when ratings exist with which moving first decides ever more games rightly."""
    low, high = pairing_players(num_players)
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
