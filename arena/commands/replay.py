"""`arena replay`."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.text import Text

from arena import film_screen, playback, replaying, runs, screen
from arena.cli import EXIT_FILE
from arena.commands import dir_option, json_option, print_json
from arena.film import Film
from arena.match_record import MatchRecord
from arena.playback import Playback
from arena.records import Records
from arena.runs import RunError
from envs import registry
from envs.base import IllegalActionError


@click.command()
@click.argument("episode")
@click.option("--at", type=int, help="Show only the moment after this many moves.")
@click.option(
    "--speed",
    type=click.FloatRange(playback.SLOWEST, playback.FASTEST),
    default=1.0,
    show_default=True,
    help="Of Atari games; 1 is 60 frames a second.",
)
@dir_option
@json_option
def command(episode: str, at: int | None, speed: float, root: Path, as_json: bool) -> int:
    """Watch a recorded episode, or step through it move by move.

    EPISODE is RUN/NUMBER. Keys of a board game: right or space forward, left back, home, end, q;
    an Atari game tells its own. Off a terminal all positions of a board are printed, or the last
    picture of an Atari game.
    """
    record = find(root, episode)
    if registry.draws(record.env):
        difference = _show_board(record, at, as_json)
    else:
        if sys.stderr.isatty():
            click.echo(f"playing {len(record.actions):,} steps again", err=True)
        difference = _show_film(Film(record), at, speed, as_json)
    if difference is not None:
        screen.warn(f"played again, this episode differs from its record: {difference}")
    return 0 if difference is None else EXIT_FILE


def find(root: Path, episode: str) -> MatchRecord:
    """Gives a recorded episode.

    Raises:
        RunError: when the text is no episode or the run is not there.
        EpisodeNotFoundError: when the run has no such episode.
    """
    name, slash, number = episode.rpartition("/")
    if not slash or not number.isdigit():
        raise RunError(f"'{episode}' is no episode; write RUN/NUMBER, such as demo-1/1")
    with Records.read(runs.existing(root, name)) as records:
        return records.episode(int(number))


def _show_film(film: Film, at: int | None, speed: float, as_json: bool) -> str | None:
    """Shows an episode that has pictures; gives how it differs from its record."""
    if as_json:
        print_json(_document(film.record, film.difference) | {"rewards": film.rewards})
    elif at is None and sys.stdin.isatty() and sys.stdout.isatty():
        film_screen.play(film, Playback(film.length, speed=speed))
    else:
        place = film.length if at is None else min(max(at, 0), film.length)
        click.echo(film_screen.still(film, place, film_screen.has_colour()))
    return film.difference


def _show_board(record: MatchRecord, at: int | None, as_json: bool) -> str | None:
    """Shows a game on a board; gives how it differs from its record."""
    difference = replaying.difference(record)
    moves = (*record.start, *record.actions)
    with contextlib.suppress(IllegalActionError):  # the difference tells where
        if as_json:
            print_json(_document(record, difference))
        elif at is not None:
            _show(record, min(max(at, 0), len(moves)))
        elif sys.stdin.isatty() and sys.stdout.isatty():
            _step_through(record)
        else:
            for place in range(len(moves) + 1):
                _show(record, place)
    return difference


def _document(record: MatchRecord, difference: str | None) -> dict[str, Any]:
    return {
        "number": record.number,
        "env": record.env,
        "agents": list(record.agents),
        "opening": list(record.start),
        "actions": list(record.actions),
        "returns": list(record.returns),
        "termination": record.termination,
        "blame": record.blame,
        "fault": record.fault,
        "verified": difference is None,
        "difference": difference,
    }


def _step_through(record: MatchRecord) -> None:
    place, last = 0, len(record.start) + len(record.actions)
    while True:
        click.clear()
        _show(record, place)
        key = click.getchar()
        if key in ("q", "\x1b", "\x03"):
            return
        steps = {"\x1b[D": -1, "h": -1, "p": -1, "\x1b[H": -place, "\x1b[F": last}
        place = min(max(place + steps.get(key, 1), 0), last)


def _show(record: MatchRecord, place: int) -> None:
    moves = (*record.start, *record.actions)
    draw = registry.draw(record.env)
    console = screen.console()
    board = draw(moves[:place], not console.no_color)
    opening = len(record.start)
    what = f"move {place} of {len(moves)}"
    if place:
        mover = (place - 1) % len(record.agents)
        who = "the opening" if place <= opening else record.agents[mover]
        what += f": {who} played {registry.action_name(record.env)(moves[place - 1])}"
    console.print(Text(f"{'  v  '.join(record.agents)}    {what}", style="bold"))
    console.print(Text.from_ansi(board))
    if place == len(moves):
        console.print(Text(_ending(record), style="bold"))
    console.print()


def _ending(record: MatchRecord) -> str:
    if record.blame is not None:
        detail = (record.fault or "no detail").strip().splitlines()[-1]
        return f"{record.agents[record.blame]} forfeits ({record.termination}): {detail}"
    if len(set(record.scores)) == 1:
        return "a draw"
    return f"{record.agents[int(np.argmax(record.scores))]} wins"
