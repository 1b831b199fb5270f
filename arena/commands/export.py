"""`arena export`."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, TextIO

import click

from arena import runs, screen
from arena.commands import dir_option, json_option, print_json
from arena.records import MatchRecord, Records
from envs import registry

FIELDS = (
    "game",
    "env",
    "first",
    "second",
    "score",
    "opening",
    "moves",
    "termination",
    "blame",
    "rated",
    "purpose",
)
"""What is told of a game. `score` is the first mover's; `moves` are all, those of `opening` too."""
_ONE_DIGIT = 9


@click.command()
@click.argument("name", metavar="RUN")
@click.option("--format", "form", type=click.Choice(["csv", "jsonl"]), default="csv")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write it there.")
@click.option("--rated", is_flag=True, help="Only the games that ladders count.")
@dir_option
@json_option
def command(name: str, form: str, out: Path | None, rated: bool, root: Path, as_json: bool) -> int:
    """Write the games of a run, a line each, with their moves.

    Moves are columns from 1, as in a positions file. `arena rate` reads the CSV.
    """
    if as_json and out is None:
        raise click.UsageError("--json tells what was written; give --out FILE, or leave it out")
    with Records.read(runs.existing(root, name)) as records:
        rows = map(_row, records.episodes("rated = 1" if rated else "1"))
        if out is None:
            _write(rows, form, sys.stdout)
            return 0
        with out.open("w", encoding="utf-8", newline="") as stream:
            count = _write(rows, form, stream)
    if as_json:
        print_json({"run": name, "format": form, "out": str(out), "games": count})
    else:
        screen.note(f"{count:,} games of {name} in {out}.")
    return 0


def _write(rows: Iterable[dict[str, Any]], form: str, stream: TextIO) -> int:
    """Writes the rows and gives their number."""
    count = 0
    table = csv.DictWriter(stream, FIELDS, lineterminator="\n")
    if form == "csv":
        table.writeheader()
    for row in rows:
        if form == "csv":
            table.writerow(row)
        else:
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")
        count += 1
    return count


def _row(record: MatchRecord) -> dict[str, Any]:
    """Gives what is told of a game; None where a game for one has no such thing."""
    two = len(record.agents) > 1
    values = (
        record.number,
        record.env,
        record.agents[0],
        record.agents[1] if two else None,
        record.scores[0] if two else None,
        _text(record.env, record.start),
        _text(record.env, record.start + record.actions),
        record.termination,
        None if record.blame is None else record.agents[record.blame],
        record.rated,
        record.purpose,
    )
    return dict(zip(FIELDS, values, strict=True))


def _text(env: str, actions: bytes) -> str:
    """Gives actions by the names that people use, with commas only on boards that need them."""
    names, between = _names(env)
    return between.join(names[action] for action in actions)


@lru_cache(maxsize=8)
def _names(env: str) -> tuple[list[str], str]:
    count = registry.spec(env).num_actions
    name = registry.action_name(env)
    return [name(action) for action in range(count)], "" if count <= _ONE_DIGIT else ","
