"""A training as a run: checkpoints, evaluations and curves of what a trainer yields.

The trainer knows nothing of files. Here its progress is consumed: at every barrier the checkpoint
is written, its player is graded and meets opponents, and what is no longer needed is removed.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from agents import checkpoint
from agents.checkpoint import CheckpointError, Manifest
from arena import evaluation, screen, training_kinds, training_start
from arena import executor as executors
from arena.evaluation import EvaluationConfig, Verdict
from arena.executor import Executor
from arena.records import Records
from arena.store import FolderStore
from configs import loader
from configs.loader import ConfigError
from envs import registry as env_registry
from muzero.progress import Progress

_FULL = 3
_STORE = "objects"
_AGAIN = 3
"""A chunk is played so often more when its process dies or hangs; its bits are the same."""


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that decides what is learned and how it is watched."""

    kind: str = "alphazero"
    """How it learns; also who plays from its checkpoints."""
    env: str = "connectx"
    """Env id."""
    init: str = ""
    """Trained agent whose weights it starts from; empty = random ones."""
    openings: str = ""
    """`run:NAME`, a run from whose games some of its own begin; `lost:NAME`, only from where these
    lost value; empty = none."""
    train: Any = None
    """The training itself, see `agents.trainer.Trainer.config`."""
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    """What is measured at every barrier."""


@dataclass(frozen=True, slots=True)
class Event:
    """What a watcher is told after every chunk of work."""

    progress: Progress
    """Counters and metrics."""
    seconds: float
    """Since the beginning, pauses of the run not counted."""
    verdict: Verdict | None
    """What the evaluation found, at barriers."""
    agent: str | None
    """Name of the checkpoint's player, at barriers."""


def load(tree: Mapping[str, Any]) -> TrainingConfig:
    """Gives the config that a tree of values describes; its kind tells what `train` may hold.

    Raises:
        ConfigError: on a kind that does not exist, an unknown key or a value of another type.
    """
    rest = {key: value for key, value in tree.items() if key != "train"}
    config, train = loader.load(TrainingConfig, rest), tree.get("train", {})
    if not isinstance(train, Mapping):
        raise ConfigError(f"'train' is a table, got {train!r}")
    trainer = training_kinds.find(config.kind)
    return replace(config, train=loader.load(trainer.config, train, "train."))


def check(config: TrainingConfig) -> None:
    """Refuses what cannot be trained, before anything is written.

    Raises:
        ConfigError: on what the kind cannot do, or opponents that cannot be met.
        UnknownEnvError: on an env that does not exist.
        SearchConfigError: when network, search or learner do not fit the env.
    """
    trainer = training_kinds.find(config.kind)
    if trainer.begin is None:
        for name in ("init", "openings"):
            if typed := getattr(config, name):
                raise ConfigError(
                    f"{name}={typed}: a training of kind '{config.kind}' begins from nothing; "
                    "leave it out"
                )
    trainer.validate(config.train, config.env)
    evaluation.check(config.evaluation, config.env)


def check_place(config: TrainingConfig, executor: str) -> None:
    """Refuses a cluster for what is not played by jobs.

    Raises:
        ConfigError: when it would do nothing.
    """
    if executor == "ray" and not training_kinds.find(config.kind).jobs:
        raise ConfigError(
            f"--executor ray: a training of kind '{config.kind}' plays where it learns; leave it "
            "out, or give a kind that searches, such as alphazero or muzero"
        )


def exact(config: TrainingConfig, root: Path, stored: Mapping[str, Any]) -> TrainingConfig:
    """Gives the config in which `init` and `openings` are named exactly.

    Args:
        config: as it was typed.
        root: folder of the runs.
        stored: config of the run to go on with, empty for a new one; its exact names stay.

    Raises:
        ConfigError: when a name is none of its kind.
        AgentError: when there is no such agent.
        RunError: when there is no such run.
    """
    agent, games = training_start.exact_agent, partial(training_start.exact_games, root=root)
    return replace(
        config,
        init=_exact(config.init, str(stored.get("init", "")), agent),
        openings=_exact(config.openings, str(stored.get("openings", "")), games),
    )


def _exact(typed: str, known: str, find: Callable[[str], str]) -> str:
    """Gives an exact name for one that was typed; `known` is the one that was found before."""
    if not typed:
        return ""
    return known if typed in (known, known.rpartition("@")[0]) else find(typed)


def begin(config: TrainingConfig, root: Path) -> Any:
    """Gives what a new training is handed, None for one that begins from nothing.

    Raises:
        ConfigError: when it does not fit the training.
        AgentError: when the agent cannot be read.
        RunError: when there is no such run.
    """
    given = training_kinds.find(config.kind).begin
    return None if given is None else given(exact(config, root, {}), root)


def device(name: str) -> str:
    """Gives the device to learn on, as PyTorch calls it.

    Raises:
        ConfigError: when it is asked for and absent.
    """
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        found = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"--device {name}: no such device; give auto, cpu or cuda") from error
    if found.type == "cuda" and (found.index or 0) >= torch.cuda.device_count():
        raise ConfigError(f"--device {name}: this machine has no such GPU; give cpu or auto")
    if found.type not in ("cpu", "cuda"):
        raise ConfigError(f"--device {name}: learning there is not supported; give cpu or cuda")
    return name


