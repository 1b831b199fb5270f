"""`arena ladder`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from arena import ladder, runs, screen
from arena.cli import EXIT_FILE
from arena.commands import dir_option, json_option, print_json
from arena.commands.rate import csv_option, prior_option, write_csv
from arena.records import MatchRecord, Records, RecordsError
from arena.runs import RunError
from arena.standings import Standings
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

    Without a RUN: those of the newest tournament.
    """
    chosen = [runs.existing(root, name) for name in names] or [_newest(root)]
    by_env, damage = _standings(chosen)
    if env not in (None, "all"):
        wanted = env_registry.canonical(str(env))
        by_env = {name: standings for name, standings in by_env.items() if name == wanted}
    _require_choice(by_env, env, chosen)
    documents = [
        ladder.ladder_document(name, standings.tally, standings.faults, prior)
        for name, standings in by_env.items()
    ]
    for part in documents if los else []:
        agents = [agent["agent"] for agent in part["agents"]]
        part["los"] = superiority_matrix(by_env[part["env"]].tally, agents, prior)
    document = (
        {"ladders": documents, "overall": ladder.overall(documents, prior), "warnings": damage}
        if env == "all"
        else {**documents[0], "warnings": [*documents[0]["warnings"], *damage]}
    )
    if csv:
        write_csv(csv, document)
    if as_json:
        print_json(document)
    else:
        _print(document, by_env, [run.name for run in chosen])
    return EXIT_FILE if damage else 0


def _newest(root: Path) -> Path:
    for name in runs.names(root):
        if runs.config(root / name).get("command") == "tournament":
            return root / name
    raise RunError(f"no tournament in {root}; `arena tournament demo` plays one")


def _standings(chosen: list[Path]) -> tuple[dict[str, Standings], list[str]]:
    """Gives the standings of each env, and what could not be read."""
    by_env: dict[str, Standings] = {}
    damage: list[str] = []
    for run in chosen:
        records: list[MatchRecord] = []
        with Records.read(run) as source:
            try:
                records.extend(source.episodes("rated = 1 AND seat1 IS NOT NULL"))
            except RecordsError as error:
                records = source.salvage()
                damage.append(f"{error}; {len(records)} episodes could be read")
        for record in records:
            by_env.setdefault(record.env, Standings())
        for name, standings in by_env.items():
            standings.add([record for record in records if record.env == name])
    return by_env, damage


def _require_choice(by_env: dict[str, Standings], env: str | None, chosen: list[Path]) -> None:
    where = ", ".join(run.name for run in chosen)
    if not by_env:
        raise RunError(f"no rated games{f' of {env}' if env else ''} in {where}")
    if env is None and len(by_env) > 1:
        raise RunError(f"{where}: games of {', '.join(by_env)}; choose one with --env, or `all`")


def _print(document: dict[str, Any], by_env: dict[str, Standings], names: list[str]) -> None:
    for part in document.get("ladders", [document]):
        standings = by_env[part["env"]]
        title = f"{part['env']}: {standings.games:,} games of {', '.join(names)}, {part['model']}"
        screen.show(title, "", screen.ladder(part), "", screen.crosstable(part))
        if "los" in part:
            screen.show("", screen.superiority(part))
    if "overall" in document:
        rows = [[row["agent"], f"{row['elo']:+.0f}"] for row in document["overall"]["agents"]]
        screen.show("", "over all envs, equal weight each", screen.table(["kind", ">elo"], rows))
        for text in document["warnings"]:
            screen.warn(text)
