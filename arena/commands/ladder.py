"""`arena ladder`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from arena import ladder, returns_screen, runs, screen
from arena.cli import EXIT_FILE
from arena.commands import dir_option, json_option, print_json
from arena.commands.rate import csv_option, prior_option, write_csv
from arena.records import MatchRecord, Records, RecordsError
from arena.runs import RunError
from arena.standings import Standings, add_by_env
from arena.superiority import superiority_matrix
from envs import registry as env_registry


@click.command()
@click.argument("names", nargs=-1, metavar="[RUN ...]")
@click.option("--env", help="Which env's games; `all` for a ladder each and one over all.")
@click.option("--los", is_flag=True, help="Also show how likely each is stronger than each other.")
@prior_option
@csv_option
@dir_option
@json_option
def command(
    names: tuple[str, ...],
    env: str | None,
    los: bool,
    prior: str,
    csv: Path | None,
    root: Path,
    as_json: bool,
) -> int:
    """Show the ratings of a run or of several, united.

    Without a RUN: those of the newest tournament; with --env all, the newest of each env.
    """
    named = [runs.existing(root, name) for name in names]
    chosen = named or _newest(root, each=env == "all")
    by_env, damage = _standings(chosen)
    if env not in (None, "all"):
        wanted = env_registry.canonical(str(env))
        by_env = {name: standings for name, standings in by_env.items() if name == wanted}
    _require_choice(by_env, env, chosen)
    document = ladder.united(by_env, prior, several=env == "all")
    for part in document.get("ladders", [document]) if los else []:
        part["los"] = superiority_matrix(by_env[part["env"]], _agents(part), prior)
    document["warnings"] = [*document["warnings"], *damage]
    if csv:
        write_csv(csv, document)
    if as_json:
        print_json(document)
    else:
        where = ", ".join(run.name for run in chosen)
        show(document, lambda part: f"{by_env[part['env']].games:,} {unit(part)} of {where}")
    return EXIT_FILE if damage else 0


def _agents(document: dict[str, Any]) -> list[str]:
    return [agent["agent"] for agent in document["agents"]]


def _newest(root: Path, each: bool) -> list[Path]:
    """Gives the newest tournament, or of `each` env the newest."""
    found: dict[str, Path] = {}
    for name in runs.names(root):
        config = runs.config(root / name)
        if config.get("command") == "tournament":
            env = env_registry.canonical(config["tournament"]["env"]) if each else ""
            found.setdefault(env, root / name)
    if not found:
        raise RunError(f"no tournament in {root}; `arena tournament demo` plays one")
    return list(found.values())


def _standings(chosen: list[Path]) -> tuple[dict[str, Standings], list[str]]:
    """Gives the standings of each env, and what could not be read."""
    by_env: dict[str, Standings] = {}
    damage: list[str] = []
    for run in chosen:
        records: list[MatchRecord] = []
        with Records.read(run) as source:
            try:
                records.extend(record for record in source.episodes() if record.rated)
            except RecordsError as error:
                records = source.salvage()
                damage.append(f"{error}; {len(records)} episodes could be read")
        add_by_env(by_env, records)
    return by_env, damage


def _require_choice(by_env: dict[str, Standings], env: str | None, chosen: list[Path]) -> None:
    where = ", ".join(run.name for run in chosen)
    if not by_env:
        raise RunError(f"no rated games{f' of {env}' if env else ''} in {where}")
    if env is None and len(by_env) > 1:
        raise RunError(f"{where}: games of {', '.join(by_env)}; choose one with --env, or `all`")


def unit(document: dict[str, Any]) -> str:
    """Gives what the standings of a ladder document count."""
    return "episodes" if screen.is_solo(document) else "games"


def show(document: dict[str, Any], title: Callable[[dict[str, Any]], str]) -> None:
    """Prints a ladder document, or several; `title` gives what stands above each."""
    for part in document.get("ladders", [document]):
        head = f"{part['env']}: {title(part)}, {part['model']}"
        screen.show(head, "", screen.ladder(part), "", screen.crosstable(part), "")
        if screen.is_solo(part):
            screen.show(returns_screen.table(part), "")
        if "los" in part:
            screen.show(screen.superiority(part), "")
    if "overall" in document:
        rows = [[row["agent"], f"{row['elo']:+.0f}"] for row in document["overall"]["agents"]]
        screen.show("over all envs, equal weight each", screen.table(["kind", ">elo"], rows), "")
        if returns := document["overall"].get("returns"):
            screen.show(returns_screen.overall(returns), "")
        for text in document["warnings"]:
            screen.warn(text)
