"""`arena verify`."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click
from rich.progress import Progress

from arena import executor as executors
from arena import replaying, runs, screen
from arena.cli import EXIT_FAULTS
from arena.commands import dir_option, json_option, print_json, worker_count
from arena.executor import Report
from arena.match_record import MatchRecord
from arena.records import Records
from arena.runs import RunError

_JOB_STEPS = 4_000
_AHEAD = 8


class Verdict(NamedTuple):
    """What became of an episode when it was played again."""

    episode: str
    """RUN/NUMBER."""
    env: str
    steps: int
    difference: str | None
    """How it differs, None = not at all."""


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="RUN[/NUMBER] ...")
@click.option("--workers", type=int, default=None, help="Worker processes.  [default: cores]")
@dir_option
@json_option
def command(names: tuple[str, ...], workers: int | None, root: Path, as_json: bool) -> int:
    """Play recorded episodes again and compare every state and return.

    Exit code 0 says that all are as recorded, 3 that some differ.
    """
    episodes = [found for name in names for found in _episodes(root, name)]
    began = time.monotonic()
    verdicts = []
    executor = executors.make("local", worker_count(workers))
    with (
        contextlib.closing(executor),
        Progress(console=screen.console(stderr=True), transient=True) as bar,
    ):
        task = bar.add_task("episodes", total=len(episodes))
        for outcome in executor.map(check, _jobs(episodes), _AHEAD):
            if outcome.status != "ok":
                raise RuntimeError(f"verifying ended with {outcome.status}: {outcome.value}")
            if isinstance(outcome.value, str):
                raise RunError(outcome.value)
            verdicts += outcome.value
            bar.advance(task, len(outcome.value))
    document = _document(verdicts, time.monotonic() - began)
    if as_json:
        print_json(document)
    else:
        _show(document)
    return EXIT_FAULTS if document["differences"] else 0


def check(job: Sequence[tuple[str, MatchRecord]], report: Report) -> list[Verdict] | str:
    """Plays episodes again and gives what became of each, or the user's mistake in words.

    Args:
        job: names and records.
        report: the executor's.
    """
    report(0)
    try:
        return [
            Verdict(name, record.env, len(record.actions), replaying.difference(record))
            for name, record in job
        ]
    except replaying.ForeignRecordError as error:
        return str(error)


def _episodes(root: Path, name: str) -> list[tuple[str, MatchRecord]]:
    """Gives the episodes that a name stands for."""
    run, slash, number = name.rpartition("/")
    if not slash:
        run, number = name, ""
    elif not number.isdigit():
        raise RunError(f"'{name}' is no episode; write RUN or RUN/NUMBER, such as pong-1/1")
    with Records.read(runs.existing(root, run)) as records:
        if number:
            return [(name, records.episode(int(number)))]
        return [(f"{run}/{record.number}", record) for record in records.episodes()]


def _jobs(
    episodes: Sequence[tuple[str, MatchRecord]],
) -> Iterator[list[tuple[str, MatchRecord]]]:
    """Gives episodes in parts of some thousand steps."""
    part: list[tuple[str, MatchRecord]] = []
    steps = 0
    for episode in episodes:
        part.append(episode)
        steps += len(episode[1].actions)
        if steps >= _JOB_STEPS:
            yield part
            part, steps = [], 0
    if part:
        yield part


def _document(verdicts: Sequence[Verdict], seconds: float) -> dict[str, Any]:
    episodes, same, steps = Counter[str](), Counter[str](), Counter[str]()
    for verdict in verdicts:
        episodes[verdict.env] += 1
        same[verdict.env] += verdict.difference is None
        steps[verdict.env] += verdict.steps
    return {
        "envs": [
            {"env": env, "episodes": count, "verified": same[env], "steps": steps[env]}
            for env, count in episodes.items()
        ],
        "differences": [
            {"episode": verdict.episode, "difference": verdict.difference}
            for verdict in verdicts
            if verdict.difference is not None
        ],
        "seconds": seconds,
    }


def _show(document: dict[str, Any]) -> None:
    rows = [
        [row["env"], f"{row['episodes']:,}", f"{row['verified']:,}", f"{row['steps']:,}"]
        for row in document["envs"]
    ]
    screen.show(screen.table(["env", ">episodes", ">verified", ">steps"], rows), "")
    for row in document["differences"]:
        screen.show(f"{row['episode']}: {row['difference']}")
    steps = sum(row["steps"] for row in document["envs"])
    rate = steps / max(document["seconds"], 1e-9)
    screen.note(f"{steps:,} steps in {document['seconds']:.1f} s, {rate:,.0f} a second.")
