"""Ratings from results: Bradley-Terry with a first-move term, errors that know of repeats.

Axes: `P` players, `N = P + 1` unknowns (the ratings, then the first-move term).

The expected score of the player that moves first is `1 / (1 + 10^(-(a - b + g) / 400))`; a draw is
half a point. Where the likelihood has no maximum (somebody never lost, or groups never met) a
prior still gives numbers, and `bound` and `groups` say what they are worth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from arena import rating_seat, rating_solve
from arena.elo import ELO_PER_NAT, superiority
from arena.rating_bounds import Bound, Links, bound_rating, bounds, links
from arena.rating_prior import Prior, parse_prior
from arena.rating_words import warnings
from arena.results import Results
from arena.tally import Counts, Tally, count

Errors = Literal["clustered", "fisher"]
Seat = Literal["free", "held", "out"]

_Z95 = 1.959963984540054
_MAX_ITERATIONS = 200
_LONGEST_STEP = 1.75
"""Nats by which one step may change a game's d: up to 1.79 a Newton step always climbs, since the
slope of p (1 - p) never exceeds p (1 - p). Source: Bach 2010, https://arxiv.org/abs/0910.4627."""
_LAST_STEP = 1e-6
"""Nats; the error left after a step is about its square."""
_LEAST_SCATTER = 0.5
"""Points squared: what a player's residuals add up to at least, as if two of its clusters had gone
half a point otherwise. So a match of draws only has an error."""


class NoRatingError(ValueError):
    """Results that have no finite rating without a prior, or no games at all."""


class DisconnectedError(ValueError):
    """Groups of players that never met: no result compares them."""

    def __init__(self, groups: tuple[tuple[str, ...], ...]) -> None:
        """Names the groups."""
        self.groups = groups
        names = "; ".join(", ".join(group) for group in groups)
        super().__init__(
            f"{len(groups)} groups of players never met: {names}; play games between them or rate "
            "each group alone"
        )


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
    """`float64[P]`, the one-sided 95 % bound, as `bound_rating` explains; nan where finite."""
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
        errors: `clustered` by pairing and opening, right for repeated games and draws, or
            `fisher`, the curvature of the likelihood, which takes all games for independent.

    Raises:
        NoRatingError: when there is no game, or with the prior `none` no finite maximum.
        DisconnectedError: with the prior `none`, when groups never met.
        PriorError: when `prior` names none.
    """
    counts = games if isinstance(games, Counts) else _counts(games)
    size = len(counts.players)
    if size == 0:
        raise NoRatingError("no games to rate; play some first")
    belief = parse_prior(prior)
    found = links(counts.cells, size)
    seat = _seat(counts, first_move)
    if belief.kind == "none":
        _require_maximum(counts, found, seat)
    start = _start(counts, warm, seat)
    x, hessian, iterations = _climb(counts, belief, seat, start)
    centred = x[:size] - x[:size].mean()
    marks = bounds(found)
    spread = _covariance(counts, x, hessian, errors, np.array([mark is None for mark in marks]))
    groups = tuple(tuple(counts.players[k] for k in group) for group in found.groups)
    error95 = _Z95 * np.sqrt(np.maximum(0.0, np.diag(spread)))
    error95[:size][[mark is not None for mark in marks]] = np.nan
    if len(groups) > 1 and errors == "clustered":
        error95[:size] = np.nan
    ends = [
        ELO_PER_NAT * bound_rating(k, mark, found, centred, _any_finite(k, found, marks))
        for k, mark in enumerate(marks)
    ]
    seat_error = float(error95[size])
    return Ratings(
        model=f"bradley-terry{'' if seat == 'out' else '+first-move'}, {belief}",
        players=counts.players,
        elo=ELO_PER_NAT * centred,
        error95=error95[:size],
        covariance=spread[:size, :size],
        first_move_elo=None if seat == "out" else ELO_PER_NAT * float(x[size]),
        first_move_error95=None if seat == "out" or np.isnan(seat_error) else seat_error,
        bound=marks,
        bound_elo=np.array(ends),
        groups=groups,
        iterations=iterations,
        warnings=warnings(counts, groups, marks, ends, _seat_fault(counts, first_move, seat)),
    )


def _counts(games: Results | Tally) -> Counts:
    return games.counts() if isinstance(games, Tally) else count(games)


def _any_finite(player: int, found: Links, marks: tuple[Bound, ...]) -> bool:
    group = next(group for group in found.groups if player in group)
    return any(marks[k] is None for k in group)


def _seat(counts: Counts, first_move: bool) -> Seat:
    """Gives what becomes of the first-move term: free, held by the prior too, or out."""
    if not first_move or rating_seat.is_confounded(counts.cells, len(counts.players)):
        return "out"
    return "held" if rating_seat.is_one_sided(counts.cells) else "free"


def _seat_fault(counts: Counts, first_move: bool, seat: Seat) -> str | None:
    if seat == "held":
        return "whoever began won every game, or lost every one: the prior holds the first-move term"
    if first_move and seat == "out":
        return "seats follow from the players: what moving first is worth cannot be told"
    return None


def _require_maximum(counts: Counts, found: Links, seat: Seat) -> None:
    """Raises unless the likelihood alone has a maximum."""
    advice = "use the prior gauss:2000 or play on"
    if len(found.groups) > 1:
        raise DisconnectedError(
            tuple(tuple(counts.players[k] for k in group) for group in found.groups)
        )
    if found.reach is not None:
        marks = bounds(found)
        player = next(k for k, mark in enumerate(marks) if mark is not None)
        did = "lost no point" if marks[player] == "lower" else "took no point"
        raise NoRatingError(
            f"{counts.players[player]!r} {did} outside its own circle, so no finite rating exists "
            f"without a prior; {advice}"
        )
    if seat == "held" or (
        seat == "free" and rating_seat.is_separated(counts.cells, len(counts.players))
    ):
        raise NoRatingError(
            f"the first-move term has no finite value without a prior: moving first and strength "
            f"explain every game; {advice} or leave the term out"
        )


def _start(counts: Counts, warm: Ratings | None, seat: Seat) -> NDArray[np.float64]:
    """Gives where the climb begins, `float64[N]`, nats: earlier ratings, or the scores' logits."""
    x = np.zeros(len(counts.players) + 1)
    if warm is None:
        games = counts.by_player(counts.games)
        points = counts.scores() * games
        x[:-1] = np.log((points + 1) / (games - points + 1))
        return x
    known = dict(zip(warm.players, warm.elo / ELO_PER_NAT, strict=True))
    x[:-1] = [known.get(name, 0.0) for name in counts.players]
    if seat != "out" and warm.first_move_elo is not None:
        x[-1] = warm.first_move_elo / ELO_PER_NAT
    return x


