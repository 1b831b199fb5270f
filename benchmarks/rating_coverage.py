"""How often nominal 95 % intervals of the difference between two players hold the truth.

Run: python benchmarks/rating_coverage.py [--simulations 2000] [--seed 1]
"""

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import json
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from arena.elo import ELO_PER_NAT
from arena.rating import fit
from arena.results import Results

ADVANTAGE = 40.0
"""Elo that moving first is worth."""
DIFFERENCE = 60.0
"""Elo between the players before openings and draws blur it."""
MANY_DRAWS = 3.0
"""Davidson's nu: 60 % of the games of equals are drawn."""


class Situation(NamedTuple):
    """How a match is played: pairs of games, seats swapped, each pair from its own opening."""

    name: str
    pairs: int
    nu: float = 0.0
    opening_sd: float = 0.0
    """Elo by which openings favour whoever begins, more or less."""
    replays: int = 1
    """How often each game is played again, move by move."""


SITUATIONS = (
    Situation("50 pairs, no draws", 50),
    Situation("about 60 % draws", 50, nu=MANY_DRAWS),
    Situation("openings unbalanced, sd 300", 50, opening_sd=300),
    Situation("draws and openings unbalanced", 50, nu=MANY_DRAWS, opening_sd=300),
    Situation("deterministic, 10 openings x 10 replays", 10, replays=10),
    Situation("10 pairs", 10),
)


def chances(situation, difference, opening):
    """Gives win and draw of the first mover, who is `difference` stronger; Davidson's model."""
    d = (difference + ADVANTAGE + opening) / ELO_PER_NAT
    win, loss = np.exp(d / 2), np.exp(-d / 2)
    total = win + loss + situation.nu
    return win / total, situation.nu / total


def truth(situation):
    """Gives what endless play would rate: the logits of the mean scores from both seats."""
    points, weights = np.polynomial.hermite_e.hermegauss(61)
    logits = []
    for difference in (DIFFERENCE, -DIFFERENCE):
        win, draw = chances(situation, difference, situation.opening_sd * points)
        score = ((win + draw / 2) * weights).sum() / weights.sum()
        logits.append(np.log(score / (1 - score)))
    return ELO_PER_NAT * (logits[0] - logits[1]) / 2


def play(situation, rng):
    """Gives the results of one match."""
    opening = rng.normal(0, 1, situation.pairs) * situation.opening_sd
    score2 = np.empty((situation.pairs, 2), np.int8)
    for seat, difference in enumerate((DIFFERENCE, -DIFFERENCE)):
        win, draw = chances(situation, difference, opening)
        luck = rng.random(situation.pairs)
        score2[:, seat] = np.where(luck < win, 2, np.where(luck < win + draw, 1, 0))
    pairs = np.repeat(np.arange(situation.pairs), situation.replays)
    games = len(pairs)
    return Results.of(
        ("a", "b"),
        np.tile([0, 1], games),
        np.tile([1, 0], games),
        score2[pairs].ravel(),
        np.repeat(pairs, 2),
    )


def coverage(situation, simulations, rng, errors):
    """Gives the share of intervals with the truth, their median width, and how many are none."""
    aim, held, widths, unbounded = truth(situation), 0, [], 0
    for _ in range(simulations):
        ratings = fit(play(situation, rng), errors=errors)
        if ratings.bound[0] is not None:
            unbounded += 1
            continue
        half = 1.959964 * ratings.difference_error(0, 1)
        held += abs(ratings.elo[0] - ratings.elo[1] - aim) <= half
        widths.append(2 * half)
    return held / len(widths), float(np.median(widths)), unbounded


def main():
    """Prints one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simulations", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rows = []
    for number, situation in enumerate(SITUATIONS):
        row = {"name": situation.name}
        for errors in ("clustered", "fisher"):
            rng = np.random.default_rng([options.seed, number])
            share, width, unbounded = coverage(situation, options.simulations, rng, errors)
            row[errors] = {"coverage": round(share, 4), "half_width_elo": round(width / 2, 1)}
            row["unbounded"] = unbounded
        row["ours"], row["peer"] = row["clustered"]["coverage"], row["fisher"]["coverage"]
        row["ratio"], row["at_least"], row["at_most"] = row["ours"] / 0.95, 0.93 / 0.95, 0.97 / 0.95
        rows.append(row)
    document = {
        "benchmark": "rating_coverage",
        "peer": "inverse curvature of the same fit, all games taken for independent",
        "simulations": options.simulations,
        "command": f"python benchmarks/rating_coverage.py --simulations {options.simulations} "
        f"--seed {options.seed}",
        "results": rows,
    }
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
