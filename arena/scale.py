"""A fixed scale of strength: anchors with stored ratings, and the place of any agent among them.

Ratings of a tournament live on a scale of their own. Anchors hold one still: their ratings come
from a large recorded tournament, `random` is 0 Elo, and an agent is placed by a gauntlet against
them with the anchors held at their ratings. Axes: `A` anchors, `C` clusters.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from arena.elo import ELO_PER_NAT
from arena.rating_bounds import ONE_SIDED, Bound
from arena.records import MatchRecord

_SCALES = Path(__file__).parent / "scales"
_Z95 = 1.959963984540054
_PRIOR_SD = 2000 / ELO_PER_NAT
"""Nats, around the middle of the anchors; the prior of every ladder."""
_LONGEST_STEP = 1.75
_FARTHEST = 60.0
"""Nats; no rating lies beyond."""


class ScaleError(ValueError):
    """An env that has no scale, or a scale that cannot be used."""


@dataclass(frozen=True, eq=False)
class Scale:
    """Anchors and where they stand."""

    env: str
    agents: tuple[str, ...]
    """`A` canonical AGENT texts."""
    elo: NDArray[np.float64]
    """`float64[A]`, `random` at 0."""
    covariance: NDArray[np.float64]
    """`float64[A, A]`, Elo squared, of the differences to the anchors' mean. Where zero lies is a
    definition, so the error of `random` is no error of the others."""
    first_move_elo: float
    """Elo that moving first is worth."""
    openings: int
    """Plies played before the first decision in all games of the scale."""
    records: str
    """SHA-256 of the moves and results it was made from."""

    def without(self, agent: str) -> Scale:
        """Gives the scale without an agent, which does not play itself."""
        kept = np.array([name != agent for name in self.agents])
        return Scale(
            self.env,
            tuple(name for name in self.agents if name != agent),
            self.elo[kept],
            self.covariance[np.ix_(kept, kept)],
            self.first_move_elo,
            self.openings,
            self.records,
        )


@dataclass(frozen=True)
class Place:
    """Where an agent stands on a scale."""

    elo: float
    """With a weak prior; where `bound` is set, a number that the prior holds."""
    error95: float | None
    """Half the 95 % interval, the anchors' own errors included; None where there is none."""
    bound: Bound
    """"lower" when it won every point, "upper" when it won none."""
    bound_elo: float | None
    """The one-sided 95 % bound then."""
    games: int
    score: float
    """Points per game."""


def load(env: str) -> Scale:
    """Gives the scale of an env.

    Raises:
        ScaleError: when it has none.
    """
    file = _SCALES / f"{env}.json"
    if not file.exists():
        known = ", ".join(sorted(path.stem for path in _SCALES.glob("*.json")))
        raise ScaleError(f"no scale of strength for {env}; there are: {known}")
    return parse(json.loads(file.read_text(encoding="utf-8")))


def parse(document: dict[str, Any]) -> Scale:
    """Gives the scale that a JSON document describes."""
    return Scale(
        document["env"],
        tuple(anchor["agent"] for anchor in document["anchors"]),
        np.array([anchor["elo"] for anchor in document["anchors"]]),
        np.array(document["covariance"]),
        document["first_move_elo"],
        document["openings"],
        document["records"],
    )


