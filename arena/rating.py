"""Ratings from results: Bradley-Terry with a first-move term, errors that know of repeats.

Axes: `P` players, `N = P + 1` unknowns (the ratings, then the first-move term).

The expected score of the player that moves first is `1 / (1 + 10^(-(a - b + g) / 400))`; a draw is
half a point. Where the likelihood has no maximum (somebody never lost, or groups never met) a
prior still gives numbers, and `bound` and `groups` say what they are worth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from arena import rating_solve
from arena.elo import ELO_PER_NAT, superiority
from arena.rating_bounds import Bound, Links, bound_ratings, bounds, games_begun, links
from arena.rating_errors import Errors, Peak, covariance
from arena.rating_existence import (
    DisconnectedError,
    NoRatingError,
    Seat,
    group_names,
    require_maximum,
    seat_fault,
    seat_term,
)
from arena.rating_prior import Prior, RatingError, parse_prior
from arena.rating_words import few_clusters, warnings
from arena.results import Results
from arena.tally import Counts, Tally, count

__all__ = ["DisconnectedError", "NoRatingError", "RatingError", "Ratings", "counts_of", "fit"]

_Z95 = 1.959963984540054
_MAX_ITERATIONS = 200
_LONGEST_STEP = 1.75
"""Nats by which one step may change a game's d: up to 1.79 a Newton step always climbs, since the
slope of p (1 - p) never exceeds p (1 - p). Source: Bach 2010, https://arxiv.org/abs/0910.4627."""
_NEAR, _NEARER = 3e-3, 3e-4
"""Nats; each step is about the square of the one before, or less. After one below `_NEARER` the
next is the last: it leaves ratings off by below 1e-13, and the curvature is known to 1e-7."""
_FLAT = 1e-8
"""Nats; after a step below `_NEAR` the next is the last too if no player alone would move more."""


@dataclass(frozen=True, eq=False)
class Ratings:
    """What a fit answers."""

    model: str
    """Name of the model: numbers of different models live on different scales."""
    players: tuple[str, ...]
    """`P` names, in the order of the counts."""
    elo: NDArray[np.float64]
    """`float64[P]`, sums to 0; where `bound` is set, a number that the prior holds."""
    error95: NDArray[np.float64]
    """`float64[P]`, half the 95 % interval of the difference to the mean of all players with a
    finite rating, in Elo; nan where `bound` is set or nothing can be said."""
    covariance: NDArray[np.float64]
    """`float64[P, P]`, Elo squared, of the differences to that mean."""
    first_move_elo: float | None
    """Elo that moving first is worth; None when it was left out."""
    first_move_error95: float | None
    """Half its 95 % interval, in Elo; None when it was left out or nothing can be said."""
    bound: tuple[Bound, ...]
    """`P` times None (finite), "lower" (no upper end) or "upper" (no lower end)."""
    bound_elo: NDArray[np.float64]
    """`float64[P]`, the one-sided 95 % bound, as `bound_ratings` explains; nan where finite."""
    groups: tuple[tuple[str, ...], ...]
    """Players that met, directly or through others: one entry when all are linked."""
    iterations: int
    """Newton steps that the fit took."""
    warnings: tuple[str, ...]
    """What a reader should know, a sentence each."""

    def los(self, i: int, j: int) -> float:
        """Gives the likelihood that player `i` is stronger than `j`, from the covariance.

        A number to report, never a rule when to stop: watched from game to game it passes 95 %
        for a third of equal players. With few games `elo.superiority_of_wins` is better.
        """
        return superiority(float(self.elo[i] - self.elo[j]), self.difference_error(i, j))

    def difference_error(self, i: int, j: int) -> float:
        """Gives the standard error of the difference between two players, in Elo."""
        v = self.covariance
        return float(np.sqrt(max(0.0, v[i, i] + v[j, j] - 2 * v[i, j])))


def fit(
    games: Results | Counts | Tally,
    prior: str = "gauss:2000",
    first_move: bool = True,
    warm: Ratings | None = None,
    errors: Errors = "clustered",
) -> Ratings:
    """Gives the ratings of everybody who played.

    Args:
        games: results, or what has been counted of them.
        prior: `gauss:SD` (Elo), `virtual:GAMES` or `none`.
        first_move: whether moving first gets a term. It is left out where seats follow from the
            players, and gets the prior too where whoever began always won or always lost.
        warm: earlier ratings to start from; they change the time only.
        errors: `clustered` by pairing and opening, right for repeated games and draws,
            `fisher`, the curvature of the likelihood, which takes all games for independent, or a
            function that knows other clusters.

    Raises:
        NoRatingError: when there is no game, or with the prior `none` no finite maximum.
        DisconnectedError: with the prior `none`, when groups never met.
        PriorError: when `prior` names none.
    """
    counts = games if isinstance(games, Counts) else counts_of(games)
    size = len(counts.players)
    if size == 0:
        raise NoRatingError("no games to rate; play some first")
    belief = parse_prior(prior)
    found = links(counts.cells, size)
    seat = seat_term(counts, first_move)
    if belief.kind == "none":
        require_maximum(counts, found, seat)
    peak = _climb(counts, belief, seat, _start(counts, found, warm, seat))
    marks = bounds(found)
    spread, error95 = _errors(counts, peak, marks, errors)
    ends = _ends(counts, found, marks, peak)
    groups = group_names(counts, found)
    return Ratings(
        model=f"bradley-terry{'' if seat == 'out' else '+first-move'}, {belief}",
        players=counts.players,
        elo=ELO_PER_NAT * (peak.x[:size] - peak.x[:size].mean()),
        error95=error95[:size],
        covariance=spread[:size, :size],
        first_move_elo=None if seat == "out" else ELO_PER_NAT * float(peak.x[size]),
        first_move_error95=None
        if seat != "free" or np.isnan(error95[size])
        else float(error95[size]),
        bound=marks,
        bound_elo=ends,
        groups=groups,
        iterations=peak.iterations,
        warnings=(
            *warnings(counts, groups, marks, ends, seat_fault(first_move, seat)),
            *(few_clusters(counts) if errors == "clustered" else ()),
        ),
    )


