"""Lets jobs run on Ray, with one node or with two of which one is killed midway, again and again.

As a program, since a process has one Ray: `ray_run.py FOLDER NODES WHAT ...`; prints what came out
of each WHAT, a name of `EVENTS`, or `faults`.
"""

import json
import signal
import sys
import time
from functools import partial
from pathlib import Path

from arena import executor_ray, grade, grade_jobs, solo, solo_eval, tournament
from arena.match import TimeControl
from arena.records import Records
from arena.tournament import TournamentConfig

CONFIG = TournamentConfig(
    agents=("random", "one-ply", "negamax:depth=1"), games=40, chunk_games=8, seed=3
)
PONG = "ALE/Pong-v5"


def play(folder, executor, after=lambda number: None):
    """Plays a tournament; gives the records as text."""
    cards = tournament.inspect(CONFIG, executor)
    with Records.write(folder / "tournament") as records:
        for chunk in tournament.run(CONFIG, cards, records, executor):
            after(chunk.number)
        return [repr(episode) for episode in records.episodes()]


def asked(folder, executor, after=lambda number: None):
    """Grades an agent; gives its answers as text, without their times."""
    positions, found = grade.read(grade.SHIPPED), []
    for number, answer in enumerate(grade_jobs.answers("negamax:depth=2", positions, 0, executor)):
        found.append(repr((answer.position, answer.action, answer.fault)))
        after(number // grade.CHUNK)
    return found


def evaluated(folder, executor, after=lambda number: None, episodes=2):
    """Evaluates an agent of Pong; gives the records as text."""
    clock = TimeControl()
    (card,) = tournament.cards_of(("random",), (PONG,), clock, executor)
    chunks = solo_eval.wanted(PONG, card, solo.seeds(0, episodes), clock)
    with Records.write(folder / "evaluation") as records:
        for number, _ in enumerate(solo_eval.play(chunks, card, records, executor)):
            after(number)
        return [repr(episode) for episode in records.episodes()]


EVENTS = {
    "tournament": play,
    "grade": asked,
    "eval": evaluated,
    "eval-long": partial(evaluated, episodes=48),
}


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


def faults(executor):
    """Gives what becomes of jobs that do everything wrong."""
    jobs = [("ok", 0), ("raise", 1), ("hang", 2), ("exit", 3), ("ok", 4)]
    retry = {"hang": ("ok", 20)}
    outcomes = executor.map(sleepy, jobs, 3, lambda job, outcome: retry.get(job[0]))
    return [[o.place, o.status, str(o.value).splitlines()[-1], o.note.decode()] for o in outcomes]


def main(folder, nodes, wanted):
    cluster = executor_ray.Cluster(executor_ray.HOME)
    cluster.add(1)
    executor = executor_ray.join(nodes, cluster.address, cluster)
    told = {}
    try:
        for what in wanted:
            other = cluster.add(1) if nodes == 2 else None

            def kill(number, other=other):
                if other and number == 3 and (alive := other.all_processes["raylet"]):
                    alive[0].process.send_signal(signal.SIGKILL)

            after = () if what == "faults" else (folder, executor, kill)
            told[what] = EVENTS[what](*after) if after else faults(executor)
        print(json.dumps(told))
    finally:
        executor.close()


if __name__ == "__main__":
    from tests.arena.ray_run import main  # under the name by which workers find its functions

    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
