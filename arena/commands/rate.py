"""`arena rate`."""

from __future__ import annotations

import csv as csv_module
from collections import Counter
from pathlib import Path
from typing import Any

import click

from arena import ladder, results_file, screen
from arena.commands import json_option, print_json
from arena.tally import Tally

prior_option = click.option(
    "--prior",
    default="gauss:2000",
    show_default=True,
    help="gauss:SD (Elo), virtual:GAMES or none: what is believed of a rating before any game.",
)
csv_option = click.option(
    "--csv", type=click.Path(path_type=Path, dir_okay=False), help="Also write the table there."
)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@prior_option
@csv_option
@json_option
def command(file: Path, prior: str, csv: Path | None, as_json: bool) -> int:
    """Rate anybody's results.

    FILE is CSV with a header: first,second,score[,opening]; the score is the first mover's, 1, 0.5
    or 0. Games of the same two players from the same opening are taken as one cluster.
    """
    tally = Tally()
    tally.add(results_file.read_results(file))
    document = ladder.ladder_document(file.name, tally, Counter(), prior)
    if csv:
        write_csv(csv, document)
    if as_json:
        print_json(document)
    else:
        screen.show(screen.ladder(document), "", screen.crosstable(document))
    return 0


def write_csv(file: Path, document: dict[str, Any]) -> None:
    """Writes the agents of a ladder document, or of several, as CSV."""
    parts = document.get("ladders", [document])
    rows = [{"env": part["env"], **agent} for part in parts for agent in part["agents"]]
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv_module.DictWriter(stream, fieldnames=list(rows[0]) if rows else ["env"])
        writer.writeheader()
        writer.writerows(rows)
