"""Plays a small tournament on Ray, with one node or with two of which one is killed midway.

As a program, since a process has one Ray: `ray_run.py FOLDER NODES`; prints what was recorded.
"""

import json
import signal
import sys
import time
from pathlib import Path

from arena import executor_ray, tournament
from arena.records import Records
from arena.tournament import TournamentConfig

CONFIG = TournamentConfig(
    agents=("random", "one-ply", "negamax:depth=1"), games=40, chunk_games=8, seed=3
)


def play(folder, executor, after=lambda number: None):
    """Plays the tournament; gives the records as text."""
    cards = tournament.inspect(CONFIG, executor)
    with Records.write(folder) as records:
        for chunk in tournament.run(CONFIG, cards, records, executor):
            after(chunk.number)
        return [repr(episode) for episode in records.episodes()]


def sleepy(job, report):
    """Does what a job can do wrong."""
    kind, number = job
    report(0.3 if kind == "hang" else 0.0, str(number).encode())
    if kind == "raise":
        raise ValueError(f"job {number}")
    if kind == "exit":
        raise SystemExit(5)
    if kind == "hang":
        time.sleep(60)
    return number


def main(folder, nodes):
    cluster = executor_ray.Cluster(executor_ray.HOME)
    cluster.add(1)
    other = cluster.add(1) if nodes == 2 else None
    executor = executor_ray.join(nodes, cluster.address, cluster)

    def kill(number):
        if other and number == 3:
            raylet = other.all_processes["raylet"][0].process
            raylet.send_signal(signal.SIGKILL)

    try:
        jobs = [("ok", 0), ("raise", 1), ("hang", 2), ("exit", 3), ("ok", 4)]
        retry = {"hang": ("ok", 20)}
        outcomes = list(executor.map(sleepy, jobs, 3, lambda job, outcome: retry.get(job[0])))
        told = [
            [o.place, o.status, str(o.value).splitlines()[-1], o.note.decode()] for o in outcomes
        ]
        began = time.monotonic()
        records = play(folder, executor, kill)
        print(json.dumps({"outcomes": told, "records": records, "s": time.monotonic() - began}))
    finally:
        executor.close()


if __name__ == "__main__":
    from tests.arena.ray_run import main  # under the name by which workers find its functions

    main(Path(sys.argv[1]), int(sys.argv[2]))
