"""When a match of two has been decided: the sequential probability ratio test. Axis: `K` outcomes.

Two games from one opening, seats swapped, are one result with five outcomes: the tested agent took
0, 1/2, 1, 3/2 or 2 points. Pairs, unlike games, do not hang together through their opening.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numba import njit

from arena.elo import elo_to_score
from arena.records import MatchRecord
from configs.loader import ConfigError

ALPHA, BETA = 0.05, 0.05
"""Share of wrong decisions for the stronger and for the weaker hypothesis, where it is false."""
_LEAST = 1e-3
"""Results that count for an outcome that has not been seen, so that the likelihood exists."""
_HALVINGS = 100


class Verdict(NamedTuple):
    """How a test stands."""

    elo0: float
    """The first agent is stronger by this much, H0..."""
    elo1: float
    """... or by this much, H1; Elo."""
    llr: float
    """Log-likelihood ratio of H1 to H0."""
    lower: float
    """At or below it H0 is accepted."""
    upper: float
    """At or above it H1 is accepted."""
    pentanomial: tuple[int, int, int, int, int]
    """Pairs in which the first agent took 0, 1/2, 1, 3/2 and 2 points."""
    decision: Literal["H0", "H1"] | None
    """None = not decided."""


def bounds(alpha: float = ALPHA, beta: float = BETA) -> tuple[float, float]:
    """Gives where H0 and H1 are accepted; +-2.944 for errors of 5 %.

    Source: Wald 1945, https://doi.org/10.1214/aoms/1177731118.
    """
    return math.log(beta / (1 - alpha)), math.log((1 - beta) / alpha)


def llr(counts: Sequence[int], elo0: float, elo1: float) -> float:
    """Gives the log-likelihood ratio of `elo1` to `elo0`, any distribution being possible.

    Both likelihoods are the greatest of all distributions with the hypothesis's mean score.
    Source: Van den Bergh, A Practical Introduction to the GSPRT,
    https://www.cantate.be/Fishtest/GSPRT_approximation.pdf.

    Args:
        counts: `K` numbers of results, the outcomes being evenly spaced from loss to win.
        elo0: H0.
        elo1: H1.
    """
    results = np.maximum(np.asarray(counts, np.float64), _LEAST)
    return float(_llr(results, float(elo_to_score(elo0)), float(elo_to_score(elo1))))


@njit(cache=True)
def _llr(results: Any, score0: Any, score1: Any) -> Any:
    """Gives the log-likelihood ratio of two mean scores in (0, 1), `results` being `float64[K]`."""
    tilt0, tilt1 = _tilt(results, score0), _tilt(results, score1)
    total = 0.0
    for k in range(results.size):
        outcome = k / (results.size - 1)
        total += results[k] * np.log1p(tilt0 * (outcome - score0))
        total -= results[k] * np.log1p(tilt1 * (outcome - score1))
    return total


@njit(cache=True)
def _tilt(results: Any, score: Any) -> Any:
    """Gives the x for which p / (1 + x (a - score)) has the mean `score`; a are the outcomes.

    These are the most likely probabilities with that mean if p are the shares of the results.
    Source: Owen 1988, https://doi.org/10.1093/biomet/75.2.237.
    """
    low, high = -1 / (1 - score), 1 / score
    for _ in range(_HALVINGS):
        x = (low + high) / 2
        slope = 0.0
        for k in range(results.size):
            distance = k / (results.size - 1) - score
            slope += results[k] * distance / (1 + x * distance)
        if slope > 0:
            low = x
        else:
            high = x
    return (low + high) / 2


def check(elo: Sequence[float], num_agents: int) -> None:
    """Checks the hypotheses of a tournament.

    Raises:
        ConfigError: when they are not two, the first the lower, or not two agents play.
    """
    if len(elo) != 2 or not elo[0] < elo[1]:
        given = " ".join(f"{x:g}" for x in elo)
        raise ConfigError(f"sprt {given}: give two Elo, the first below the second, such as 0 20")
    if num_agents != 2:
        raise ConfigError(f"sprt decides between two agents, got {num_agents}; name two")


class Sprt:
    """The test of a match, grown by `add`; without hypotheses it never decides."""

    def __init__(self, elo: tuple[float, float] | None, agent: str) -> None:
        """Starts without games.

        Args:
            elo: H0 and H1.
            agent: canonical AGENT text of the one who is said to be stronger.
        """
        self._elo, self._agent = elo, agent
        self._pentanomial = [0, 0, 0, 0, 0]
        self._waiting: list[MatchRecord] = []

    @property
    def decided(self) -> bool:
        """Says whether the match may end."""
        return (verdict := self.verdict()) is not None and verdict.decision is not None

    def add(self, records: Iterable[MatchRecord]) -> None:
        """Adds whole games in their order, of which each two that follow each other are a pair.

        Of several attempts at a game the last counts. Pairs with a game that is not rated count
        for neither.
        """
        if self._elo is None:
            return
        self._waiting += {record.slot: record for record in records}.values()
        while len(self._waiting) > 1:
            pair = self._waiting[:2]
            del self._waiting[:2]
            if all(record.rated for record in pair):
                points = sum(record.scores[record.agents.index(self._agent)] for record in pair)
                self._pentanomial[round(2 * points)] += 1

    def verdict(self) -> Verdict | None:
        """Gives how the test stands, None without hypotheses."""
        if self._elo is None:
            return None
        lower, upper = bounds()
        ratio = llr(self._pentanomial, *self._elo) if any(self._pentanomial) else 0.0
        decision: Literal["H0", "H1"] | None = None
        if ratio <= lower:
            decision = "H0"
        elif ratio >= upper:
            decision = "H1"
        a, b, c, d, e = self._pentanomial
        return Verdict(*self._elo, ratio, lower, upper, (a, b, c, d, e), decision)
