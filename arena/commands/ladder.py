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
from envs import registry as env_registry


@click.command()
@click.argument("names", nargs=-1, metavar="[RUN ...]")
@click.option("--env", help="Which env's games; `all` for a ladder each and one over all.")
@prior_option
@csv_option
@dir_option
@json_option
def command(
    names: tuple[str, ...],
    env: str | None,
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
    documents = {
        name: ladder.ladder_document(name, standings.tally, standings.faults, prior)
        for name, standings in by_env.items()
        if env in (None, "all") or name == env_registry.canonical(str(env))
    }
    document = _document(documents, env, chosen)
    document["warnings"] = [*document.get("warnings", []), *damage]
    if csv:
        write_csv(csv, document)
    if as_json:
        print_json(document)
    else:
        _print(document, [run.name for run in chosen])
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


def _document(documents: dict[str, Any], env: str | None, chosen: list[Path]) -> dict[str, Any]:
    where = ", ".join(run.name for run in chosen)
    if env == "all":
        return {"ladders": list(documents.values()), "overall": ladder.overall(documents.values())}
    if not documents:
        raise RunError(f"no rated games{f' of {env}' if env else ''} in {where}")
    if len(documents) > 1:
        raise RunError(f"{where} hold games of {', '.join(documents)}; choose one with --env")
    return next(iter(documents.values()))


def _print(document: dict[str, Any], names: list[str]) -> None:
    for part in document.get("ladders", [document]):
        games = sum(agent["games"] for agent in part["agents"]) // 2
        screen.show(f"{part['env']}: {games:,} games of {', '.join(names)}, {part['model']}", "")
        screen.show(screen.ladder(part), "", screen.crosstable(part))
    if "overall" in document:
        rows = [[a["agent"], f"{a['elo']:+.0f}"] for a in document["overall"]["agents"]]
        screen.show("", "over all envs, equal weight each", screen.table(["kind", ">elo"], rows))
    for text in document["warnings"] if "ladders" in document else []:
        screen.warn(text)

