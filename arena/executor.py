"""Executors: they run jobs somewhere and give the outcomes back in order, each once.

`Inline` runs them in this process, `Local` in worker processes of its own, the one in
`arena.executor_ray` on a cluster. A job is drawn from the
(lazy) iterable only after the result `ahead` places before it was taken, with any executor and any
number of workers; so what a job depends on does not depend on who ran it.
"""

from __future__ import annotations

import os
import pickle
import select
import time
import traceback
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from agents.process import (
    QUIET_THREADS,
    Channel,
    Child,
    Frame,
    Noticeboard,
    ProcessError,
    describe_exit,
    resolve,
)

_POLL_S = 0.02
_GRACE_S = 0.02
_LOOK_S = 0.05
_AHEAD = 16


class Outcome(NamedTuple):
    """What became of a job."""

    place: int
    """Its place in the iterable, from 0."""
    status: str
    """`ok`, `error` (it raised), `crash` (its process died) or `timeout` (its process was late)."""
    value: Any
    """The result, or for a failure its description in words."""
    note: bytes = b""
    """For a failure, what the job last said it was about to do."""


class Report(Protocol):
    """How a job says what it is about to do."""

    def __call__(self, seconds: float, note: bytes = b"") -> None:
        """Says that what comes now, described by `note`, takes at most `seconds`; 0 = no limit."""
        ...


Work = Callable[[Any, Report], Any]
"""A module-level function `(job, report) -> result`."""
Retry = Callable[[Any, Outcome], Any | None]
"""Gives the job to run in place of one that crashed or was late; None = give its outcome back."""


def again(times: int, *statuses: str) -> Retry:
    """Gives what lets a job of one `map` run up to `times` more when it ended as one of these."""
    spent: Counter[int] = Counter()

    def retry(job: Any, outcome: Outcome) -> Any | None:
        if outcome.status not in statuses or spent[outcome.place] == times:
            return None
        spent[outcome.place] += 1
        return job

    return retry


class Executor(Protocol):
    """Runs jobs."""

    @property
    def workers(self) -> int:
        """How many jobs run at a time."""
        ...

    def map(
        self, work: Work, jobs: Iterable[Any], ahead: int, retry: Retry | None = None
    ) -> Iterator[Outcome]:
        """Gives the outcome of every job, in the order of the jobs.

        Args:
            work: what to call with each job; a function at the top of its module.
            jobs: values that can be pickled; job k is drawn after result k - `ahead` was taken.
            ahead: at least 1.
            retry: asked after a crash or a time-out.
        """
        ...

    def close(self) -> None:
        """Ends every process at once."""
        ...


class Inline:
    """Runs jobs in this process. It notices late work only when that work returns."""

    workers = 1

    def map(
        self, work: Work, jobs: Iterable[Any], ahead: int, retry: Retry | None = None
    ) -> Iterator[Outcome]:
        """Gives the outcome of every job, in the order of the jobs."""
        source = iter(jobs)
        drawn: deque[Any] = deque()
        index = 0
        while True:
            while len(drawn) < ahead and (job := next(source, _END)) is not _END:
                drawn.append(job)
            if not drawn:
                return
            status, value = _attempt(work, drawn.popleft(), _say_nothing)
            yield Outcome(index, status, value)
            index += 1

    def close(self) -> None:
        """Has nothing to end."""


@dataclass(slots=True)
class Task:
    """A job on its way through a worker."""

    index: int
    job: Any
    losses: int = 0
    """How often its worker was lost through no fault of the job."""


class Pool(ABC):
    """Keeps the order of jobs for workers that run several at a time."""

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def map(
        self, work: Work, jobs: Iterable[Any], ahead: int, retry: Retry | None = None
    ) -> Iterator[Outcome]:
        """Gives the outcome of every job, in the order of the jobs."""
        target = f"{work.__module__}:{work.__qualname__}"
        source = iter(jobs)
        waiting: deque[Task] = deque()
        done: dict[int, Outcome] = {}
        drawn = taken = 0
        looked = time.monotonic()
        try:
            while True:
                while drawn < taken + ahead and (job := next(source, _END)) is not _END:
                    waiting.append(Task(drawn, job))
                    drawn += 1
                self._dispatch(target, waiting)
                if taken in done and time.monotonic() < looked + _LOOK_S:
                    yield done.pop(taken)  # who takes it may be long about it
                    taken += 1
                    continue
                if taken == drawn:
                    return
                for task, outcome in self._wait(0.0 if taken in done else _POLL_S):
                    self._settle(task, outcome, retry, waiting, done)
                looked = time.monotonic()
        finally:
            self._abandon()

    @abstractmethod
    def close(self) -> None:
        """Ends every process at once."""

    @abstractmethod
    def _dispatch(self, target: str, waiting: deque[Task]) -> None:
        """Hands waiting tasks to workers that have none."""

    @abstractmethod
    def _wait(self, seconds: float) -> list[tuple[Task, Outcome]]:
        """Waits for the next thing to happen, at most so long; gives the tasks that are over."""

    @abstractmethod
    def _abandon(self) -> None:
        """Ends the workers that have a task: nobody waits for its outcome."""

    def _settle(
        self,
        task: Task,
        outcome: Outcome,
        retry: Retry | None,
        waiting: deque[Task],
        done: dict[int, Outcome],
    ) -> None:
        failed = outcome.status in ("crash", "timeout")
        again = retry(task.job, outcome) if failed and retry else None
        if again is None:
            done[task.index] = outcome
        else:
            waiting.appendleft(Task(task.index, again))


