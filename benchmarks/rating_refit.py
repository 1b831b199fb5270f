"""Time of an exact fit after one more game, from the fit before it, beside a fit from scratch.

Run: python benchmarks/rating_refit.py [--players 100]
"""

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from arena.rating import fit
from arena.results import Results
from arena.tally import Tally

GAMES = 1_000_000
ROUNDS = 60


def play(rng, num_players, num_games, opening):
    """Gives games with ratings spread by 10 Elo from player to player."""
    first = rng.integers(0, num_players, num_games)
    second = (first + rng.integers(1, num_players, num_games)) % num_players
    score = 1 / (1 + 10 ** (-(10.0 * (first - second) + 40) / 400))
    names = [f"player{k}" for k in range(num_players)]
    luck = 2 * (rng.random(num_games) < score)
    return Results.of(names, first, second, luck, np.arange(num_games) + opening)


def main():
    """Prints one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--players", type=int, default=100)
    options = parser.parse_args()
    rng = np.random.default_rng(1)
    tally = Tally()
    tally.add(play(rng, options.players, GAMES, 0))
    ratings = fit(tally)
    warm, cold, gaps = [], [], []
    for number in range(ROUNDS):
        game = play(rng, options.players, 1, GAMES + number)
        start = time.perf_counter()
        tally.add(game)
        ratings = fit(tally, warm=ratings)
        warm.append(time.perf_counter() - start)
        start = time.perf_counter()
        scratch = fit(tally)
        cold.append(time.perf_counter() - start)
        gaps.append(float(np.abs(scratch.elo - ratings.elo).max()))
    command = f"python benchmarks/rating_refit.py --players {options.players}"
    row = {
        "name": f"add one game and fit, {options.players} players, {GAMES} games: warm v scratch",
        "ours": float(np.median(warm)),
        "peer": float(np.median(cold)),
        "ratio": float(np.median(cold) / np.median(warm)),
        "at_least": 1.0,
        "command": command,
    }
    document = {
        "benchmark": "rating_refit",
        "unit": "seconds, median",
        "best_seconds": min(warm),
        "steps": ratings.iterations,
        "largest_gap_to_scratch_elo": max(gaps),
        "command": command,
        "results": [row],
    }
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
