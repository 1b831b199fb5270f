"""An executor on Ray: the same jobs, the same bytes, on the processors of one machine or of many.

An actor of Ray, here a *post*, stands for each worker. It runs a job in a process beside it, as
`Local` does, so a job that hangs or dies is noticed where it runs, with its note. A post that is
lost, alone or with its machine, costs the job nothing but time: it goes to another post as it was.

What a job reads from a store, such as weights, is put into Ray's once, however many jobs read it,
and goes once to each machine.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import pickle
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, Self, runtime_checkable

from agents.process import resolve
from arena import ray_cluster
from arena.executor import Local, Outcome, Pool, Report, Task
from arena.ray_cluster import HOME, Cluster, RayError
from arena.store import MemoryStore

_FLOORS = ("agents", "arena", "configs", "envs", "muzero")
_PATIENCE_S = 300.0
_LOSSES_BORNE = 3
_HELD = 64_000_000


@runtime_checkable
class Reader(Protocol):
    """A job that reads objects of a store."""

    store: Any
    """Where they are, see `muzero.progress.Store`."""

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the objects."""
        ...

    def reading(self, store: Any) -> Self:
        """Gives the same job, which reads from another store."""
        ...


def make(workers: int | None, address: str | None) -> RayPool:
    """Gives the executor on a Ray of its own, or on a cluster that is there.

    Args:
        workers: how many jobs run at a time; None = as many as there are processors.
        address: `HOST:PORT`, the cluster to join; None, or `HOME`, = a Ray of its own.

    Raises:
        RayError: when Ray is absent, would be open to anybody, or cannot be reached.
    """
    if address is None or ":" not in address:
        cluster = Cluster(address or HOME)
        cluster.add(workers or len(os.sched_getaffinity(0)))
        return join(workers, cluster.address, cluster)
    ray_cluster.guard(address)
    return join(workers, address)


def join(workers: int | None, address: str, own: Cluster | None = None) -> RayPool:
    """Gives the executor on a cluster that is there; `own` is ended with it.

    Raises:
        RayError: when it cannot be reached.
    """
    try:
        ray = ray_cluster.connect(address)
    except RayError:
        if own:
            own.close()
        raise
    return RayPool(workers or int(ray.cluster_resources().get("CPU", 1)), own)


class Held:
    """Objects that jobs read, each handed to Ray once; those read last are kept there."""

    def __init__(self, ray: Any) -> None:
        self._ray = ray
        self._found: dict[str, tuple[Any, int]] = {}

    def of(self, job: Reader) -> dict[str, Any]:
        """Gives Ray's references to what a job reads, by name."""
        refs = {}
        for name in job.reads:
            if name in self._found:
                held = self._found.pop(name)
            else:
                data = job.store.get(name)
                held = self._ray.put(data), len(data)
            self._found[name] = held  # the last one read stands at the end
            refs[name] = held[0]
        while len(self._found) > len(refs) and self._size() > _HELD:
            del self._found[next(iter(self._found))]
        return refs

    def _size(self) -> int:
        return sum(size for _, size in self._found.values())


