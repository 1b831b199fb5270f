"""Bradley-Terry with draws as a third outcome, used only to predict win, draw and loss.

Axes: `P` players, `M` ordered meetings (who began, who answered). Each model has a scale of its
own: its Elo must never be mixed with the ladder's, so every fit carries the model's name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from arena.elo import ELO_PER_NAT
from arena.rating import counts_of, fit
from arena.rating_bounds import links
from arena.rating_existence import NoRatingError, Seat, require_maximum, seat_term
from arena.rating_prior import Prior, parse_prior
from arena.results import Results
from arena.tally import Counts, Tally, pairing_players

Floats = NDArray[np.float64]
_MAX_ITERATIONS = 200
_LONGEST_STEP = 1.75
_LAST_STEP = 1e-9


class Slopes(NamedTuple):
    """Derivatives of a log-likelihood by d and by the draw parameter, `float64[M]` each."""

    by_d: Floats
    by_draw: Floats
    minus_dd: Floats
    minus_d_draw: Floats
    minus_draw_draw: Floats


class Model(NamedTuple):
    """One way to split 1 into win, draw and loss of the first mover."""

    name: str
    chances: Callable[[Any, float], tuple[Any, Any, Any]]
    """`chances(d, draw)` -> win, draw, loss; `d` in nats, `draw` on the fit's own scale."""
    slopes: Callable[[Floats, Floats, float], Slopes]
    """`slopes(games, d, draw)`, games `float64[M, 3]` lost, drawn, won by the first mover."""
    positive: bool
    """Whether `draw` must stay above 0."""


def davidson_chances(d: Any, draw: float) -> tuple[Any, Any, Any]:
    """Gives win : draw : loss = e^(d/2) : nu : e^(-d/2) with nu = e^draw, as probabilities.

    Source: Davidson 1970, https://doi.org/10.1080/01621459.1970.10481082.
    """
    win, loss, nu = np.exp(d / 2), np.exp(-d / 2), np.exp(draw)
    total = win + loss + nu
    return win / total, nu / total, loss / total


def davidson_slopes(games: Floats, d: Floats, draw: float) -> Slopes:
    """Gives the slopes of the log-likelihood, which is concave in d and draw = log nu."""
    lost, drawn, won = games.T
    total = lost + drawn + won
    win, tie, loss = davidson_chances(d, draw)
    lean = (win - loss) / 2
    return Slopes(
        (won - lost) / 2 - total * lean,
        drawn - total * tie,
        total * ((win + loss) / 4 - lean**2),
        -total * lean * tie,
        total * tie * (1 - tie),
    )


def rao_kupper_chances(d: Any, draw: float) -> tuple[Any, Any, Any]:
    """Gives win = s(d - draw), loss = s(-d - draw), s(x) = 1 / (1 + e^-x), the rest draws.

    e^draw is Rao and Kupper's theta.
    Source: Rao and Kupper 1967, https://doi.org/10.1080/01621459.1967.10482901.
    """
    win, loss = 1 / (1 + np.exp(draw - d)), 1 / (1 + np.exp(draw + d))
    return win, np.expm1(2 * draw) * win * loss, loss


def rao_kupper_slopes(games: Floats, d: Floats, draw: float) -> Slopes:
    """Gives the slopes of the log-likelihood, which is concave in d and draw > 0."""
    lost, drawn, won = games.T
    win, _, loss = rao_kupper_chances(d, draw)
    up, down = won + drawn, lost + drawn
    bend_up, bend_down = up * win * (1 - win), down * loss * (1 - loss)
    gap = -np.expm1(-2 * draw)
    return Slopes(
        up * (1 - win) - down * (1 - loss),
        drawn * 2 / gap - up * (1 - win) - down * (1 - loss),
        bend_up + bend_down,
        bend_down - bend_up,
        bend_up + bend_down + drawn * 4 * np.exp(-2 * draw) / gap**2,
    )


DAVIDSON = Model("davidson", davidson_chances, davidson_slopes, positive=False)
RAO_KUPPER = Model("rao-kupper", rao_kupper_chances, rao_kupper_slopes, positive=True)


@dataclass(frozen=True, eq=False)
class DrawRatings:
    """What a fit of a draw model answers."""

    model: Model
    """Which split of win, draw and loss the numbers belong to."""
    players: tuple[str, ...]
    """`P` names, in the order of the counts."""
    elo: Floats
    """`float64[P]`, sums to 0, on the model's own scale."""
    first_move_elo: float | None
    """Elo that moving first is worth; None when it was left out."""
    draw: float
    """e to the draw parameter: Davidson's nu (0 without draws), Rao and Kupper's theta (1)."""

    def predict(self, first: int, second: int) -> tuple[float, float, float]:
        """Gives the chances that player `first`, who begins, wins, draws and loses."""
        difference = self.elo[first] - self.elo[second] + (self.first_move_elo or 0.0)
        with np.errstate(divide="ignore"):
            chances = self.model.chances(difference / ELO_PER_NAT, float(np.log(self.draw)))
        win, draw, loss = (float(chance) for chance in chances)
        return win, draw, loss


