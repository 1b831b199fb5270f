import os
import signal
import time
from pathlib import Path

import pytest

from arena import executor as executors
from arena.executor import Inline, Local, Outcome

EXECUTORS = [Inline, lambda: Local(1), lambda: Local(3)]


def double(job, report):
    report(30.0)
    return 2 * job


def misbehave(job, report):
    kind, number = job
    report(0.2 if kind == "hang" else 30.0, str(number).encode())
    if kind == "raise":
        raise ValueError(f"job {number}")
    if kind == "exit":
        print("last words", flush=True)
        os._exit(5)
    if kind == "kill":
        os.kill(os.getpid(), signal.SIGSEGV)
    if kind == "hang":
        time.sleep(60)
    return number


def chatter(job, report):
    print("x" * 3_000_000)
    return job


def rest(job, report):
    began = time.monotonic()
    time.sleep(job)
    return began


@pytest.fixture(params=EXECUTORS)
def executor(request):
    made = request.param()
    yield made
    made.close()


def test_outcomes_come_in_the_order_of_jobs(executor):
    outcomes = list(executor.map(double, range(40), ahead=7))
    assert outcomes == [Outcome(i, "ok", 2 * i) for i in range(40)]


def test_a_job_is_drawn_only_after_the_result_ahead_before_it_was_taken(executor):
    taken = 0
    drawn_at = []

    def jobs():
        for number in range(12):
            drawn_at.append(taken)
            yield number

    for _ in executor.map(double, jobs(), ahead=3):
        taken += 1
    assert drawn_at == [0, 0, 0, *range(1, 10)]


def test_an_executor_serves_several_maps(executor):
    assert [o.value for o in executor.map(double, [1], ahead=1)] == [2]
    assert [o.value for o in executor.map(double, [3, 4], ahead=2)] == [6, 8]
    assert list(executor.map(double, [], ahead=2)) == []


def test_workers_do_not_wait_for_who_is_long_about_results_that_are_there():
    executor, taken = Local(2), []
    try:
        list(executor.map(rest, [0.2] * 4, ahead=4))  # both are there now
        began = []
        for outcome in executor.map(rest, [0.5] + [0.0] * 11, ahead=6):
            began.append(outcome.value)
            taken.append(time.monotonic())
            time.sleep(0.4)
    finally:
        executor.close()
    assert began[8] < taken[4]


def test_every_fault_is_told_once_and_hurts_no_other_job():
    kinds = ["ok", "raise", "exit", "ok", "kill", "hang", "ok"]
    jobs = [(kind, number) for number, kind in enumerate(kinds * 2)]
    executor = Local(2)
    try:
        outcomes = list(executor.map(misbehave, jobs, ahead=4))
    finally:
        executor.close()
    expected = {"ok": "ok", "raise": "error", "exit": "crash", "kill": "crash", "hang": "timeout"}
    assert [o.status for o in outcomes] == [expected[kind] for kind, _ in jobs]
    assert [o.note for o in outcomes if o.status in ("crash", "timeout")] == [
        str(number).encode() for kind, number in jobs if expected[kind] in ("crash", "timeout")
    ]
    assert "exit status 5" in outcomes[2].value
    assert "last words" in outcomes[2].value
    assert "SIGSEGV" in outcomes[4].value


def test_a_hung_job_costs_little_more_than_its_limit():
    executor = Local(1)
    try:
        list(executor.map(double, [0], ahead=1))
        began = time.monotonic()
        assert next(executor.map(misbehave, [("hang", 0)], ahead=1)).status == "timeout"
        assert time.monotonic() - began < 0.2 + 0.3
    finally:
        executor.close()


def test_a_retry_stands_in_for_the_job_it_replaces():
    executor = Local(2)
    try:
        outcomes = list(
            executor.map(
                misbehave,
                [("exit", 0), ("ok", 1), ("hang", 2)],
                ahead=3,
                retry=lambda job, outcome: ("ok", job[1] + 100),
            )
        )
    finally:
        executor.close()
    assert [o.value for o in outcomes] == [100, 1, 102]


def test_a_worker_that_prints_much_is_not_blocked():
    executor = Local(1)
    try:
        assert [o.value for o in executor.map(chatter, [1, 2], ahead=1)] == [1, 2]
    finally:
        executor.close()


def test_no_process_is_left_when_an_executor_is_closed():
    executor = Local(2)
    list(executor.map(double, range(4), ahead=4))
    pids = [child.process.pid for child in executor._idle]
    assert len(pids) == 2
    executor.close()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_job_runs_so_often_more_when_it_ended_as_was_named():
    crash, late = Outcome(4, "crash", "killed by SIGKILL"), Outcome(4, "timeout", "late")
    retry = executors.again(2, "crash")
    assert [retry("job", crash) for _ in range(3)] == ["job", "job", None]
    assert retry("other", crash._replace(place=5)) == "other"
    assert executors.again(2, "crash")("job", late) is None


def test_what_hangs_or_dies_once_is_done_in_another_worker(tmp_path):
    jobs = [(str(tmp_path / f"{kind}"), kind) for kind in ("hang", "kill", "exit")]
    executor = Local(2)
    try:
        found = list(executor.map(stumble, jobs, 2, executors.again(3, "crash", "timeout")))
    finally:
        executor.close()
    assert [outcome.value for outcome in found] == ["hang", "kill", "exit"]


def stumble(job, report):
    mark, kind = Path(job[0]), job[1]
    if mark.exists():
        return kind
    mark.touch()
    return misbehave((kind, 0), report)
