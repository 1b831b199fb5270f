"""Mean return of random play over the 57 games, under two protocols, against the published one.

Random play takes any action that the game knows, a new one every four frames. The published agent
chose one every six (https://doi.org/10.1038/nature14236), so that the two agree in size, not to the
digit; `--every 6` plays as that one did, one game at a time. Every episode runs to its end under a
seed of its own: neither the long nor the short ones are counted twice. `z` is how many standard
errors ours lies from the published mean, which has an error of its own that nobody has told.

    python benchmarks/atari_random.py --episodes 10 --games atari-57 --protocols sticky nature
    python benchmarks/atari_random.py --episodes 20 --games hero --protocols nature --every 6
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arena import atari_scores
from envs import registry
from envs.atari_games import PROTOCOLS
from envs.seeding import derive

AGREE_Z, AGREE_RATIO = 3.0, 0.25


def returns(id: str, episodes: int) -> tuple[NDArray[np.float64], int]:
    """Gives the return of each episode, `float64[episodes]`, and the steps of all together."""
    rows = min(8, episodes)
    env = registry.make_vector(id, rows)
    chances = [np.random.default_rng(derive("random play", id, n)) for n in range(episodes)]
    playing, begun, steps = np.arange(rows), rows, 0
    totals = np.zeros(episodes)
    moment = env.reset(playing, playing)
    while (playing >= 0).any():
        actions = np.array(
            [chances[n].integers(env.spec.num_actions) if n >= 0 else 0 for n in playing]
        )
        moment = env.step(actions)
        steps += int((playing >= 0).sum())
        np.add.at(totals, playing[playing >= 0], moment.rewards[playing >= 0, 0])
        for row in np.flatnonzero(moment.last & (playing >= 0)):
            playing[row] = begun if begun < episodes else -1
            if begun < episodes:
                env.reset(np.array([row]), np.array([begun]))
                begun += 1
    env.close()  # type: ignore[attr-defined]
    return totals, steps


def slower(game: str, protocol: str, every: int, episodes: int) -> tuple[NDArray[np.float64], int]:
    """Gives the same where an action lasts `every` frames."""
    other = replace(PROTOCOLS[protocol], name=f"{protocol}-{every}", frame_skip=every)
    PROTOCOLS[other.name] = other
    env = registry.make(f"{game}@{other.name}")
    totals, steps = np.zeros(episodes), 0
    for n in range(episodes):
        chance = np.random.default_rng(derive("random play", env.spec.id, n))
        moment = env.reset(n)
        while not moment.last:
            moment = env.step(int(chance.integers(env.spec.num_actions)))
            totals[n] += moment.rewards[0]
            steps += 1
    return totals, steps


def measure(
    game: str, protocol: str, episodes: int, published: float, every: int
) -> dict[str, Any]:
    """Gives a game's row of the table."""
    began = time.perf_counter()
    if every == PROTOCOLS[protocol].frame_skip:
        found, steps = returns(f"{game}@{protocol}", episodes)
    else:
        found, steps = slower(game, protocol, every, episodes)
    error = float(found.std(ddof=1)) / math.sqrt(episodes) if episodes > 1 else math.nan
    mean = float(found.mean())
    return {
        "game": game,
        "protocol": protocol,
        "mean": round(mean, 1),
        "error": round(error, 1),
        "published": published,
        "ratio": round(mean / published, 2) if published else None,
        "z": round((mean - published) / error, 1) if error else None,
        "steps": steps,
        "seconds": round(time.perf_counter() - began, 1),
    }


def agrees(row: dict[str, Any]) -> bool:
    """Tells whether a row is as published, but for chance or a quarter of the size."""
    near = row["ratio"] is not None and abs(row["ratio"] - 1) <= AGREE_RATIO
    equal = row["mean"] == row["published"]
    return bool(near or equal or (row["z"] is not None and abs(row["z"]) <= AGREE_Z))


def main() -> None:
    """Measures, tells each game on stderr and prints the summary as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--episodes", type=int, default=10)
    parser.add_argument("--games", default="atari-5")
    parser.add_argument("--protocols", nargs="+", default=["sticky", "nature"])
    parser.add_argument("--every", type=int, default=4, help="frames that an action lasts")
    asked = parser.parse_args()
    ids = registry.group(asked.games) or (registry.canonical(asked.games),)
    published = {game: scores.random for game, scores in atari_scores.games().items()}
    rows = []
    for id in ids:
        game = str(registry.spec(id).options["game"])
        for protocol in asked.protocols:
            row = measure(game, protocol, asked.episodes, published[game], asked.every)
            rows.append(row)
            print(
                f"{game:18} {protocol:7} {row['mean']:>10} ± {row['error']:<8} published "
                f"{row['published']:>9}  ratio {row['ratio']!s:>6}  z {row['z']!s:>6}  "
                f"{row['steps']:>7} steps {row['seconds']:>6} s",
                file=sys.stderr,
                flush=True,
            )
    agreeing = sum(map(agrees, rows))
    summary = {
        "name": f"random play, {asked.games}, {asked.episodes} episodes a game and protocol",
        "agreeing": f"{agreeing} of {len(rows)} within {AGREE_RATIO:.0%} or z {AGREE_Z:.0f}",
        "share": round(agreeing / len(rows), 2),
        "differing": [row for row in rows if not agrees(row)],
        "command": f"python benchmarks/atari_random.py --games {asked.games} "
        f"--episodes {asked.episodes} --protocols {' '.join(asked.protocols)} "
        f"--every {asked.every}",
    }
    json.dump(summary, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
