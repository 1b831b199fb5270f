"""The commands, a module each; what several of them share."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import click

from arena import executor as executors
from arena.executor import Executor
from configs.loader import ConfigError

Function = TypeVar("Function", bound=Callable[..., Any])

json_option = click.option(
    "--json", "as_json", is_flag=True, help="One JSON document on stdout, nothing else."
)
dir_option = click.option(
    "--dir",
    "root",
    type=click.Path(path_type=Path, file_okay=False),
    default="runs",
    show_default=True,
    help="Folder of the runs.",
)


class Place(NamedTuple):
    """Where a user wants the jobs of a command to run."""

    kind: str
    """Name of an executor."""
    workers: int | None
    """How many jobs run at a time; None = as many as there are processors."""
    address: str | None
    """Of Ray."""

    def check(self) -> None:
        """Refuses what cannot be.

        Raises:
            ConfigError: on an address without Ray, or less than one worker.
        """
        if self.address and self.kind != "ray":
            raise ConfigError(
                f"--address {self.address} is for --executor ray; give both, or neither"
            )
        worker_count(self.workers)

    def open(self) -> Executor:
        """Gives the executor.

        Raises:
            ConfigError: as `check`.
            RayError: when Ray cannot be used.
        """
        self.check()
        workers = self.workers if self.kind == "ray" else worker_count(self.workers)
        return executors.make(self.kind, workers, self.address)


def executor_options(
    default: str, workers: str = "Worker processes.  [default: cores]"
) -> Callable[[Function], Function]:
    """Gives what adds the options that choose a `Place`, which the command gets as `place`.

    Args:
        default: name of the executor that is taken if nothing is said.
        workers: help of the option `--workers`.
    """
    options = [
        click.option("--workers", type=int, help=workers),
        click.option(
            "--executor",
            "kind",
            type=click.Choice(executors.KINDS),
            default=default,
            show_default=True,
            help="Where it runs: processes of this machine, this process, a cluster.",
        ),
        click.option(
            "--address",
            metavar="HOST:PORT",
            help="With --executor ray: head of a cluster to join.  [default: a Ray of its own]",
        ),
    ]

    def add(function: Function) -> Function:
        @functools.wraps(function)
        def placed(workers: int | None, kind: str, address: str | None, **rest: Any) -> Any:
            return function(place=Place(kind, workers, address), **rest)

        command: Any = placed
        for option in reversed(options):
            command = option(command)
        found: Function = command
        return found

    return add


def worker_count(workers: int | None) -> int:
    """Gives how many workers a user wants, all cores if nothing was said.

    Raises:
        ConfigError: on less than one.
    """
    if workers is not None and workers < 1:
        raise ConfigError(f"--workers {workers}: at least 1")
    return workers or len(os.sched_getaffinity(0))


def print_json(document: Any) -> None:
    """Prints one JSON document."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))