def counts_of(games: Results | Tally) -> Counts:
    """Gives the counts of games, counting them if that has not been done."""
    return games.counts() if isinstance(games, Tally) else count(games)


def _errors(
    counts: Counts, peak: Peak, marks: tuple[Bound, ...], errors: Errors
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gives the covariance, `float64[N, N]`, and half the 95 % intervals, `float64[N]`."""
    finite = np.array([mark is None for mark in marks])
    spread = covariance(counts, peak, errors, finite)
    error95 = _Z95 * np.sqrt(np.maximum(0.0, np.diag(spread)))
    error95[:-1][~finite] = np.nan
    return spread, error95


def _ends(
    counts: Counts, found: Links, marks: tuple[Bound, ...], peak: Peak
) -> NDArray[np.float64]:
    """Gives the one-sided bounds in Elo, `float64[P]`, nan where finite."""
    size = len(marks)
    if not any(marks):
        return np.full(size, np.nan)
    place = peak.x - np.append(np.full(size, peak.x[:size].mean()), 0.0)
    return ELO_PER_NAT * bound_ratings(marks, found, place, games_begun(counts.cells, size))


def _start(counts: Counts, found: Links, warm: Ratings | None, seat: Seat) -> NDArray[np.float64]:
    """Gives where the climb begins, `float64[N]`, nats: earlier ratings, or the scores' logits."""
    x = np.zeros(len(counts.players) + 1)
    if warm is None:
        x[:-1] = np.log((found.taken.sum(axis=1) + 1) / (found.taken.sum(axis=0) + 1))
        return x
    known = dict(zip(warm.players, warm.elo / ELO_PER_NAT, strict=True))
    x[:-1] = [known.get(name, 0.0) for name in counts.players]
    if seat != "out" and warm.first_move_elo is not None:
        x[-1] = warm.first_move_elo / ELO_PER_NAT
    return x


def _climb(counts: Counts, prior: Prior, seat: Seat, x: NDArray[np.float64]) -> Peak:
    """Gives the maximum of likelihood and prior, searched from `x`, `float64[N]`."""
    gradient, hessian = np.empty_like(x), np.empty((len(x), len(x)))
    belief = _derivatives(counts, prior, seat, x, (gradient, hessian))
    longest, iterations = math.inf, 1
    while longest >= _NEARER and iterations < _MAX_ITERATIONS:
        if longest < _NEAR and (np.abs(gradient) < _FLAT * np.diag(hessian)).all():
            break
        step = rating_solve.solve(hessian, gradient)
        players = step[:-1]
        longest = max(np.ptp(players), np.abs(players).max()) + abs(step[-1])
        x = x + step * min(1.0, _LONGEST_STEP / max(longest, _NEARER))
        iterations += 1
        belief = _derivatives(counts, prior, seat, x, (gradient, hessian))
    inverse = rating_solve.inverse(hessian)
    return Peak(x + inverse @ gradient, inverse, belief, iterations)


def _derivatives(
    counts: Counts,
    prior: Prior,
    seat: Seat,
    x: NDArray[np.float64],
    out: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Writes the gradient and minus the Hessian (lower half) of what the fit maximises.

    Returns:
        What the prior adds to the diagonal of minus the Hessian, `float64[N]`.
    """
    gradient, hessian = out
    rating_solve.derivatives(counts.cells, x, gradient, hessian)
    size = len(x) - 1
    diagonal = np.einsum("ii->i", hessian)
    belief = np.zeros_like(x)
    if seat == "out":
        gradient[size] = 0.0
        hessian[size] = 0.0
        hessian[size, size] = 1.0
    if prior.kind == "none":
        # The likelihood knows differences only: pinning the mean changes none of them.
        hessian[:size, :size] += diagonal[:size].sum() / size**2
        return belief
    held = len(x) if seat == "held" else size
    pull, belief[:held] = prior.derivatives(x[:held])
    gradient[:held] += pull
    diagonal += belief
    return belief
