"""Makes the fixed scale of strength from the recorded tournament of its anchors.

arena tournament anchors --name anchors
python scripts/make_scale.py runs/anchors > arena/scales/connectx.json
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import numpy as np

from arena import rating, runs
from arena.records import Records
from arena.standings import results

ZERO = "random"


def main(run: Path) -> None:
    """Prints the scale as JSON."""
    with Records.read(run) as source:
        records = [record for record in source.episodes() if record.rated]
    fit = rating.fit(results(records))
    names = list(fit.players)
    zero = names.index(ZERO)
    to_zero = np.eye(len(names)) - np.eye(len(names))[zero]
    elo = fit.elo - fit.elo[zero]
    covariance = to_zero @ fit.covariance @ to_zero.T
    order = sorted(range(len(names)), key=lambda k: elo[k])
    digest = hashlib.sha256()
    for record in records:
        scores = repr((record.agents, record.start, record.actions, record.scores))
        digest.update(scores.encode())
    config = runs.config(run)["tournament"]
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
        "covariance": np.round(covariance[np.ix_(order, order)], 2).tolist(),
    }
    sys.stdout.write(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