class Local(Pool):
    """Runs jobs in `workers` processes, which it replaces when they die or are late."""

    def __init__(self, workers: int) -> None:
        super().__init__(workers)
        self._idle: list[Child] = []
        self._busy: dict[Child, Task] = {}

    def close(self) -> None:
        """Ends every worker at once."""
        self._abandon()
        for child in self._idle:
            child.kill()
        self._idle.clear()

    def _abandon(self) -> None:
        for child in self._busy:
            child.kill()
        self._busy.clear()

    def _dispatch(self, target: str, waiting: deque[Task]) -> None:
        while waiting and len(self._busy) < self.workers:
            child = self._idle.pop() if self._idle else self._hire()
            task = waiting.popleft()
            child.noticeboard.write(0.0)
            try:
                child.channel.send(Frame(task.index, pickle.dumps((target, task.job))))
            except ProcessError:  # it died while idle; the job goes to another
                child.kill()
                waiting.appendleft(task)
                continue
            self._busy[child] = task

    def _hire(self) -> Child:
        return Child("arena.executor:worker", QUIET_THREADS)

    def _wait(self, seconds: float) -> list[tuple[Task, Outcome]]:
        sockets = {child.channel.socket.fileno(): child for child in self._busy}
        outputs = {child.output.fileno(): child for child in self._busy}
        ready, _, _ = select.select([*sockets, *outputs], [], [], seconds)
        for fd in ready:
            if fd in outputs:
                outputs[fd].drain()
        over = [self._finish(sockets[fd]) for fd in ready if fd in sockets]
        now = time.monotonic()
        late = [child for child in self._busy if 0 < child.noticeboard.deadline() < now - _GRACE_S]
        return over + [self._expire(child) for child in late]

    def _finish(self, child: Child) -> tuple[Task, Outcome]:
        task = self._busy.pop(child)
        try:
            frame = child.channel.receive()
        except ProcessError:
            note = child.noticeboard.read()[1]
            words = describe_exit(child.kill())
            return task, Outcome(task.index, "crash", f"{words}\n{child.tail()}".strip(), note)
        self._idle.append(child)
        status, value = pickle.loads(frame.payload)
        return task, Outcome(task.index, status, value)

    def _expire(self, child: Child) -> tuple[Task, Outcome]:
        task = self._busy.pop(child)
        note = child.noticeboard.read()[1]
        child.kill()
        words = f"no answer before its deadline\n{child.tail()}".strip()
        return task, Outcome(task.index, "timeout", words, note)


KINDS = ("local", "inline", "ray")
"""Names of executors."""


def make(name: str, workers: int | None, address: str | None = None) -> Executor:
    """Gives the executor that a user named, one of `KINDS`.

    Args:
        name: of the executor.
        workers: how many jobs run at a time; None = as many as there are processors.
        address: where Ray is or shall be, see `arena.executor_ray.make`.

    Raises:
        RayError: when Ray cannot be used.
    """
    if name == "ray":
        make_ray = resolve("arena.executor_ray:make")  # it stands on this module
        executor: Executor = make_ray(workers, address)
        return executor
    workers = workers or len(os.sched_getaffinity(0))
    return Inline() if name == "inline" else Local(workers)


def ahead(executor: Executor) -> int:
    """Gives how far ahead to draw jobs where no result depends on it: two for each worker."""
    return max(_AHEAD, 2 * executor.workers)


def worker(channel: Channel, board: Noticeboard) -> None:
    """Runs jobs in a child until the parent is gone."""

    def report(seconds: float, note: bytes = b"") -> None:
        board.write(time.monotonic() + seconds if seconds else 0.0, note)

    while True:
        frame = channel.receive()
        target, job = pickle.loads(frame.payload)
        result = _attempt(resolve(target), job, report)
        channel.send(Frame(frame.sequence, pickle.dumps(result)))


_END = object()


def _say_nothing(seconds: float, note: bytes = b"") -> None:
    """Drops the report: nobody watches work in the own process."""


def _attempt(work: Work, job: Any, report: Report) -> tuple[str, Any]:
    try:
        return "ok", work(job, report)
    except Exception:
        return "error", traceback.format_exc()
