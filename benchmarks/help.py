"""Time of `arena --help`, warm, against a Python that does nothing."""

from __future__ import annotations

import json
import subprocess
import sys
import time

RUNS = 15


def milliseconds(*arguments: str) -> float:
    """Gives the median time of a command."""
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        subprocess.run(arguments, capture_output=True, check=True)
        times.append(time.perf_counter() - began)
    return 1000 * sorted(times)[RUNS // 2]


if __name__ == "__main__":
    ours = milliseconds(sys.executable, "-m", "arena", "--help")
    peer = milliseconds(sys.executable, "-c", "pass")
    json.dump(
        {
            "name": "arena --help, warm, milliseconds",
            "ours": round(ours),
            "peer": round(peer),
            "peer_name": "python -c pass",
            "ratio": round(ours / peer, 1),
            "at_most": {"ours": 150},
            "command": "python benchmarks/help.py",
        },
        sys.stdout,
        indent=2,
    )
    print()
