"""What an agent tells a person who plays against it. Values are from -1, a loss, to +1, a win.

A move is judged by what it lost: the value that the agent saw for the person before, less what it
sees after the move. Losing a fifth of the way from loss to win or less is good, up to two fifths
of it an inaccuracy, up to three fifths a mistake, more a blunder.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from agents.base import AgentError, Clock, Decisions, Player
from arena import screen, thought_screen, thoughts
from arena.thought_screen import Name
from arena.thoughts import Thought
from envs import registry as env_registry
from envs import seeding
from envs.base import EnvSpec, TimeStep

_WORDS = ((0.2, "good"), (0.4, "an inaccuracy"), (0.6, "a mistake"))
_WORST = "a blunder"
_ROW = np.zeros(1, np.int64)


class Judgement(NamedTuple):
    """What a person's move was worth."""

    move: int
    best: int
    """The move that the agent would have made."""
    brings: float
    """Value after the move."""
    lost: float
    """By how much less that is than what the best move brings, at least 0."""
    word: str
    """`the best`, `good`, `an inaccuracy`, `a mistake` or `a blunder`."""


class Teacher:
    """An agent that thinks about the positions in which a person is to move."""

    def __init__(self, agent: str, player: Player, spec: EnvSpec, seat: int, seed: int) -> None:
        """Prepares the agent.

        Args:
            agent: its AGENT text.
            player: made for this alone, for what it thinks here must not make it stronger.
            spec: of the env.
            seat: of the person.
            seed: of the episode.

        Raises:
            AgentError: when it cannot play the env.
        """
        self._agent, self._player, self._actions = agent, player, spec.num_actions
        player.reset(spec, np.array([seat]), np.array([seeding.derive(seed, "hints")]))

    def try_out(self, env: str) -> None:
        """Lets it think of the first position, so that a mistake is known before the game.

        Raises:
            AgentError: when it says nothing of its moves.
        """
        first = env_registry.make_vector(env, 1).reset(_ROW, _ROW, [()])
        self.think(first)

    def think(self, steps: TimeStep) -> Thought:
        """Gives what it thinks of the only row.

        Raises:
            AgentError: when it says nothing of its moves.
        """
        found = thoughts.of(self._player.act(_ROW, steps), self._actions)
        if found is None or not thought_screen.shares(found)[1]:
            raise AgentError(
                f"{self._agent} says nothing of its moves, so it gives no hints; choose one that "
                "does, such as negamax:depth=6 or zoo/connectx-muzero"
            )
        return found


class Heard:
    """A player as it is, and what it last said."""

    def __init__(self, player: Player) -> None:
        """Wraps a player."""
        self._player = player
        self.max_batch, self.digest = player.max_batch, player.digest
        self.thought: Thought | None = None
        self._actions = 0

    def reset(self, spec: EnvSpec, seats: NDArray[np.int64], seeds: NDArray[np.int64]) -> None:
        """Prepares the player."""
        self._actions, self.thought = spec.num_actions, None
        self._player.reset(spec, seats, seeds)

    def act(
        self, rows: NDArray[np.int64], steps: TimeStep, clock: Clock | None = None
    ) -> Decisions:
        """Gives what the player decides, and notes what it thinks of the first row."""
        said = self._player.act(rows, steps, clock)
        self.thought = thoughts.of(said, self._actions)
        return said


class Lesson:
    """What is told during one game, and what the person's moves were worth."""

    def __init__(self, agent: str, teacher: Teacher, heard: Heard, seat: int) -> None:
        """Begins a lesson.

        Args:
            agent: AGENT text.
            teacher: thinks of the person's positions.
            heard: the opponent.
            seat: of the person.
        """
        self._agent, self._teacher = screen.harmless(agent), teacher
        self._heard, self._seat = heard, seat
        self._before: Thought | None = None
        self.judgements: list[Judgement] = []

    def advice(self, steps: TimeStep, name: Name) -> list[Text]:
        """Gives what the agent thinks of the person's position, as lines."""
        self._before = self._teacher.think(steps)
        marks = {_best(self._before): "◀ its choice"}
        return thought_screen.panel("hint for you", self._before, name, marks)

    def judged(self, moves: Sequence[int], value: float | None, name: Name) -> str:
        """Gives what the person's last move was worth in words; empty where nobody says so.

        Args:
            moves: of the game so far.
            value: for the person where the game is over, None where it goes on.
            name: of an action.
        """
        before, self._before = self._before, None
        own = [place for place in range(len(moves)) if place % 2 == self._seat]
        if before is None or not own:
            return ""
        after, thought = value, self._heard.thought
        if own[-1] < len(moves) - 1:  # it was answered
            theirs = None if thought is None else thought_screen.value(thought)
            after = None if theirs is None else -theirs
        found = judge(before, moves[own[-1]], after)
        if found is None:
            return ""
        self.judgements.append(found)
        told = f"you played {name(found.move)}: {found.word}, it brings {found.brings:+.2f}"
        return told if found.lost <= _WORDS[0][0] else f"{told}; {name(found.best)} was better"

    def answer(self, moves: Sequence[int], name: Name) -> list[Text]:
        """Gives what the agent thought of its last move, where that is the last of all."""
        thought = self._heard.thought
        if thought is None or not moves or (len(moves) - 1) % 2 == self._seat:
            return []
        return thought_screen.panel(
            f"{self._agent} thought", thought, name, {moves[-1]: "◀ played"}
        )


def judge(before: Thought, move: int, after: float | None) -> Judgement | None:
    """Gives what a move was worth; None where nobody says so.

    Args:
        before: what the agent thought of the position, seen by who made the move.
        move: what was played.
        after: value of the position that came, seen by the same; None = unknown.
    """
    expected, best = before.q or [], _best(before)
    brings = after if after is not None else (expected[move] if expected else None)
    known = [value for value in (before.value, *expected) if value is not None]
    if brings is None or not known:
        return None
    top = before.value if before.value is not None else max(known)
    lost = 0.0 if move == best else max(top - brings, 0.0)
    word = next((word for most, word in _WORDS if lost <= most), _WORST)
    return Judgement(move, best, brings, lost, "the best" if move == best else word)


def _best(thought: Thought) -> int:
    """Gives the move that an agent would make, as far as it can be told from a thought."""
    if thought.line:
        return thought.line[0]
    each: list[float | None] = [*thought.q] if thought.q else thought_screen.shares(thought)[1]
    known = [(value, -action) for action, value in enumerate(each) if value is not None]
    return -max(known)[1]
