"""`arena watch`."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from urllib.parse import quote

import click

from arena import runs, screen
from arena.runs import RunError
from configs import loader


@click.command()
@click.argument("folder", metavar="[DIR]", default="runs", type=click.Path(path_type=Path))
@click.option("--port", type=click.IntRange(0, 65535), default=6006, show_default=True)
@click.option("--no-open", is_flag=True, help="Open no browser.")
def command(folder: Path, port: int, no_open: bool) -> int:
    """Watch ladder and games in a browser, while they are played or afterwards.

    DIR is a folder of runs, one run, or the name of a run in `runs`. TensorBoard starts at this
    machine alone, with the tab Arena; where the port is in use another one is taken. Ctrl-C ends.
    """
    folder, run = _found(folder)
    from arena.board import server

    address = server.start(folder, port).rstrip("/") + "/#arena"
    if run:
        address += f"&p.arena.run={quote(run, safe='')}"
    click.echo(address)
    if not runs.names(folder) and not (folder / runs.RECORDS).exists():
        screen.note(f"no games in {folder} yet; `arena tournament demo --dir {folder}` plays some.")
    if not no_open and _has_screen():
        import webbrowser

        webbrowser.open(address)
    screen.note("Ctrl-C ends it.")
    threading.Event().wait()
    return 0


def hint(root: Path) -> str:
    """Gives the line that says what to type to watch the runs of a folder."""
    typed = "arena watch" if root == Path("runs") else f"arena watch {root}"
    return f"`{typed}` shows ladder, games and why each move was played in the browser."


def _found(folder: Path) -> tuple[Path, str]:
    """Gives the folder to show, and the run to begin with, empty for the newest.

    Raises:
        RunError: when there is no such folder.
    """
    if folder.is_dir():
        return folder, ""
    root = Path("runs")
    if folder.name == str(folder) and folder.name in runs.names(root):
        return root, folder.name
    hint = loader.closest(folder.name, runs.names(root))
    raise RunError(f"no folder '{folder}'{hint}; `arena tournament demo` makes `runs`")


def _has_screen() -> bool:
    """Gives whether a browser could show something here."""
    shown = sys.platform == "darwin" or os.environ.get("DISPLAY")
    return bool(shown or os.environ.get("WAYLAND_DISPLAY"))
