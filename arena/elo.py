"""The Elo scale, the likelihood of superiority and the online curve. Axis: `G` games.

A difference of `d` Elo stands for the score `1 / (1 + 10^(-d / 400))`.
Source: https://en.wikipedia.org/wiki/Elo_rating_system#Mathematical_details.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arena.results import Results

ELO_PER_NAT = 400 / math.log(10)
"""173.7178: one unit of natural log-odds, in Elo."""


def elo_to_score(difference: Any) -> Any:
    """Gives the expected points per game in (0, 1) of the player `difference` Elo stronger."""
    return 1 / (1 + 10.0 ** (-np.asarray(difference, np.float64) / 400))


def score_to_elo(score: Any) -> Any:
    """Gives the difference in Elo at which `score` points per game are expected.

    0 and 1 give -inf and inf: a player that only won has no finite rating.

    Raises:
        ValueError: when a score is outside `[0, 1]`.
    """
    score = np.asarray(score, np.float64)
    if ((score < 0) | (score > 1)).any():
        raise ValueError(f"score {score} is outside [0, 1]; give points per game")
    with np.errstate(divide="ignore"):
        return ELO_PER_NAT * (np.log(score) - np.log1p(-score))


def superiority(difference: float, sd: float) -> float:
    """Gives the probability that a normal difference with mean and `sd`, both in Elo, is > 0."""
    if sd == 0:
        return 0.5 + 0.5 * float(np.sign(difference))
    return 0.5 * math.erfc(-difference / sd / math.sqrt(2))


def superiority_of_wins(wins: int, losses: int) -> float:
    """Gives the probability that the side with `wins` is the stronger; draws say nothing.

    It is P(x > 1/2) for x ~ Beta(wins + 1, losses + 1), the posterior of a uniform prior, written
    as the chance of at most `wins` heads in `wins + losses + 1` tosses. Right for few games too,
    if they are independent: 3-0 gives 0.9375.
    Source: https://en.wikipedia.org/wiki/Beta_distribution#Cumulative_distribution_function.

    Raises:
        ValueError: when a count is negative.
    """
    if wins < 0 or losses < 0:
        raise ValueError(f"wins {wins} and losses {losses} must not be negative; count games")
    tosses = wins + losses + 1
    heads = np.arange(1, wins + 1, dtype=np.float64)
    log_ways = np.concatenate([[0.0], np.cumsum(np.log((tosses - heads + 1) / heads))])
    return float(min(1.0, np.exp(log_ways - tosses * math.log(2)).sum()))


def online_curve(results: Results, k: float = 32, start: float = 1500) -> NDArray[np.float64]:
    """Gives the online Elo of both players after each game, `float64[G, 2]`, first mover first.

    A curve over time only: the numbers depend on the order of games and are no rating.
    Source: https://en.wikipedia.org/wiki/Elo_rating_system#Mathematical_details.

    Args:
        results: the games in the order they were played.
        k: Elo that a won game moves at most.
        start: Elo of everybody before the first game.
    """
    elo = [float(start)] * len(results.players)
    curve = np.empty((len(results), 2))
    columns = zip(results.first, results.second, results.score2, strict=True)
    for game, (first, second, score2) in enumerate(columns):
        change = k * (score2 / 2 - float(elo_to_score(elo[first] - elo[second])))
        elo[first] += change
        elo[second] -= change
        curve[game] = elo[first], elo[second]
    return curve
