"""`arena play`."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from agents import registry as agent_registry
from agents.base import Clock, Decisions
from arena import match, runs, screen, thought_screen
from arena.commands import dir_option, json_option, print_json
from arena.hints import Heard, Lesson, Teacher
from arena.match import Episode, TimeControl
from arena.records import MatchRecord, Records
from envs import registry as env_registry
from envs import seeding
from envs.base import EnvSpec, TimeStep


class Left(KeyboardInterrupt):
    """The person has left the game; no fault of the player that asked."""


class Person:
    """A player who types. Shows the board before each move, and hints where there is a teacher."""

    max_batch: int | None = 1
    digest: str | None = None

    def __init__(self, env: str, stderr: bool) -> None:
        self._draw = env_registry.draw(env)
        self._name = env_registry.action_name(env)
        self._console = screen.console(stderr=stderr)
        self.moves: list[int] = []
        self.lesson: Lesson | None = None

    def reset(self, spec: EnvSpec, seats: NDArray[np.int64], seeds: NDArray[np.int64]) -> None:
        """Has nothing to prepare."""

    def act(
        self, rows: NDArray[np.int64], steps: TimeStep, clock: Clock | None = None
    ) -> Decisions:
        """Asks until a legal move is typed.

        Raises:
            Left: when the person types q or closes the input.
        """
        self.show_answer()
        if self.lesson is None:
            self.show()
        else:
            self._beside(self.moves, self.lesson.advice(steps, self._name))
        legal = {self._name(int(a)): int(a) for a in np.flatnonzero(steps.action_mask[0])}
        while True:
            self._console.print(f"your move ({', '.join(legal)}, q to leave): ", end="")
            text = sys.stdin.readline()
            if not sys.stdin.isatty():
                self._console.print()  # no key of a person has ended the line
            if not text or text.strip().lower() in ("q", "quit"):
                raise Left
            if text.strip() in legal:
                return Decisions(np.array([legal[text.strip()]]))
            self._console.print(Text(f"'{screen.harmless(text.strip())}' is no legal move"))

    def follow(self, history: list[NDArray[np.int64]]) -> None:
        """Notes what was played so far, `[T][1]`."""
        self.moves = [int(column[0]) for column in history]

    def show(self) -> None:
        """Draws the position."""
        self._beside(self.moves, [])

    def show_answer(self, value: float | None = None) -> None:
        """Tells what the person's last move was worth, and what the agent thought of its answer.

        Args:
            value: of the position for the person, where the game is over.
        """
        if self.lesson is None:
            return
        if words := self.lesson.judged(self.moves, value, self._name):
            self._console.print(Text(words, style="bold"))
        if lines := self.lesson.answer(self.moves, self._name):
            self._beside(self.moves[:-1], lines)

    def _beside(self, moves: list[int], lines: list[Text]) -> None:
        board = self._draw(tuple(moves), not self._console.no_color).split("\n")
        for line in thought_screen.beside([Text.from_ansi(row) for row in board], lines):
            self._console.print(line)


@click.command()
@click.argument("agent")
@click.option("--env", default="connectx", show_default=True, help="Env id.")
@click.option("--second", is_flag=True, help="The agent begins.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the agent's chance.")
@click.option("--hints", is_flag=True, help="The agent tells what it thinks of your moves.")
@click.option("--name", default="human", show_default=True, help="Run that the game is added to.")
@dir_option
@json_option
def command(
    agent: str,
    env: str,
    second: bool,
    seed: int,
    hints: bool,
    name: str,
    root: Path,
    as_json: bool,
) -> int:
    """Play against an agent in the terminal.

    With --hints the agent says what it thinks of each column before your move, as seen by you, and
    what your move was worth: good, an inaccuracy, a mistake or a blunder. Then it shows what it
    thought of its answer, as seen by itself. It does not play better for it.

    The finished game is recorded, outside every rating.
    """
    run = runs.path(root, name)
    text, player = agent_registry.canonical(agent), agent_registry.make(agent)
    env_id = env_registry.canonical(env)
    person = Person(env_id, as_json)
    seat = int(second)
    episode_seed = seeding.derive(seed, "human")
    if hints:
        player = heard = Heard(player)
        spec = env_registry.spec(env_id)
        teacher = Teacher(text, agent_registry.make(agent), spec, seat, episode_seed)
        teacher.try_out(env_id)
        person.lesson = Lesson(text, teacher, heard, seat)
    order = (1, 0) if second else (0, 1)
    try:
        episode = match.play(
            env_registry.make_vector(env_id, 1),
            [person, player],
            np.array([order]),
            [()],
            np.array([episode_seed]),
            TimeControl(move_s=0.0),
            watch=lambda index, rows, seconds, history: person.follow(history),
        )[0]
    except Left:
        click.echo("\nyou left; nothing was recorded", err=True)
        return 0
    person.moves = list(episode.actions)
    person.show_answer(episode.returns[seat])
    person.show()
    record = _record(episode, env_id, seat, text, seed)
    with Records.write(run) as records:
        number = records.commit([record])
    _report(record, seat, f"{name}/{number}", as_json, person.lesson)
    return 0


def _record(episode: Episode, env: str, seat: int, agent: str, seed: int) -> MatchRecord:
    names = [f"human:{getpass.getuser()}", agent]
    return MatchRecord(
        env=env,
        agents=tuple(names[player] for player in episode.players),
        seed=seeding.derive(seed, "human"),
        start=b"",
        actions=bytes(episode.actions),
        returns=episode.returns,
        digests=episode.digest_bytes,
        termination=episode.termination,
        blame=episode.blame,
        fault=episode.detail,
        search=episode.search,
        purpose="human",
        rated=False,
    )


def _report(
    record: MatchRecord, seat: int, episode: str, as_json: bool, lesson: Lesson | None
) -> None:
    score = record.scores[seat]
    if as_json:
        document: dict[str, Any] = {"episode": episode, "agents": record.agents, "score": score}
        if lesson is not None:
            document["moves"] = [judgement._asdict() for judgement in lesson.judgements]
        print_json(document)
        return
    words = {1.0: "You win.", 0.5: "A draw.", 0.0: "You lose."}
    screen.show(f"{words[score]} `arena replay {episode}` shows the game again.")
