"""Time of a fit with first-move term and clustered errors, beside arenakit and evalica.

100 players, 10^6 games in memory. "kept": each tool from what it would keep, a tally's counts
(ours), pair counts (arenakit), columns of names (evalica, which keeps no counts). "arrays": each
from one entry a game. The peers fit neither a first-move term nor errors. One thread each.
Run: python benchmarks/rating_fit.py [--players 100] [--games 1000000]
"""

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["RAYON_NUM_THREADS"] = "1"

import argparse
import json
import sys
import time
from pathlib import Path

import arenakit
import arenakit.schema
import evalica
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from arena.elo import elo_to_score
from arena.rating import fit
from arena.results import Results
from arena.tally import count

COMMAND = "python benchmarks/rating_fit.py"


def make_results(num_players, num_games, seed):
    """Gives pairs of games from an opening each; ratings have sd 200, one game in ten is drawn."""
    rng = np.random.default_rng(seed)
    elo = rng.normal(0, 200, num_players)
    one = rng.integers(0, num_players, num_games // 2)
    other = (one + rng.integers(1, num_players, num_games // 2)) % num_players
    first, second = np.stack([one, other], 1).ravel(), np.stack([other, one], 1).ravel()
    score = elo_to_score(elo[first] - elo[second] + 40)
    luck = rng.random(num_games)
    score2 = np.where(luck < score - 0.05, 2, np.where(luck < score + 0.05, 1, 0))
    names = [f"player{k}" for k in range(num_players)]
    return Results.of(names, first, second, score2, np.repeat(np.arange(num_games // 2), 2))


def best(call, repeats):
    """Gives the shortest of several times, in seconds, after one call to warm up."""
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def arenakit_arena(results):
    """Gives arenakit's own arrays, made without a million of its objects."""
    arena = object.__new__(arenakit.Arena)
    arena.models = list(results.players)
    arena.a, arena.b = results.first, results.second
    codes = np.array([arenakit.schema.B_WINS, arenakit.schema.TIE, arenakit.schema.A_WINS])
    arena.y = codes[results.score2].astype(np.int8)
    return arena


def measure(results, repeats):
    """Gives seconds by tool and form of input."""
    counts, arena = count(results), arenakit_arena(results)
    pairs = arena.counts()
    names = np.array(results.players)
    xs, ys = names[results.first].tolist(), names[results.second].tolist()
    outcome = [evalica.Winner.Y, evalica.Winner.Draw, evalica.Winner.X]
    winners = [outcome[k] for k in results.score2.tolist()]
    seconds = {
        "ours": best(lambda: fit(counts), repeats),
        "ours_arrays": best(lambda: fit(results), repeats),
        "arenakit": best(lambda: arenakit.fit_bt(pairs, ties="half"), repeats),
        "arenakit_arrays": best(lambda: arenakit.fit_bt(arena.counts(), ties="half"), 3),
        "evalica": best(lambda: evalica.bradley_terry(xs, ys, winners), 2),
    }
    peer = evalica.bradley_terry(xs, ys, winners).scores[list(results.players)].to_numpy()
    plain = fit(counts, "none", first_move=False).elo
    peer = 400 * np.log10(peer)
    seconds["largest_difference_elo"] = float(np.abs(plain - peer + peer.mean()).max())
    return seconds


def main():
    """Prints one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--players", type=int, default=100)
    parser.add_argument("--games", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    seconds = measure(make_results(options.players, options.games, seed=1), options.repeats)
    command = f"{COMMAND} --players {options.players} --games {options.games}"
    rows = [
        ("kept counts v arenakit pair counts", "ours", "arenakit", 9),
        ("kept counts v arenakit arrays", "ours", "arenakit_arrays", None),
        ("kept counts v evalica columns", "ours", "evalica", 50),
        ("arrays v arenakit arrays", "ours_arrays", "arenakit_arrays", None),
        ("arrays v evalica columns", "ours_arrays", "evalica", None),
    ]
    document = {
        "benchmark": "rating_fit",
        "unit": "seconds, best of several",
        "command": command,
        "results": [
            {
                "name": f"{options.players} players, {options.games} games: {name}",
                "ours": seconds[ours],
                "peer": seconds[peer],
                "ratio": seconds[peer] / seconds[ours],
                "at_least": at_least,
                "command": command,
            }
            for name, ours, peer, at_least in rows
        ],
        "largest_difference_to_evalica_elo": seconds["largest_difference_elo"],
    }
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
