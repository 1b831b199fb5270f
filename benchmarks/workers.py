"""Speed of two workers over one, negamax of 4 plies v 2 plies."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from arena import tournament
from arena.executor import Local
from arena.records import Records
from arena.tournament import TournamentConfig

CONFIG = TournamentConfig(agents=("negamax:depth=4", "negamax:depth=2"), games=12_800)
WARM_CHUNKS = 20


def speed(workers: int) -> float:
    """Gives recorded games a second with so many worker processes, once they are warm."""
    executor = Local(workers)
    try:
        cards = tournament.inspect(CONFIG, executor)
        with tempfile.TemporaryDirectory() as folder, Records.write(Path(folder)) as records:
            began, warm = 0.0, 0
            for chunk in tournament.run(CONFIG, cards, records, executor):
                if chunk.number == WARM_CHUNKS:
                    began, warm = time.perf_counter(), records.count()
            return (CONFIG.games - warm) / (time.perf_counter() - began)
    finally:
        executor.close()


if __name__ == "__main__":
    rounds = [(speed(1), speed(2)) for _ in range(3)]
    one, two = (sorted(column)[1] for column in zip(*rounds, strict=True))
    json.dump(
        {
            "name": "2 workers against 1, negamax depth 4 v depth 2, games per second",
            "ours": round(two),
            "peer": round(one),
            "peer_name": "the same with one worker",
            "ratio": round(two / one, 2),
            "at_least": {"ratio": 1.7},
            "command": "python benchmarks/workers.py",
        },
        sys.stdout,
        indent=2,
    )
    print()
