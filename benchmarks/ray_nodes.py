"""Jobs a second on a Ray of two nodes against `Local` with two workers, same jobs, same run."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from arena import executor_ray, ray_cluster, tournament
from arena.executor import Executor, Inline, Local, Report
from arena.records import Records
from arena.tournament import TournamentConfig

SECONDS, JOBS, EMPTY = 0.5, 40, 400


def rest(job: float, report: Report) -> float:
    """Takes `job` seconds without a processor, so that only the executors differ."""
    time.sleep(job)
    return job


def rate(executor: Executor, job: float, count: int) -> float:
    """Gives jobs a second, once the workers are there."""
    list(executor.map(rest, [0.1] * 4, 4))
    began = time.perf_counter()
    done = sum(outcome.status == "ok" for outcome in executor.map(rest, [job] * count, 8))
    return done / (time.perf_counter() - began)


def chunk_seconds() -> dict[str, Any]:
    """Gives how long a chunk of 32 games takes to play and, of that, to commit."""
    agents = ("negamax:depth=4", "negamax:depth=2")
    config = TournamentConfig(agents=agents, games=320)
    cards = tournament.inspect(config, Inline())
    with tempfile.TemporaryDirectory() as name, Records.write(Path(name)) as records:
        began = time.perf_counter()
        played = [chunk.records for chunk in tournament.run(config, cards, records, Inline())]
        whole = (time.perf_counter() - began) / len(played)
    with tempfile.TemporaryDirectory() as name, Records.write(Path(name)) as records:
        began = time.perf_counter()
        for number, episodes in enumerate(played):
            records.commit(episodes, "again", number)
        commit = (time.perf_counter() - began) / len(played)
    return {"chunk_s": round(whole, 4), "commit_s": round(commit, 5)}


def main() -> None:
    """Prints the figures as JSON."""
    local = Local(2)
    cluster = ray_cluster.Cluster(ray_cluster.HOME)
    cluster.add(1)
    cluster.add(1)
    ray = executor_ray.join(2, cluster.address, cluster)
    try:
        ours = rate(ray, SECONDS, JOBS)
        peer = rate(local, SECONDS, JOBS)
        told = {
            "name": "jobs of 0.5 s: Ray with two nodes v Local with two workers",
            "ray_jobs_s": round(ours, 3),
            "local_jobs_s": round(peer, 3),
            "ratio": round(ours / peer, 3),
            "ray_empty_job_s": round(1 / rate(ray, 0.0, EMPTY), 5),
            "local_empty_job_s": round(1 / rate(local, 0.0, EMPTY), 5),
            **chunk_seconds(),
            "command": "python benchmarks/ray_nodes.py",
        }
    finally:
        ray.close()
        local.close()
    json.dump(told, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    root = str(Path(__file__).parents[1])
    sys.path.insert(0, root)
    os.environ["PYTHONPATH"] = root  # of the workers
    from benchmarks.ray_nodes import main as run  # under the name by which workers find `rest`

    run()
