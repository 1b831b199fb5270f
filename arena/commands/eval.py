"""`arena eval`."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.progress import Progress

from agents import sandbox, trained, workspace
from agents.registry import parse
from arena import returns_screen, runs, screen, solo, solo_chunks, solo_eval, tournament
from arena.cli import EXIT_FAULTS
from arena.commands import Place, dir_option, executor_options, json_option, print_json
from arena.match import TimeControl
from arena.records import Records
from configs.loader import ConfigError


@click.command()
@click.argument("agent")
@click.option("--env", help="Solo env or a group, such as atari-5.  [default: the agent's own]")
@click.option("--episodes", type=click.IntRange(min=1), default=30, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the list of seeds.")
@click.option("--name", default="eval", show_default=True, help="Run that the episodes go to.")
@executor_options("local")
@dir_option
@json_option
def command(
    agent: str,
    env: str | None,
    episodes: int,
    seed: int,
    name: str,
    place: Place,
    root: Path,
    as_json: bool,
) -> int:
    """Measure the returns of an agent in solo envs.

    All agents play the same list of seeds; what is recorded already is not played again. Each
    return is stamped with its protocol; `arena compare` sets agents beside published ones.
    """
    env = env or _own_env(agent)
    if not solo_chunks.is_solo(env):
        raise ConfigError(
            f"{env} is a game for two, which gives no returns to compare; "
            "use `arena tournament`, `calibrate` or `grade`"
        )
    run, clock = runs.path(root, name), TimeControl()
    with contextlib.ExitStack() as stack:
        stack.enter_context(sandbox.policy(False, False))
        stack.callback(workspace.sweep)
        executor = place.open()
        stack.callback(executor.close)
        (card,) = tournament.cards_of((agent,), solo_chunks.envs(env), clock, executor)
        runs.settle(run, "eval", {}, resume=True)
        records = stack.enter_context(Records.write(run))
        chunks = solo_eval.wanted(env, card, solo.seeds(seed, episodes), clock)
        left = solo_eval.missing(chunks, card, records)
        _play(solo_eval.play(left, card, records, executor), sum(len(c.games) for c in left))
        found = solo_eval.recorded(chunks, card, records)
    documents = [
        solo_eval.document(one, card.agent, [record for record in found if record.env == one])
        for one in solo_chunks.envs(env)
    ]
    document = solo_eval.united(env, documents) if len(documents) > 1 else documents[0]
    if as_json:
        print_json(document)
    else:
        _show(documents, document, run)
    return EXIT_FAULTS if any(part["faults"] for part in documents) else 0


def _own_env(agent: str) -> str:
    """Gives the env that a trained agent was trained for.

    Raises:
        ConfigError: when it is none.
    """
    env = trained.env_of(parse(agent).head)
    if env is None:
        raise ConfigError(f"{agent} has no env of its own; say where with --env, such as pong")
    return env


def _play(stored: Any, total: int) -> None:
    """Waits for the episodes to be played, with a bar on stderr."""
    with Progress(console=screen.console(stderr=True), transient=True) as bar:
        task = bar.add_task("episodes", total=total)
        for records in stored:
            bar.advance(task, len(records))


def _show(documents: Sequence[dict[str, Any]], document: dict[str, Any], run: Path) -> None:
    stamp = f", protocol {document['protocol']}" if document["protocol"] else ""
    screen.show(f"{document['agent']}{stamp}", "")
    rows = [[part["env"], *returns_screen.cells(part)] for part in documents]
    screen.show(screen.table(["env", *returns_screen.HEADERS], rows), "")
    if "overall" in document:
        screen.show(returns_screen.overall({document["agent"]: document["overall"]}), "")
    screen.note(
        f"{returns_screen.NOTE} Episodes in {run}; `arena replay {run.name}/1` shows the first."
    )
