"""Answers to: what does this agent think of that position? Nothing is kept but the last answers."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from agents.base import AgentError, Player
from arena import moves, replaying
from arena.board import players, thinking, verdicts
from arena.board.query import QueryError
from arena.board.shelf import Shelf
from arena.match_record import MatchRecord
from arena.moves import MovesError
from envs import registry
from envs.base import IllegalActionError, TimeStep

_KEPT = 4096
_PLAYERS = 8
_FARTHEST = 20_000
_SECONDS = 10.0
"""Most time for an answer, of players that heed a deadline."""

Document = dict[str, Any]


class Analyst:
    """Asks players, one question at a time."""

    def __init__(self, shelf: Shelf) -> None:
        """Takes where trained players are found."""
        self._shelf = shelf
        self._lock = threading.Lock()
        self._players: OrderedDict[tuple[str, int], tuple[str, Player]] = OrderedDict()
        self._answers: OrderedDict[object, Document] = OrderedDict()

    def board(self, env: str, text: str, agent: str, simulations: int) -> Document:
        """Gives what an agent thinks of a position of a board game.

        `actions` to the position, `to_play`, `legal`, `over`, `returns` by seat where it is over,
        and else `agent`, its exact name, and the `thought`, or `absent`: why it cannot be asked.

        Args:
            env: id of the env.
            text: moves as people write them, from the empty board.
            agent: AGENT text; empty = only the position is wanted.
            simulations: as in `players.find`.

        Raises:
            QueryError: on moves that cannot be played.
        """
        actions, step, returns = _position(env, text)
        legal = step.action_mask.tolist()
        found: Document = {
            "actions": list(actions),
            "to_play": int(step.to_play),
            "legal": legal,
            "over": bool(step.last),
            "returns": returns if step.last else None,
        }
        if step.last or not agent:
            return found
        return {**found, **self._asked(env, (env, actions), step, agent, simulations)}

    def film(self, record: MatchRecord, key: object, place: int, ask: tuple[str, int]) -> Document:
        """Gives `agent` and `thought`, or `absent`, for a moment of a recorded solo episode.

        Args:
            record: of the episode.
            key: what tells it from others.
            place: number of actions played, at most 20,000.
            ask: AGENT text and simulations.

        Raises:
            QueryError: when the episode ends before `place`.
        """
        if place > min(len(record.actions), _FARTHEST):
            raise QueryError(f"no moment {place}; choose 0 to {len(record.actions)}")
        env, step = replaying.begin(record)
        for action in record.actions[:place]:
            step = env.step(action)
        if step.last:
            return {"over": True}
        return self._asked(record.env, (key, place), step, *ask)

    def verdicts(self, opening: Sequence[int], actions: Sequence[int], seconds: float) -> Document:
        """Gives the solver's `verdicts` on the positions of a game, and whether they are `done`.

        Those that time did not suffice for follow when it is asked again.
        """
        key = ("verdicts", tuple(opening), tuple(actions))
        until = time.monotonic() + seconds
        with self._lock:
            found: Document = self._answers.get(key, {"verdicts": [], "done": False})
            if found["done"]:
                return found
            known = list(found["verdicts"])
            for verdict in verdicts.verdicts(opening, actions, tuple(known)):
                known.append(verdict)
                if time.monotonic() > until:
                    return self._keep(key, {"verdicts": known, "done": False})
            return self._keep(key, {"verdicts": known, "done": True})

    def _asked(
        self, env: str, position: object, step: TimeStep, agent: str, simulations: int
    ) -> Document:
        key = (position, agent, simulations)
        if key in self._answers:
            return self._answers[key]
        began = time.monotonic()
        with self._lock:
            try:
                name, player = self._player(agent, simulations)
                thinking.prepare(player, registry.spec(env), int(step.to_play), 0)
                thought = thinking.thought(player, step, time.monotonic() + _SECONDS)
            except (players.Absent, AgentError) as error:
                return {"absent": str(error)}
        milliseconds = round(1000 * (time.monotonic() - began))
        return self._keep(key, {"agent": name, "thought": thought, "ms": milliseconds})

    def _player(self, agent: str, simulations: int) -> tuple[str, Player]:
        key = (agent, simulations)
        if key not in self._players:
            self._players[key] = players.find(self._shelf, agent, simulations)
            while len(self._players) > _PLAYERS:
                self._players.popitem(last=False)
        return self._players[key]

    def _keep(self, key: object, answer: Document) -> Document:
        self._answers[key] = answer
        while len(self._answers) > _KEPT:
            self._answers.popitem(last=False)
        return answer


def _position(env: str, text: str) -> tuple[tuple[int, ...], TimeStep, list[float]]:
    """Gives the actions, the moment after them, and the returns until then."""
    if not registry.draws(env):
        raise QueryError(f"{env} is no board game; ask for a moment of an episode")
    try:
        actions = moves.read(text, env) if text else ()
        game = registry.make(env)
        step = game.reset(0)
        returns = step.rewards * 0
        for action in actions:
            step = game.step(action)
            returns = returns + step.rewards
    except (MovesError, IllegalActionError) as error:
        raise QueryError(str(error)) from error
    return actions, step, returns.tolist()
