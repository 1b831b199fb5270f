"""Wrong decisions of the sequential test in simulated matches at H0 and at H1."""

from __future__ import annotations

import json
import sys

import numpy as np
from numpy.typing import NDArray

from arena import sprt
from arena.elo import elo_to_score

ELO, MATCHES, PAIRS_A_CHUNK, MOST_CHUNKS = (0.0, 30.0), 4000, 4, 4000
SHAPES = {
    "few draws": (0.20, 0.05, 0.50, 0.05, 0.20),
    "many draws": (0.02, 0.18, 0.60, 0.18, 0.02),
}
"""Chances of 0, 1/2, 1, 3/2 and 2 points a pair, before they are tilted to a mean."""


def tilted(shape: tuple[float, ...], mean: float) -> NDArray[np.float64]:
    """Gives chances proportional to `shape` times e^(x a), `float64[5]`, with mean score `mean`."""
    low, high = -10.0, 10.0
    points = np.linspace(0, 1, 5)
    for _ in range(60):
        x = (low + high) / 2
        chances = np.array(shape) * np.exp(x * points)
        chances /= chances.sum()
        low, high = (x, high) if chances @ points < mean else (low, x)
    return chances


def decisions(chances: NDArray[np.float64], seed: int) -> tuple[float, float]:
    """Gives the share of matches that accept H1, and the mean games of a match."""
    chance = np.random.default_rng(seed)
    lower, upper = sprt.bounds()
    accepted = games = 0
    for _ in range(MATCHES):
        counts = np.zeros(5, np.int64)
        for _ in range(MOST_CHUNKS):
            counts += chance.multinomial(PAIRS_A_CHUNK, chances)
            ratio = sprt.llr(counts, *ELO)
            if not lower < ratio < upper:
                break
        accepted += ratio >= upper
        games += 2 * int(counts.sum())
    return accepted / MATCHES, games / MATCHES


if __name__ == "__main__":
    table = {}
    for name, shape in SHAPES.items():
        for hypothesis, elo in zip(("H0", "H1"), ELO, strict=True):
            share, games = decisions(tilted(shape, float(elo_to_score(elo))), len(table))
            wrong = share if hypothesis == "H0" else 1 - share
            table[f"{name}, {hypothesis} true"] = {
                "wrong_percent": round(100 * wrong, 2),
                "games": round(games),
            }
    errors = [row["wrong_percent"] for row in table.values()]
    json.dump(
        {
            "name": f"SPRT {ELO[0]:g} {ELO[1]:g}, wrong decisions in percent, simulated",
            "ours": table,
            "least": min(errors),
            "most": max(errors),
            "at_least": {"least": 3.5},
            "at_most": {"most": 6.5},
            "matches_each": MATCHES,
            "command": "python benchmarks/sprt.py",
        },
        sys.stdout,
        indent=2,
    )
    print()
