"""`arena report`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from arena import report, runs, screen
from arena.board.desk import Desk
from arena.commands import dir_option, json_option, print_json
from arena.report import Document, ReportError
from arena.runs import RunError

_LINE_S = 2.0


@click.command()
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("names", nargs=-1, metavar="[RUN ...]")
@click.option(
    "--games",
    type=click.IntRange(0, 2000),
    default=60,
    show_default=True,
    help="Games that can be stepped through, the newest.",
)
@click.option("--no-solver", is_flag=True, help="Leave out verdicts; they take a second a game.")
@click.option(
    "--png",
    type=click.Path(path_type=Path, file_okay=False),
    help="Also draw the figures for a paper into this folder.",
)
@dir_option
@json_option
def command(
    out: Path,
    names: tuple[str, ...],
    games: int,
    no_solver: bool,
    png: Path | None,
    root: Path,
    as_json: bool,
) -> int:
    """Put ladder, crosstable, curves and games of runs into one HTML file.

    OUT.html opens from disk without a server and shows what the tab of `arena watch` does, but for
    what an agent would have to be asked. Without a RUN: the newest with games.
    """
    if out.suffix.lower() not in (".html", ".htm"):
        raise ReportError(f"'{out}' is to be an HTML file; name it such as {out.stem}.html")
    chosen = [runs.existing(root, name).name for name in names] or runs.names(root)[:1]
    if not chosen:
        raise RunError(f"no runs in {root}; `arena tournament demo` makes one")
    desk = Desk(root)
    document = report.gather(desk, chosen, games, not no_solver, _Progress(as_json))
    text = report.page(document, f"Arena: {', '.join(chosen)}")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, encoding="utf-8")
    pictures = _pictures(document, png) if png else []
    count = sum(len(run["games"]) for run in document["runs"].values())
    if as_json:
        size = len(text.encode())
        names_ = [str(picture) for picture in pictures]
        print_json({"file": str(out), "bytes": size, "games": count, "pictures": names_})
        return 0
    screen.note(f"{out}: {count} games of {', '.join(chosen)}, {len(text) / 1000:,.0f} kB.")
    for picture in pictures:
        screen.note(f"{picture}")
    return 0


def _pictures(document: Document, folder: Path) -> list[Path]:
    from arena import report_figures

    found: list[Path] = []
    for name, run in document["runs"].items():
        points = run["training"]["points"]
        found += report_figures.draw(name, run["ladders"][0], points, folder)
    return found


class _Progress:
    """Says on stderr how far it is, where that takes longer than a moment."""

    def __init__(self, quiet: bool) -> None:
        self._quiet, self._last = quiet, time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """Says it, at most every two seconds."""
        now = time.monotonic()
        if not self._quiet and now - self._last > _LINE_S:
            self._last = now
            print(f"{done} of {total} games", file=sys.stderr)
