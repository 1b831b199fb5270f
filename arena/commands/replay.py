"""`arena replay`."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from arena import (
    film_screen,
    playback,
    replaying,
    runs,
    screen,
    thoughts,
    value_lost,
    value_screen,
)
from arena.cli import EXIT_FILE
from arena.commands import dir_option, json_option, print_json
from arena.film import Film
from arena.game_screen import Game
from arena.match_record import MatchRecord
from arena.playback import Playback
from arena.records import Records
from arena.runs import RunError
from arena.thoughts import Thought, ThoughtsError
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
@click.option(
    "--analyse", is_flag=True, help="Of Connect X: what the solver says of every move instead."
)
@dir_option
@json_option
def command(
    episode: str, at: int | None, speed: float, analyse: bool, root: Path, as_json: bool
) -> int:
    """Watch a recorded episode, or step through it move by move.

    EPISODE is RUN/NUMBER. Beside each move stands what its player thought, where that is recorded:
    how often its search visited each column, the result it expected there (q), the play it foresaw.

    --analyse marks the first move of each player that lost value, and what would have kept it.

    Keys of a board game: right or space forward, left back, home, end, q;
    an Atari game tells its own. Off a terminal all positions of a board are printed, or the last
    picture of an Atari game.
    """
    record, damage = _readable(find(root, episode))
    if analyse:
        difference = _analyse(record, as_json)
    elif registry.draws(record.env):
        difference = _show_board(record, at, as_json)
    else:
        if sys.stderr.isatty():
            click.echo(f"playing {len(record.actions):,} steps again", err=True)
        difference = _show_film(Film(record), at, speed, as_json)
    if difference is not None:
        screen.warn(f"played again, this episode differs from its record: {difference}")
    if damage is not None:
        screen.warn(f"what its players thought cannot be shown: {damage}")
    return 0 if difference is None and damage is None else EXIT_FILE


def _readable(record: MatchRecord) -> tuple[MatchRecord, str | None]:
    """Gives a record without thoughts that are damaged, and what is wrong with them."""
    try:
        thoughts.unpack(record.search) if record.search else ()
    except ThoughtsError as error:
        return replace(record, search=None), str(error)
    return record, None


def find(root: Path, episode: str) -> MatchRecord:
    """Gives a recorded episode, with what its players thought.

    Raises:
        RunError: when the text is no episode or the run is not there.
        EpisodeNotFoundError: when the run has no such episode.
    """
    name, slash, number = episode.rpartition("/")
    if not slash or not number.isdigit():
        raise RunError(f"'{episode}' is no episode; write RUN/NUMBER, such as demo-1/1")
    with Records.read(runs.existing(root, name)) as records:
        record = records.episode(int(number))
        return replace(record, search=records.search(record.number))


def _analyse(record: MatchRecord, as_json: bool) -> str | None:
    """Shows what the solver says of a game; gives how that differs from its record.

    Raises:
        MovesError: when it is no game of Connect X.
    """
    if (difference := replaying.difference(record)) is None:
        moves = value_lost.judged(record)
        if as_json:
            print_json(_document(record, None) | {"analysis": value_screen.document(moves)})
        else:
            value_screen.show(record, moves)
    return difference


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
    if as_json:
        print_json(_document(record, difference))
        return difference
    game = Game(record, thoughts.unpack(record.search) if record.search else ())
    with contextlib.suppress(IllegalActionError):  # the difference tells where
        if at is not None:
            game.show(min(max(at, 0), len(game.moves)))
        elif sys.stdin.isatty() and sys.stdout.isatty():
            game.step_through()
        else:
            for place in range(len(game.moves) + 1):
                game.show(place)
    return difference


def _document(record: MatchRecord, difference: str | None) -> dict[str, Any]:
    found = thoughts.unpack(record.search) if record.search else ()
    return {
        "number": record.number,
        "env": record.env,
        "agents": list(record.agents),
        "opening": list(record.start),
        "actions": list(record.actions),
        "thoughts": [None if thought is None else _said(thought) for thought in found],
        "returns": list(record.returns),
        "termination": record.termination,
        "blame": record.blame,
        "fault": record.fault,
        "verified": difference is None,
        "difference": difference,
    }


def _said(thought: Thought) -> dict[str, Any]:
    """Gives what was said in a thought, numbers to four decimals."""

    def rounded(said: Any) -> Any:
        if isinstance(said, list):
            return [rounded(one) for one in said]
        return round(said, 4) if isinstance(said, float) else said

    return {name: rounded(said) for name, said in thought._asdict().items() if said is not None}