class RayPool(Pool):
    """Runs jobs at `workers` posts, which it replaces when they are lost."""

    def __init__(self, workers: int, own: Cluster | None) -> None:
        super().__init__(workers)
        self._ray = ray_cluster.door()
        self._held = Held(self._ray)
        self._own = own
        self._coming: dict[Any, Any] = {}
        self._idle: list[Any] = []
        self._busy: dict[Any, tuple[Any, Task]] = {}
        self._lost: deque[Task] = deque()
        self._failures = 0
        self._heard = time.monotonic()
        remote = self._ray.remote(num_cpus=1, max_restarts=0)
        self._post = functools.partial(remote(Post).remote, os.getcwd(), _settings())

    def close(self) -> None:
        """Ends every post at once, and Ray itself where it was started for this."""
        self._abandon()
        for post in [*self._coming.values(), *self._idle]:
            self._ray.kill(post)
        self._coming.clear()
        self._idle.clear()
        self._ray.shutdown()
        if self._own:
            self._own.close()

    def _dispatch(self, target: str, waiting: deque[Task]) -> None:
        waiting.extendleft(reversed(self._lost))
        self._lost.clear()
        posts = len(self._coming) + len(self._idle) + len(self._busy)
        for _ in range(min(self.workers - posts, len(waiting) - len(self._idle))):
            post = self._post()
            self._coming[post.sources.remote()] = post
        while waiting and self._idle:
            post, task = self._idle.pop(), waiting.popleft()
            self._busy[post.run.remote(*self._packed(target, task.job))] = post, task

    def _packed(self, target: str, job: Any) -> tuple[bytes, dict[str, Any]]:
        """Gives a packed job, and references to what it reads."""
        refs = {}
        if isinstance(job, Reader):
            refs = self._held.of(job)
            job = job.reading(MemoryStore())
        return pickle.dumps((target, job)), refs

    def _wait(self, seconds: float) -> list[tuple[Task, Outcome]]:
        refs = [*self._coming, *self._busy]
        if not refs:
            return []
        ready, _ = self._ray.wait(refs, num_returns=1, timeout=seconds)
        if ready:  # all that are ready by now: a look at many costs more than each of them
            ready, _ = self._ray.wait(refs, num_returns=len(refs), timeout=0)
        over: list[tuple[Task, Outcome]] = []
        for ref in ready:
            self._heard = time.monotonic()
            if ref in self._coming:
                self._greet(ref)
            else:
                over += self._finish(ref)
        if not self._busy and not self._idle and time.monotonic() - self._heard > _PATIENCE_S:
            raise RayError(
                f"no worker of Ray came up in {_PATIENCE_S:.0f} s; see `ray status`, or ask for "
                "fewer --workers"
            )
        return over

    def _greet(self, ref: Any) -> None:
        """Lets a new post in.

        Raises:
            RayError: when it has another arena than this, or none comes up.
        """
        post = self._coming.pop(ref)
        try:
            sources = self._ray.get(ref)
        except self._ray.exceptions.RayError as error:
            self._failures += 1
            if self._failures > _LOSSES_BORNE * self.workers:
                last = str(error).strip().splitlines()[-1]
                raise RayError(f"no worker of Ray stays up; the last said: {last}") from error
            return
        if sources != digest():
            raise RayError(
                "a machine of the cluster has another arena than this one, so its games would not "
                "be the same; install the same version everywhere"
            )
        self._idle.append(post)

    def _finish(self, ref: Any) -> list[tuple[Task, Outcome]]:
        post, task = self._busy.pop(ref)
        try:
            outcome = self._ray.get(ref)
        except self._ray.exceptions.RayError as error:
            self._ray.kill(post)
            task.losses += 1
            if task.losses < _LOSSES_BORNE:
                self._lost.append(task)
                return []
            last = str(error).strip().splitlines()[0]
            return [(task, Outcome(task.index, "crash", f"its machine was lost: {last}"))]
        self._failures = 0
        self._idle.append(post)
        value = pickle.loads(outcome.value) if outcome.status == "ok" else outcome.value
        return [(task, outcome._replace(place=task.index, value=value))]

    def _abandon(self) -> None:
        for post, _ in self._busy.values():
            self._ray.kill(post)
        self._busy.clear()
        self._lost.clear()


class Post:
    """What stands for a worker on its machine: it runs a job at a time and watches over it."""

    def __init__(self, folder: str, settings: Mapping[str, str]) -> None:
        """Goes to `folder`, where it is there, so that relative names mean the same files."""
        with contextlib.suppress(OSError):
            os.chdir(folder)
        os.environ.update(settings)
        self._local = Local(1)

    def sources(self) -> str:
        """Gives the `digest` of the arena on this machine."""
        return digest()

    def run(self, data: bytes, refs: Mapping[str, Any]) -> Outcome:
        """Runs a packed job that reads some objects; the value of an `ok` is packed, too."""
        ray = ray_cluster.door()
        objects = dict(zip(refs, ray.get(list(refs.values())), strict=True))
        (outcome,) = self._local.map(run_packed, [(data, objects)], ahead=1)
        return outcome


def run_packed(packed: tuple[bytes, dict[str, bytes]], report: Report) -> bytes:
    """Runs a job of which only this process need know anything; gives its result, packed."""
    data, objects = packed
    target, job = pickle.loads(data)
    if objects:
        job = job.reading(MemoryStore(objects))
    return pickle.dumps(resolve(target)(job, report))


@functools.cache
def digest() -> str:
    """Gives the SHA-256 of all source files of the arena."""
    root, found = Path(__file__).parents[1], hashlib.sha256()
    for file in sorted(path for floor in _FLOORS for path in (root / floor).rglob("*.py")):
        found.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes())
    return found.hexdigest()


def _settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("ARENA_")}
