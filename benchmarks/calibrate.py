"""Coverage of `arena calibrate`: reruns of a known anchor, each with other openings and seeds."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from arena import executor as executors
from arena import scale, tournament
from arena.match import TimeControl
from arena.records import Records
from arena.tournament import TournamentConfig


def main() -> int:
    """Places one anchor again and again against the others; counts the intervals that hold it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agent", default="negamax:depth=4")
    parser.add_argument("--reruns", type=int, default=100)
    parser.add_argument("--games", type=int, default=8, help="against each anchor")
    options = parser.parse_args()
    whole = scale.load("connectx")
    anchors = whole.without(options.agent)
    stored = float(whole.elo[whole.agents.index(options.agent)])
    places = []
    executor = executors.make("local", 2)
    try:
        for rerun in range(options.reruns):
            config = TournamentConfig(
                agents=(options.agent, *anchors.agents),
                schedule="gauntlet",
                games=options.games,
                openings=anchors.openings,
                seed=1000 + rerun,
                clock=TimeControl(move_s=0.0),
            )
            cards = tournament.inspect(config, executor)
            with tempfile.TemporaryDirectory() as folder, Records.write(Path(folder)) as records:
                chunks = tournament.run(config, cards, records, executor)
                played = [record for chunk in chunks for record in chunk.records]
            places.append(scale.place(anchors, options.agent, played))
    finally:
        executor.close()
    inside = sum(p.error95 is not None and abs(p.elo - stored) <= p.error95 for p in places)
    json.dump(
        {
            "name": "reruns of `calibrate` whose interval holds the stored rating of an anchor",
            "agent": options.agent,
            "stored": stored,
            "mean": round(sum(p.elo for p in places) / len(places), 1),
            "mean_error95": round(sum(p.error95 or 0 for p in places) / len(places), 1),
            "inside": inside,
            "reruns": options.reruns,
            "at_least": {"inside": round(0.93 * options.reruns)},
            "command": f"python {sys.argv[0]} --games {options.games} --reruns {options.reruns}",
        },
        sys.stdout,
        indent=2,
    )
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