def fit_draws(
    games: Results | Counts | Tally,
    model: Model = DAVIDSON,
    prior: str = "gauss:2000",
    first_move: bool = True,
) -> DrawRatings:
    """Gives the model's maximum; without any draw it is Bradley-Terry, which predicts none.

    Args:
        games: results, or what has been counted of them.
        model: `DAVIDSON` or `RAO_KUPPER`.
        prior: as in `rating.fit`; the draw parameter has none.
        first_move: whether moving first gets a term, where games can tell.

    Raises:
        NoRatingError: when there is no game, when all are drawn, or with the prior `none` when a
            player has no finite rating.
        DisconnectedError: with the prior `none`, when groups never met.
        PriorError: when `prior` names none.
    """
    counts = games if isinstance(games, Counts) else counts_of(games)
    drawn, total = counts.cells[:, :, 1].sum(), counts.cells.sum()
    if drawn == total:
        raise NoRatingError(f"{total} games, none decided: no draw rate fits; play some more")
    if drawn == 0:
        plain = fit(counts, prior, first_move, errors="fisher")
        never = 1.0 if model.positive else 0.0
        return DrawRatings(model, plain.players, plain.elo, plain.first_move_elo, never)
    size = len(counts.players)
    belief = parse_prior(prior)
    seat = seat_term(counts, first_move)
    if seat == "free" and not counts.cells.any(axis=(0, 1)).all():
        seat = "held"
    if belief.kind == "none":
        require_maximum(counts, links(counts.cells, size), seat)
    x = _climb(_meetings(counts, seat), model, belief, seat)
    return DrawRatings(
        model,
        counts.players,
        ELO_PER_NAT * (x[:size] - x[:size].mean()),
        None if seat == "out" else ELO_PER_NAT * float(x[size]),
        float(np.exp(x[-1])),
    )


def _meetings(counts: Counts, seat: Seat) -> tuple[Floats, Floats]:
    """Gives the games, `float64[M, 3]`, and how d follows from the ratings, `[M, P + 1]`."""
    low, high = pairing_players(len(counts.players))
    first, second = np.concatenate([low, high]), np.concatenate([high, low])
    games = np.concatenate([counts.cells[:, 0], counts.cells[:, 1]]).astype(np.float64)
    design = np.zeros((len(games), len(counts.players) + 1))
    rows = np.arange(len(games))
    design[rows, first], design[rows, second] = 1.0, -1.0
    design[:, -1] = seat != "out"
    played = games.sum(axis=1) > 0
    return games[played], design[played]


def _climb(meetings: tuple[Floats, Floats], model: Model, prior: Prior, seat: Seat) -> Floats:
    """Gives the maximum, `float64[P + 2]`: ratings, first-move term, draw parameter; in nats."""
    games, design = meetings
    x = np.zeros(design.shape[1] + 1)
    x[-1] = 0.5
    longest, iterations = np.inf, 0
    while longest > _LAST_STEP and iterations < _MAX_ITERATIONS:
        iterations += 1
        slopes = model.slopes(games, design @ x[:-1], float(x[-1]))
        gradient, hessian = _assemble(slopes, design)
        _add_prior(prior, seat, x, gradient, hessian)
        step = np.linalg.solve(hessian, gradient)
        longest = float(np.ptp(step[:-2]) + np.abs(step[-2:]).max())
        step *= min(1.0, _LONGEST_STEP / max(longest, _LAST_STEP))
        while model.positive and x[-1] + step[-1] <= 0:
            step /= 2
        x = x + step
    return x


def _assemble(slopes: Slopes, design: Floats) -> tuple[Floats, Floats]:
    """Gives the gradient and minus the Hessian of the log-likelihood by all unknowns."""
    size = design.shape[1]
    hessian = np.empty((size + 1, size + 1))
    hessian[:size, :size] = design.T @ (slopes.minus_dd[:, None] * design)
    hessian[size, :size] = hessian[:size, size] = design.T @ slopes.minus_d_draw
    hessian[size, size] = slopes.minus_draw_draw.sum()
    return np.append(design.T @ slopes.by_d, slopes.by_draw.sum()), hessian


def _add_prior(prior: Prior, seat: Seat, x: Floats, gradient: Floats, hessian: Floats) -> None:
    """Adds the prior, or what pins the unknowns that the games leave free."""
    size = len(x) - 2
    if seat == "out":
        hessian[size, size] = 1.0
    if prior.kind == "none":
        hessian[:size, :size] += np.trace(hessian[:size, :size]) / size**2
        return
    held = size + 1 if seat == "held" else size
    pull, curvature = prior.derivatives(x[:held])
    gradient[:held] += pull
    hessian[range(held), range(held)] += curvature
