"""Lets jobs run on Ray, with one node or with two of which one is killed midway, again and again.

As a program, since a process has one Ray: `ray_run.py FOLDER NODES WHAT ...`; prints what came out
of each WHAT, a name of `EVENTS`, or `faults`.
"""

import json
import signal
import sys
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

from agents import checkpoint
from arena import (
    executor_ray,
    grade,
    grade_jobs,
    ray_cluster,
    solo,
    solo_eval,
    tournament,
    training,
)
from arena.match import TimeControl
from arena.records import Records
from arena.store import FolderStore
from arena.tournament import TournamentConfig
from configs import loader

CONFIG = TournamentConfig(
    agents=("random", "one-ply", "negamax:depth=1"), games=40, chunk_games=8, seed=3
)
PONG = "ALE/Pong-v5"
TRAINING = (
    "env=connectx-4x4x3",
    "train.chunks=10",
    "train.lag=2",
    "train.barrier=5",
    "train.reanalyze=1.0",
    "train.network.channels=8",
    "train.network.blocks=1",
    "train.selfplay.games=8",
    "train.selfplay.rows=8",
    "train.selfplay.search.simulations=8",
    "train.learner.batch=16",
    "train.learner.first_moments=20",
    "evaluation.games=0",
    "evaluation.positions=0",
)


def play(folder, executor, after=lambda number: None):
    """Plays a tournament; gives the records as text."""
    cards = tournament.inspect(CONFIG, executor)
    with Records.write(folder / "tournament") as records:
        for chunk in tournament.run(CONFIG, cards, records, executor):
            after(chunk.number)
        return [repr(episode) for episode in records.episodes()]


def asked(folder, executor, after=lambda number: None, every=5):
    """Grades an agent; gives its answers as text, without their times."""
    positions, found = grade.read(grade.SHIPPED)[::every], []
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


def trained(folder, executor, after=lambda number: None):
    """Trains on three chunks at a time; gives the hashes of what is learned and learned from."""
    config = training.load(loader.override(loader.preset("train", "connectx/muzero"), TRAINING))
    with Records.write(folder / "training") as records, counted(executor) as handed:
        run = training.run(config, folder / "training", records, executor, "cpu")
        for chunks, _ in enumerate(run, 1):
            after(chunks - 1)
    assert not handed or len(handed) >= 8  # versions of the weights that chunks play with
    about = checkpoint.manifest(checkpoint.at(folder / "training", chunks))
    return [about.counters, about.parts, list(about.objects)]


class Looking(NamedTuple):
    """A job that reads objects."""

    store: Any
    reads: tuple[str, ...]

    def reading(self, store):
        return self._replace(store=store)


def look(job, report):
    """Gives the sizes of what a job reads."""
    return [len(job.store.get(name)) for name in job.reads]


def looked(folder, executor, after=lambda number: None):
    """Reads four objects in twelve jobs."""
    store = FolderStore(folder / "objects")
    names = [store.put(bytes(1000 + number)) for number in range(4)]
    jobs = [Looking(store, (names[number // 3], names[number % 4])) for number in range(12)]
    with counted(executor) as handed:
        outcomes = list(executor.map(look, jobs, 6))
    assert len(handed) in (0, 4)
    return [outcome.value for outcome in outcomes]


@contextmanager
def counted(executor):
    """Gives the hashes of the objects of jobs that Ray is handed meanwhile: none of them twice."""
    handed, held = [], getattr(executor, "_held", None)
    if held is not None:
        ray = held._ray
        held._ray = SimpleNamespace(put=lambda data: (handed.append(hash(data)), ray.put(data))[1])
    yield handed
    assert len(handed) == len(set(handed))
    assert bool(handed) == (held is not None)
    if held is not None:
        held._ray = ray


EVENTS = {
    "tournament": play,
    "grade": asked,
    "objects": looked,
    "eval": evaluated,
    "grade-long": partial(asked, every=1),
    "eval-long": partial(evaluated, episodes=24),
    "train": trained,
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
    cluster = ray_cluster.Cluster(ray_cluster.HOME)
    cluster.add(1)
    executor = executor_ray.join(nodes, cluster.address, cluster)
    told, killed = {}, []
    try:
        for what in wanted:
            other = cluster.add(1) if nodes == 2 else None
            moment = 0 if what == "eval-long" else 3

            def kill(number, what=what, other=other, moment=moment):
                if other and number == moment and what not in killed:
                    raylet = other.all_processes["raylet"][0].process
                    raylet.send_signal(signal.SIGKILL)
                    killed.append(what)

            after = () if what == "faults" else (folder, executor, kill)
            told[what] = EVENTS[what](*after) if after else faults(executor)
        assert killed == (wanted if nodes == 2 else [])
        print(json.dumps(told))
    finally:
        executor.close()


if __name__ == "__main__":
    from tests.arena.ray_run import main  # under the name by which workers find its functions

    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
