"""`arena train`."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import tomli_w

from agents import checkpoint
from arena import runs, screen, training, training_kinds, training_seeds
from arena.board.mirror import TrainingMirror
from arena.cli import EXIT_FAULTS
from arena.commands import Place, dir_option, executor_options, json_option, print_json
from arena.commands.watch import hint
from arena.executor import Executor
from arena.records import Records
from arena.runs import RunError
from arena.training import Event, TrainingConfig
from arena.training_live import Length, TrainingLive
from configs import loader
from configs.loader import ConfigError
from envs import registry


@dataclass(frozen=True)
class _How:
    """How trainings are run and shown."""

    device: str
    place: Place
    quiet: bool


@dataclass(frozen=True)
class _Work:
    """One training."""

    run: Path
    config: TrainingConfig
    title: str = ""


@click.command()
@click.argument("preset", required=False)
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE ...]")
@click.option("--name", help="Name of the run.  [default: the preset's, with a number]")
@click.option("--seed", type=int, help="Seed of everything random.")
@click.option(
    "--seeds",
    "several",
    help="Seeds such as 0-2 or 0,3,5: a run NAME-sSEED for each, then a table.",
)
@click.option("--resume", is_flag=True, help="Go on with the run of that name.")
@click.option("--device", default="auto", show_default=True, help="Where to learn: cpu, cuda.")
@executor_options(
    "local", "Processes that play games; 0: this one does; train.lag + 1 find work.  [default: 1]"
)
@dir_option
@json_option
def command(
    preset: str | None,
    settings: tuple[str, ...],
    name: str | None,
    seed: int | None,
    several: str | None,
    resume: bool,
    device: str,
    place: Place,
    root: Path,
    as_json: bool,
) -> int:
    """Train an agent.

    PRESET is one of `arena configs ls`, such as connectx/alphazero; KEY=VALUE settings change it,
    and `arena configs show PRESET` lists them all. The run's folder gets checkpoints that play as
    RUNS/NAME@STEP and were measured, and curves for TensorBoard; --resume goes on after any stop,
    as if there had been none.

    Kinds that search can begin from something: init=AGENT starts from the weights of a trained
    agent of the same env, kind and size, such as zoo/NAME or runs/NAME@STEP. openings=run:RUN lets
    a share of the games (train.selfplay.openings_share) begin from positions of the games that RUN
    has recorded; openings=lost:RUN of Connect X from those where a player first lost value, by the
    solver, and the three plies before.
    """
    if preset is not None and "=" in preset:
        settings, preset = (preset, *settings), None
    if resume and not name:
        raise ConfigError("--resume needs --name NAME, the run to go on with")
    if seed is not None and several is not None:
        raise ConfigError("--seed and --seeds exclude each other; give one of them")
    seeds = None if several is None else training_seeds.seeds(several)
    kind = (preset or "train").replace("/", "-")
    base = name or training_seeds.free_name(root, kind)
    wanted: list[int | None] = [seed] if seeds is None else [*seeds]
    folders = [runs.path(root, base if seeds is None else f"{base}-s{number}") for number in wanted]
    configs = _configs(preset, settings, wanted, folders, resume)
    if place.workers != 0 or place.kind == "ray":
        place.check()
    training.check_place(configs[0], place.kind)
    how = _How(training.device(device), place, as_json)
    _settle(folders, configs, resume)
    if seeds is None:
        return _alone(_Work(folders[0], configs[0]), how)
    titles = [f"{run.name}, {n} of {len(folders)}" for n, run in enumerate(folders, 1)]
    work = [_Work(*parts) for parts in zip(folders, configs, titles, strict=True)]
    return _together(work, root / f"{base}.png", how)


def _configs(
    preset: str | None,
    settings: tuple[str, ...],
    seeds: list[int | None],
    folders: list[Path],
    resume: bool,
) -> list[TrainingConfig]:
    """Gives the checked config for each seed (None = that of the preset): names in it are exact.

    It is that of the run to go on with, else the preset's, changed by the user.
    """
    root, tree, stored = folders[0].parent, dict[str, Any](), dict[str, Any]()
    if resume:
        found = (runs.config(folder).get("train") for folder in folders)
        stored = next((config for config in found if config), stored)
    if preset:
        tree = loader.preset("train", preset)
    elif resume:
        if not stored:
            near = loader.closest(folders[0].name, runs.names(root))
            raise RunError(f"no training '{folders[0].name}' in {root} to go on with{near}")
        tree = stored
    typed = loader.override(tree, settings)
    changes = [() if seed is None else (f"train.seed={seed}",) for seed in seeds]
    trees = [loader.override(typed, change) for change in changes]
    configs = [training.load(tree) for tree in trees]
    training.check(configs[0])
    exact = training.exact(configs[0], root, stored)
    if not all(checkpoint.steps(folder) for folder in folders):
        training.begin(exact, root)
    return [replace(config, init=exact.init, openings=exact.openings) for config in configs]


def _settle(folders: list[Path], configs: list[TrainingConfig], resume: bool) -> None:
    """Checks the configs of runs that are there, then stores those of the new ones."""
    pairs = list(zip(folders, configs, strict=True))
    for folder, config in sorted(pairs, key=lambda pair: not runs.config(pair[0])):
        runs.settle(folder, "train", loader.dump(config), resume)


def _alone(work: _Work, how: _How) -> int:
    code, last = _train(work, how)
    return code or _finish(work.run, last, how.quiet)


def _together(works: list[_Work], picture: Path, how: _How) -> int:
    """Trains one after the other, then shows what they reached; gives the worst exit code."""
    worst, found = 0, []
    for work in works:
        worst = max(worst, _train(work, how)[0])
        steps = checkpoint.steps(work.run)
        agent = f"{work.run}@{steps[-1]}" if steps else None
        cards = training.curve(work.run)
        seed = work.config.train.seed
        found.append(training_seeds.summary(work.run.name, seed, agent, cards))
    drawn = _picture([summary["evaluations"] for summary in found], picture)
    document = training_seeds.document(found, drawn)
    if how.quiet:
        print_json(document)
        return worst
    screen.show(training_seeds.table(document))
    if drawn:
        screen.note(f"{drawn} shows the median of their curves, and the least and the greatest.")
    return worst


def _picture(curves: list[Any], file: Path) -> Path | None:
    """Draws curves; gives the file, None where there is nothing to draw."""
    from arena import training_curves

    return file if training_curves.draw(curves, file) else None


def _train(work: _Work, how: _How) -> tuple[int, Event | None]:
    """Gives the exit code, and the last event at a barrier; None = there was nothing left to do."""
    from muzero.learner import DivergedError  # it loads PyTorch, which the help does not need

    executor = _place(how.place, work.config).open()
    try:
        with Records.write(work.run) as records:
            return 0, _watch(work, records, executor, how)
    except DivergedError as error:
        return _diverged(work.run, str(error)), None
    finally:
        executor.close()


def _place(asked: Place, config: TrainingConfig) -> Place:
    """Gives where games are played: without a number of workers, as many as find work there."""
    here = Place("inline", None, None)
    if not training_kinds.find(config.kind).jobs:
        return here
    if asked.workers is None and asked.kind == "ray":
        return asked._replace(workers=config.train.lag + 1)
    if asked.workers is None:
        return asked._replace(workers=1) if len(os.sched_getaffinity(0)) > 1 else here
    return asked if asked.workers else here


def _watch(work: _Work, records: Records, executor: Executor, how: _How) -> Event | None:
    mirror, last = _mirror(work), None
    typed = f"arena {' '.join(sys.argv[1:])}"
    trainer = training_kinds.find(work.config.kind)
    length = Length(trainer.clock, trainer.total(work.config.train))
    try:
        with TrainingLive(length, how.quiet, work.title) as live:
            for event in training.run(work.config, work.run, records, executor, how.device, typed):
                mirror.show(event, records)
                live.show(event)
                last = event if event.verdict else last
    finally:
        mirror.close()
    return last


def _mirror(work: _Work) -> TrainingMirror:
    """Gives what TensorBoard is told: of the hyper-parameters those that are not by default."""
    chosen = _flat(loader.dump(work.config))
    plain = _flat(loader.dump(training.load({"kind": work.config.kind})))
    shown = {"kind", "env", "train.seed"}
    values = {k: v for k, v in chosen.items() if k in shown or v != plain.get(k)}
    return TrainingMirror(work.run, values, tomli_w.dumps(loader.dump(work.config)))


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, bool | float | str]:
    """Gives the values of nested tables by their dotted names; lists as text."""
    out: dict[str, bool | float | str] = {}
    for key, value in tree.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            out |= _flat(value, f"{name}.")
        else:
            out[name] = value if isinstance(value, bool | int | float | str) else str(value)
    return out


def _finish(run: Path, last: Event | None, as_json: bool) -> int:
    agent = last.agent if last else f"{run}@{checkpoint.steps(run)[-1]}"
    if as_json:
        print_json({"run": run.name, "agent": agent, "evaluations": training.curve(run)})
        return 0
    if last is None:
        screen.note(f"the training of {run} was already over.")
    env = checkpoint.manifest(checkpoint.at(run, checkpoint.steps(run)[-1])).env
    if registry.spec(env).num_players == 1:
        screen.note(f"`arena eval {agent}` plays 30 episodes with it.")
    else:
        past = f"`arena ladder {run.name}` rates its past"
        screen.note(f"`arena play {agent}` plays against it; {past}.")
    screen.note(hint(run.parent))
    return 0


def _diverged(run: Path, error: str) -> int:
    steps = checkpoint.steps(run)
    good = f"the last good checkpoint is {run}@{steps[-1]}" if steps else "there is no checkpoint"
    screen.console(stderr=True).print(f"arena: training diverged: {error}; {good}")
    return EXIT_FAULTS
