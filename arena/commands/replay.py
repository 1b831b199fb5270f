"""`arena replay`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.text import Text

from arena import runs, screen
from arena.cli import EXIT_FILE
from arena.commands import dir_option, json_option, print_json
from arena.records import MatchRecord, Records
from arena.runs import RunError
from envs import registry


@dataclass(frozen=True)
class Replay:
    """A recorded game with all its positions."""

    record: MatchRecord
    moves: tuple[int, ...]
    """The opening's and the players' actions."""
    verified: bool
    """Whether playing it again ends in the recorded state."""


@click.command()
@click.argument("episode")
@click.option("--at", type=int, help="Show only the position after this many moves.")
@dir_option
@json_option
def command(episode: str, at: int | None, root: Path, as_json: bool) -> int:
    """Step through a recorded game, move by move.

    EPISODE is RUN/NUMBER. Keys: right or space forward, left back, home, end, q. Off a terminal all
    positions are printed.
    """
    replay = load(root, episode)
    code = 0 if replay.verified else EXIT_FILE
    if as_json:
        print_json(_document(replay))
    elif at is not None:
        _show(replay, min(max(at, 0), len(replay.moves)))
    elif sys.stdin.isatty() and sys.stdout.isatty():
        _step_through(replay)
    else:
        for place in range(len(replay.moves) + 1):
            _show(replay, place)
    if not replay.verified:
        screen.warn("played again, this game ends in another state than the one recorded")
    return code


def load(root: Path, episode: str) -> Replay:
    """Gives a recorded game, played again and compared with what was recorded.

    Raises:
        RunError: when the text is no episode or the run is not there.
        EpisodeNotFoundError: when the run has no such episode.
    """
    name, slash, number = episode.rpartition("/")
    if not slash or not number.isdigit():
        raise RunError(f"'{episode}' is no episode; write RUN/NUMBER, such as demo-1/1")
    with Records.read(runs.existing(root, name)) as records:
        record = records.episode(int(number))
    env = registry.make(record.env)
    env.reset(record.seed, list(record.start))
    returns = np.zeros(env.spec.num_players)
    for action in record.actions:
        returns += env.step(action).rewards
    verified = env.digest() == record.digests[-8:] and tuple(returns.tolist()) == record.returns
    return Replay(record, (*record.start, *record.actions), verified)


def _document(replay: Replay) -> dict[str, Any]:
    record = replay.record
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
        "verified": replay.verified,
    }


def _step_through(replay: Replay) -> None:
    place = 0
    while True:
        click.clear()
        _show(replay, place)
        key = click.getchar()
        if key in ("q", "\x1b", "\x03"):
            return
        steps = {"\x1b[D": -1, "h": -1, "p": -1, "\x1b[H": -place, "\x1b[F": len(replay.moves)}
        place = min(max(place + steps.get(key, 1), 0), len(replay.moves))


def _show(replay: Replay, place: int) -> None:
    record = replay.record
    draw = registry.draw(record.env)
    console = screen.console()
    board = draw(replay.moves[:place], not console.no_color)
    opening = len(record.start)
    what = f"move {place} of {len(replay.moves)}"
    if place:
        mover = (place - 1) % len(record.agents)
        who = "the opening" if place <= opening else record.agents[mover]
        what += f": {who} played {registry.action_name(record.env)(replay.moves[place - 1])}"
    console.print(Text(f"{'  v  '.join(record.agents)}    {what}", style="bold"))
    console.print(Text.from_ansi(board))
    if place == len(replay.moves):
        console.print(Text(_ending(record), style="bold"))
    console.print()


def _ending(record: MatchRecord) -> str:
    if record.blame is not None:
        detail = (record.fault or "no detail").strip().splitlines()[-1]
        return f"{record.agents[record.blame]} forfeits ({record.termination}): {detail}"
    if len(set(record.scores)) == 1:
        return "a draw"
    return f"{record.agents[int(np.argmax(record.scores))]} wins"
