"""Makes the fixed scale of strength from the recorded tournament of its anchors.

arena tournament anchors --name anchors
python scripts/make_scale.py runs/anchors > arena/scales/connectx.json

Several runs are united; a later one replaces the pairings that it holds, so that one anchor can
change without all the others playing again.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import numpy as np

from arena import rating, runs
from arena.records import MatchRecord, Records
from arena.standings import results

ZERO = "random"


def games_of(folders: list[Path]) -> list[MatchRecord]:
    """Gives the rated games of the runs, in an order that follows from the games alone."""
    pairings: dict[frozenset[str], list[MatchRecord]] = {}
    for folder in folders:
        newer: dict[frozenset[str], list[MatchRecord]] = {}
        with Records.read(folder) as source:
            for record in source.episodes("rated = 1"):
                newer.setdefault(frozenset(record.agents), []).append(record)
        pairings |= newer
    found = [record for records in pairings.values() for record in records]
    return sorted(found, key=lambda r: (r.agents, r.start, r.seed))


def main(folders: list[Path]) -> None:
    """Prints the scale as JSON."""
    records = games_of(folders)
    fit = rating.fit(results(records))
    names = list(fit.players)
    zero = names.index(ZERO)
    elo = fit.elo - fit.elo[zero]
    order = sorted(range(len(names)), key=lambda k: elo[k])
    digest = hashlib.sha256()
    for record in records:
        scores = repr((record.agents, record.start, record.actions, record.scores))
        digest.update(scores.encode())
    config = runs.config(folders[0])["tournament"]
    document = {
        "env": records[0].env,
        "zero": ZERO,
        "openings": config["openings"],
        "games": len(records),
        "records": digest.hexdigest(),
        "made_by": "arena tournament anchors; python scripts/make_scale.py",
        "model": fit.model,
        "first_move_elo": round(fit.first_move_elo or 0.0, 2),
        "anchors": [{"agent": names[k], "elo": round(float(elo[k]), 2)} for k in order],
        "covariance": np.round(fit.covariance[np.ix_(order, order)], 2).tolist(),
    }
    sys.stdout.write(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
