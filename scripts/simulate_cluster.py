"""Simulates 1 to 1,000 workers of a tournament, and names what holds them up.

    python scripts/simulate_cluster.py --job 0.139 --send 0.001 --commit 0.0005 --ahead 16

A worker takes `job` seconds for a chunk, give or take a half; the coordinator, alone, hands chunks
out (`send`) and commits them in their order (`commit`), and draws no chunk before the one `ahead`
places earlier was committed.
"""

from __future__ import annotations

import argparse
import heapq
import random

WORKERS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000)


def simulate(workers: int, jobs: int, times: argparse.Namespace) -> tuple[float, str]:
    """Gives the jobs a second and the bottleneck.

    Args:
        workers: how many there are.
        jobs: how many are done.
        times: `job`, `send`, `commit` in seconds, `ahead` in jobs.
    """
    chance, clock, busy, worked = random.Random(0), 0.0, 0.0, 0.0
    running: list[tuple[float, int]] = []  # when a job ends, and which
    done: set[int] = set()
    free, drawn, taken = workers, 0, 0
    while taken < jobs:
        for job in range(drawn, min(jobs, taken + times.ahead, drawn + free)):
            clock, busy = clock + times.send, busy + times.send
            seconds = times.job * chance.uniform(0.5, 1.5)
            heapq.heappush(running, (clock + seconds, job))
            worked, drawn, free = worked + seconds, job + 1, free - 1
        if taken in done:
            clock, busy, taken = clock + times.commit, busy + times.commit, taken + 1
        else:
            clock = max(clock, running[0][0])
        while running and running[0][0] <= clock:
            done.add(heapq.heappop(running)[1])
            free += 1
    total = clock
    if busy > 0.9 * total:
        return jobs / total, "the coordinator"
    if worked > 0.8 * total * workers:
        return jobs / total, "the workers"
    return jobs / total, f"ahead = {times.ahead}: workers wait for earlier chunks"


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--job", type=float, default=0.139)
    parser.add_argument("--send", type=float, default=0.001)
    parser.add_argument("--commit", type=float, default=0.0005)
    parser.add_argument("--ahead", type=int, default=16)
    times = parser.parse_args()
    print("| workers | chunks/s | of ideal | bottleneck |\n|---|---|---|---|")  # noqa: T201
    for workers in WORKERS:
        rate, why = simulate(workers, max(2000, 10 * workers), times)
        ideal = workers / times.job
        print(f"| {workers:,} | {rate:.1f} | {100 * rate / ideal:.0f} % | {why} |")  # noqa: T201


if __name__ == "__main__":
    main()