def place(scale: Scale, agent: str, records: Iterable[MatchRecord]) -> Place:
    """Gives where an agent stands, from its rated games against the anchors.

    The rating is the maximum of the Bradley-Terry likelihood with anchors and first-move term held
    fixed and the prior of ladders. Its error is the sandwich's, plus what the anchors' own errors
    carry over (the delta method). All anchors are met from the same openings, so the sandwich is
    clustered by anchor and opening and by opening alone, with Student's t for the few openings
    there are; the larger one counts.

    Raises:
        ScaleError: when there is no game against an anchor.
    """
    index = {name: k for k, name in enumerate(scale.agents)}
    games = [_game(record, agent, index) for record in records if _counts(record, agent, index)]
    if not games:
        raise ScaleError(f"{agent} has no game against an anchor")
    anchor, seat, points = (np.array(column) for column in list(zip(*games, strict=True))[:3])
    shift = np.where(seat == 0, 1.0, -1.0) * scale.first_move_elo
    against = (scale.elo[anchor] - shift) / ELO_PER_NAT
    middle = float(scale.elo.mean()) / ELO_PER_NAT
    rating = _climb(against, points, middle)
    expected = 1 / (1 + np.exp(against - rating))
    slope = expected * (1 - expected)
    information = float(slope.sum()) + _PRIOR_SD**-2
    weights = np.bincount(anchor, slope, len(scale.agents)) / information
    carried = weights @ scale.covariance @ weights
    own = _error95([game[3] for game in games], points - expected) / information
    bound: Bound = "lower" if points.min() == 1 else "upper" if points.max() == 0 else None
    error95 = math.hypot(ELO_PER_NAT * own, _Z95 * math.sqrt(carried))
    return Place(
        elo=ELO_PER_NAT * rating,
        error95=None if bound else error95,
        bound=bound,
        bound_elo=ELO_PER_NAT * _bound(against, bound) if bound else None,
        games=len(games),
        score=float(points.mean()),
    )


def _counts(record: MatchRecord, agent: str, index: dict[str, int]) -> bool:
    others = [name for name in record.agents if name != agent]
    return record.rated and len(others) == 1 and others[0] in index


def _game(
    record: MatchRecord, agent: str, index: dict[str, int]
) -> tuple[int, int, float, tuple[int, bytes]]:
    """Gives anchor, seat and points of the agent, and the cluster of a game."""
    seat = record.agents.index(agent)
    anchor = index[record.agents[1 - seat]]
    return anchor, seat, record.scores[seat], (anchor, record.start)


def _climb(against: NDArray[np.float64], points: NDArray[np.float64], middle: float) -> float:
    """Gives the most likely rating, in nats, by capped Newton steps."""
    rating = middle
    for _ in range(100):
        expected = 1 / (1 + np.exp(against - rating))
        gradient = float((points - expected).sum()) - (rating - middle) / _PRIOR_SD**2
        information = float((expected * (1 - expected)).sum()) + _PRIOR_SD**-2
        step = min(max(gradient / information, -_LONGEST_STEP), _LONGEST_STEP)
        rating += step
        if abs(step) < 1e-10:
            break
    return rating


def _error95(clusters: Sequence[tuple[int, bytes]], residuals: NDArray[np.float64]) -> float:
    """Gives half the 95 % interval of the sum of residuals."""
    by_both = _Z95 * math.sqrt(_scatter(clusters, residuals))
    openings = [(0, opening) for _, opening in clusters]
    few = len(set(openings)) - 1
    if few < 1:
        return by_both
    return max(by_both, float(stdtrit(few, 0.975)) * math.sqrt(_scatter(openings, residuals)))


def _scatter(clusters: Sequence[tuple[int, bytes]], residuals: NDArray[np.float64]) -> float:
    """Gives the sum of the squared residuals of clusters, with C / (C - 1)."""
    numbers: dict[tuple[int, bytes], int] = {}
    ids = [numbers.setdefault(cluster, len(numbers)) for cluster in clusters]
    sums = np.bincount(ids, residuals)
    size = len(sums)
    return float((sums**2).sum()) * size / max(size - 1, 1)


def _bound(against: NDArray[np.float64], bound: Bound) -> float:
    """Gives the rating, in nats, at which these results had a chance of 5 %."""
    sign = 1.0 if bound == "lower" else -1.0
    low, high = -_FARTHEST, _FARTHEST
    for _ in range(80):
        rating = (low + high) / 2
        chance = -np.log1p(np.exp(-sign * (rating - against))).sum()
        if (chance < math.log(ONE_SIDED)) == (bound == "lower"):
            low = rating
        else:
            high = rating
    return (low + high) / 2
