"""Coverage of the 95 % intervals of solo ratings: errors by seed against errors by pairing.

`python benchmarks/solo_coverage.py [REPEATS]`; one JSON document. Agents draw returns around means
of their own; the truth is the rating of many seeds. One episode meets those of all other agents, so
errors that take the pairings for independent are too small where more than two agents play.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from arena import rating, solo
from arena.results import Results
from arena.solo import Outcome, Outcomes

TRUTH_SEEDS = 4_000
LUCK: dict[str, Callable[[NDArray[np.float64], Generator], NDArray[np.float64]]] = {
    "real returns": lambda returns, chance: returns,
    "whole numbers, many ties": lambda returns, chance: np.round(returns),
    "seeds that are easy or hard": lambda returns, chance: (
        returns + chance.normal(size=(len(returns), 1))
    ),
}


def draw(agents: int, seeds: int, luck: str, chance: Generator) -> Results:
    """Gives the games of agents whose returns are normal, the last ones better and steadier."""
    spread = np.linspace(1, 0.5, agents)
    returns = np.linspace(0, 1.2, agents) + chance.normal(size=(seeds, agents)) * spread
    outcomes = Outcomes()
    for seed, row in enumerate(LUCK[luck](returns, chance)):
        outcomes.by_seed[seed] = {
            f"agent {k}": Outcome(float(value), False, seed * agents + k)
            for k, value in enumerate(row)
        }
    return outcomes.results()


def covered(found: rating.Ratings, truth: dict[str, float]) -> list[bool]:
    """Gives for each agent with an interval whether it holds the truth."""
    rows = zip(found.players, found.elo, found.error95, strict=True)
    return [abs(elo - truth[name]) <= error for name, elo, error in rows if not np.isnan(error)]


def measure(agents: int, seeds: int, luck: str, repeats: int) -> dict[str, object]:
    """Gives the shares of intervals that hold the truth."""
    chance = np.random.default_rng(1)
    ideal = solo.fit(draw(agents, TRUTH_SEEDS, luck, chance))
    truth = dict(zip(ideal.players, ideal.elo, strict=True))
    by_seed: list[bool] = []
    by_pairing: list[bool] = []
    for _ in range(repeats):
        results = draw(agents, seeds, luck, chance)
        by_seed += covered(solo.fit(results), truth)
        by_pairing += covered(rating.fit(results, first_move=False), truth)
    return {
        "returns": luck,
        "agents": agents,
        "seeds": seeds,
        "by seed": round(float(np.mean(by_seed)), 3),
        "by pairing": round(float(np.mean(by_pairing)), 3),
    }


if __name__ == "__main__":
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    sizes = ((3, 10), (3, 30), (8, 10), (8, 30), (8, 100))
    rows = [measure(*size, luck, repeats) for luck in LUCK for size in sizes]
    print(json.dumps({"nominal": 0.95, "repeats": repeats, "coverage": rows}, indent=1))