def newest(
    run: Path, say: Callable[[str], None] | None = None
) -> tuple[Path, dict[str, bytes]] | None:
    """Gives the newest checkpoint from which the training can go on, and its parts.

    A damaged one is passed over for the one before; None where there is none at all.

    Args:
        run: folder of the run.
        say: told in a line of each that is passed over.

    Raises:
        CheckpointError: when there are some, but all of them are damaged.
    """
    fault: CheckpointError | None = None
    store = FolderStore(run / _STORE)
    for step in reversed(checkpoint.steps(run)):
        folder = checkpoint.at(run, step)
        try:
            about = checkpoint.manifest(folder)
            if set(about.parts) == {checkpoint.WEIGHTS}:
                continue  # of this one only the player was kept
            parts = {name: checkpoint.read(folder, name) for name in about.parts}
            for name in about.objects:
                store.get(name)
            return folder, parts
        except (CheckpointError, OSError) as error:
            fault = CheckpointError(f"{folder}: {error}")
            if say is not None:
                say(f"{error}; passed over for the checkpoint before")
    if fault is not None:
        raise fault
    return None


def run(
    config: TrainingConfig,
    folder: Path,
    records: Records,
    executor: Executor,
    device: str,
    command: str = "",
) -> Iterator[Event]:
    """Trains from the newest checkpoint on, and tells what happens.

    Where a stop has kept that one from being measured, this comes first.

    Args:
        config: the run's.
        folder: of the run.
        records: of the run, for the games of evaluations.
        executor: plays the games that are learned from.
        device: where the learner computes.
        command: what was typed, for the card.

    Raises:
        CheckpointError: when there are checkpoints, but none can be gone on from.
        ConfigError: when there are none, and what it begins with cannot be used; as `begin`.
        DivergedError: when a loss or its gradient is not finite.
    """
    trainer, store = training_kinds.find(config.kind), FolderStore(folder / _STORE)
    found = newest(folder, screen.warn)
    state: Any
    if found is None:
        state, before = begin(config, folder.parent), 0.0
    else:
        state = found[1]
        before = float(checkpoint.manifest(found[0]).card.get("seconds", 0.0))
    began = time.monotonic() - before
    evaluator = evaluation.Evaluator(config.evaluation, config.env, records, trainer.searches)
    if found is not None and not _judged(found[0]):
        yield _judge(evaluator, found[0], _stored(*found), before)
    run = partial(executor.map, retry=executors.again(_AGAIN, "crash", "timeout"))
    steps = trainer.train(config.train, config.env, run, store, state, device)
    for progress in steps:
        seconds = time.monotonic() - began
        if not progress.barrier:
            yield Event(progress, seconds, None, None)
            continue
        step, reached = progress.counters[trainer.clock], time.monotonic()
        about = _manifest(config, progress, {"command": command, "seconds": seconds})
        parts = {**progress.player(), **progress.state()}
        store.sync(about.objects)
        at = checkpoint.at(folder, step)
        checkpoint.write(at, about, parts)
        prune(folder)
        took = {"time/barrier_s": time.monotonic() - reached}
        progress = replace(progress, metrics={**progress.metrics, **took})
        yield _judge(evaluator, at, progress, seconds)


def _judged(at: Path) -> bool:
    """Gives whether a checkpoint was measured; else the training was stopped meanwhile."""
    return set(Verdict._fields) <= checkpoint.manifest(at).card.keys()


def _judge(evaluator: evaluation.Evaluator, at: Path, progress: Progress, seconds: float) -> Event:
    """Measures the player of a checkpoint, writes that on its card, and gives the event."""
    agent = f"{at.parents[1]}@{int(at.name)}"
    verdict = evaluator.judge(agent)
    checkpoint.annotate(at, {**checkpoint.manifest(at).card, **verdict._asdict()})
    return Event(progress, seconds, verdict, agent)


def _stored(at: Path, parts: Mapping[str, bytes]) -> Progress:
    """Gives the progress that a checkpoint was made of; its metrics are gone."""
    about = checkpoint.manifest(at)
    player = {checkpoint.WEIGHTS: parts[checkpoint.WEIGHTS]}
    state = {name: part for name, part in parts.items() if name not in player}
    return Progress(
        about.counters, {}, True, lambda: player, lambda: state, lambda: tuple(about.objects)
    )


def _manifest(config: TrainingConfig, progress: Progress, card: dict[str, Any]) -> Manifest:
    env = env_registry.canonical(config.env)
    key = loader.digest(config)
    counters = dict(progress.counters)
    return Manifest(config.kind, env, key, counters, {}, progress.objects(), card)


def prune(folder: Path) -> None:
    """Takes from all but the last checkpoints what only training needs, and from the store too."""
    kept: set[str] = set()
    steps = checkpoint.steps(folder)
    for step in steps:
        with contextlib.suppress(CheckpointError):  # a damaged one stays as it is
            if step in steps[-_FULL:]:
                kept |= set(checkpoint.manifest(checkpoint.at(folder, step)).objects)
            else:
                checkpoint.strip(checkpoint.at(folder, step))
    FolderStore(folder / _STORE).prune(kept)


def curve(folder: Path) -> list[dict[str, Any]]:
    """Gives the counters and the card of every checkpoint of a run, the oldest first."""
    manifests = [checkpoint.manifest(checkpoint.at(folder, s)) for s in checkpoint.steps(folder)]
    return [{**m.counters, **m.card} for m in manifests]