def _climb(
    counts: Counts, prior: Prior, seat: Seat, x: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Gives the maximum, minus the Hessian there (lower half) and the steps taken."""
    gradient, hessian = np.empty_like(x), np.empty((len(x), len(x)))
    for iteration in range(1, _MAX_ITERATIONS + 1):
        _derivatives(counts, prior, seat, x, (gradient, hessian))
        step = rating_solve.solve(hessian, gradient)
        players = step[:-1]
        longest = max(np.ptp(players), np.abs(players).max()) + abs(step[-1])
        x = x + step * min(1.0, _LONGEST_STEP / max(longest, _LAST_STEP))
        if longest < _LAST_STEP:
            break
    _derivatives(counts, prior, seat, x, (gradient, hessian))
    return x, hessian, iteration


def _derivatives(
    counts: Counts,
    prior: Prior,
    seat: Seat,
    x: NDArray[np.float64],
    out: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> None:
    """Writes the gradient and minus the Hessian (lower half) of what the fit maximises."""
    gradient, hessian = out
    rating_solve.derivatives(counts.cells, x, gradient, hessian)
    size = len(x) - 1
    if seat == "out":
        gradient[size] = 0.0
        hessian[size] = 0.0
        hessian[size, size] = 1.0
    if prior.kind == "none":
        # The likelihood knows differences only: pinning the mean changes none of them.
        hessian[:size, :size] += np.trace(hessian[:size, :size]) / size**2
        return
    held = len(x) if seat == "held" else size
    pull, curvature = prior.derivatives(x[:held])
    gradient[:held] += pull
    hessian[range(held), range(held)] += curvature


def _covariance(
    counts: Counts,
    x: NDArray[np.float64],
    hessian: NDArray[np.float64],
    errors: Errors,
    finite: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Gives the covariance in Elo squared, `float64[N, N]`, to the mean of the `finite` players.

    Clustered: H^-1 (sum of u u') H^-1 C / (C - 1) with the gradients u of the C clusters.
    Source: Cameron and Miller 2015, https://doi.org/10.3368/jhr.50.2.317. nan for one cluster.
    """
    v = rating_solve.inverse(hessian)
    if errors == "clustered":
        if counts.clusters < 2:
            return np.full_like(v, np.nan)
        scatter = rating_solve.scatter(counts.products, x)
        diagonal = np.einsum("ii->i", scatter)[: len(finite)]
        np.maximum(diagonal, _LEAST_SCATTER, out=diagonal)
        v = rating_solve.sandwich(v, scatter) * (counts.clusters / (counts.clusters - 1))
    weights = np.zeros(len(x))
    weights[: len(finite)] = finite / finite.sum() if finite.any() else 1 / len(finite)
    rows = np.append(np.ones(len(finite)), 0.0)
    mean = v @ weights
    v = v - np.outer(rows, mean) - np.outer(mean, rows)
    v += np.outer(rows, rows) * (weights @ mean)
    return np.asarray(ELO_PER_NAT**2 * v)
