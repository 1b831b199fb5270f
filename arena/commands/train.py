"""`arena train`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from agents import checkpoint
from arena import executor as executors
from arena import runs, screen, training
from arena.board.scalars import Scalars
from arena.cli import EXIT_FAULTS
from arena.commands import dir_option, json_option, print_json
from arena.executor import Executor
from arena.records import Records
from arena.training import Event, TrainingConfig
from arena.training_live import TrainingLive
from configs import loader
from configs.loader import ConfigError
from muzero.learner import DivergedError


@click.command()
@click.argument("preset", required=False)
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE ...]")
@click.option("--name", help="Name of the run.  [default: the preset's, with a number]")
@click.option("--seed", type=int, help="Seed of everything random.")
@click.option("--resume", is_flag=True, help="Go on with the run of that name.")
@click.option("--device", default="auto", show_default=True, help="Where to learn: cpu, cuda.")
@click.option(
    "--workers",
    type=click.IntRange(0, 1),
    default=None,
    help="1: games are played in a process of their own; 0: in this one.  [default: by cores]",
)
@dir_option
@json_option
def command(
    preset: str | None,
    settings: tuple[str, ...],
    name: str | None,
    seed: int | None,
    resume: bool,
    device: str,
    workers: int | None,
    root: Path,
    as_json: bool,
) -> int:
    """Train an agent by self-play.

    PRESET is one of `arena configs ls`, such as connectx/alphazero; KEY=VALUE settings change it.
    The run's folder gets checkpoints that play as RUNS/NAME@STEP; --resume goes on after any stop,
    as if there had been none.
    """
    if preset is not None and "=" in preset:
        settings, preset = (preset, *settings), None
    if resume and not name:
        raise ConfigError("--resume needs --name NAME, the run to go on with")
    going_on = runs.path(root, name) if resume and name else None
    config = _config(preset, settings, seed, going_on)
    training.check(config)
    found = training.device(device)
    run = runs.path(root, name or runs.free_name(root, (preset or "train").replace("/", "-")))
    executor = _executor(workers)
    try:
        runs.settle(run, "train", loader.dump(config), resume)
        with Records.write(run) as records:
            return _train(config, run, records, executor, found, as_json)
    except DivergedError as error:
        return _diverged(run, error)
    finally:
        executor.close()


def _config(
    preset: str | None, settings: tuple[str, ...], seed: int | None, going_on: Path | None
) -> TrainingConfig:
    """Gives the config: that of the run to go on with, else the preset's, changed by the user."""
    tree: dict[str, Any] = {}
    if preset:
        tree = loader.preset("train", preset)
    elif going_on and (stored := runs.config(going_on)):
        tree = stored.get("train", {})
    if seed is not None:
        settings = (*settings, f"train.seed={seed}")
    return loader.load(TrainingConfig, loader.override(tree, settings))


def _executor(workers: int | None) -> Executor:
    if workers is None:
        workers = int(len(os.sched_getaffinity(0)) > 1)
    return executors.make("local" if workers else "inline", 1)


def _train(
    config: TrainingConfig,
    run: Path,
    records: Records,
    executor: Executor,
    device: str,
    quiet: bool,
) -> int:
    curves, last = Scalars(run), None
    typed = f"arena {' '.join(sys.argv[1:])}"
    try:
        with TrainingLive(config.train.chunks, quiet) as live:
            for event in training.run(config, run, records, executor, device, typed):
                _draw(curves, event)
                live.show(event)
                last = event if event.verdict else last
    finally:
        curves.close()
    return _finish(run, last, quiet)


def _draw(curves: Scalars, event: Event) -> None:
    """Adds an event to the curves; their axis is positions played."""
    step = event.progress.counters["env_steps"]
    counters = {f"count/{name}": float(n) for name, n in event.progress.counters.items()}
    metrics = {f"train/{name}": value for name, value in event.progress.metrics.items()}
    curves.add(step, {**counters, **metrics, "count/minutes": event.seconds / 60})
    if event.verdict is not None:
        found = event.verdict._asdict().items()
        curves.add(step, {f"evaluation/{name}": v for name, v in found if v is not None})
        curves.flush()


def _finish(run: Path, last: Event | None, as_json: bool) -> int:
    agent = last.agent if last else f"{run}@{checkpoint.steps(run)[-1]}"
    if as_json:
        print_json({"run": run.name, "agent": agent, "evaluations": training.curve(run)})
        return 0
    if last is None:
        screen.note(f"the training of {run} was already over.")
    screen.note(f"`arena play {agent}` plays against it; `arena ladder {run.name}` rates its past.")
    return 0


def _diverged(run: Path, error: DivergedError) -> int:
    steps = checkpoint.steps(run)
    good = f"the last good checkpoint is {run}@{steps[-1]}" if steps else "there is no checkpoint"
    screen.console(stderr=True).print(f"arena: training diverged: {error}; {good}")
    return EXIT_FAULTS
