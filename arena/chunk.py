"""A chunk: the games of one pairing that are played, retried and committed together.

`play_chunk` is a pure function of the chunk, so any executor gives the same bytes. When a worker
dies or is late in a chunk, the chunk is played again game by game; if it happens again, who was to
move forfeits that game, and the rest of the chunk is played.
"""

from __future__ import annotations

import json
from base64 import b85decode, b85encode
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from agents import registry as agent_registry
from agents.base import AgentError, Player
from arena import match
from arena.conduct import SUSPENDED
from arena.executor import Outcome, Report
from arena.match import Episode, TimeControl
from envs import registry as env_registry
from envs.base import VectorEnv

_CRASHES_BORNE = 3
_ATTEMPTS = 3

ON_FAULT = ("forfeit", "void", "retry")
"""What a fault does to a game: it is lost, it counts for nobody, it is played again twice."""


class ChunkError(RuntimeError):
    """A chunk that could not be played for a reason that is no agent's."""


@dataclass(frozen=True, slots=True)
class Game:
    """A game to be played."""

    seats: tuple[int, ...]
    """Index into the chunk's agents, by seat."""
    opening: tuple[int, ...]
    """Actions played first."""
    seed: int


@dataclass(frozen=True, slots=True)
class Fault:
    """A game that is known to kill or to block the process that plays it."""

    game: int
    seat: int
    """Seat of the agent that was to move."""
    reason: str
    """`crash` or `timeout`."""
    detail: str
    actions: tuple[int, ...]
    """What was played until then."""
    attempt: int | None = 0
    """Of the game; None = at every attempt."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Everything that decides how some games go."""

    number: int
    """Place in the tournament, from 0."""
    env: str
    agents: tuple[str, ...]
    """Canonical AGENT texts."""
    games: tuple[Game, ...]
    clock: TimeControl
    one_by_one: bool = False
    """Play the games one after the other, saying before each move whose it is."""
    faults: tuple[Fault, ...] = ()
    """What was learned in earlier attempts."""
    crashes: int = 0
    """Attempts that ended without anybody to blame."""
    on_fault: str = "forfeit"
    """One of `ON_FAULT`."""
    suspended: tuple[int, ...] = ()
    """Places among the agents of those that may not play; then nobody does."""


class Played(NamedTuple):
    """An episode of a chunk."""

    game: int
    """Place among the chunk's games."""
    attempt: int
    """Which try at that game, from 0."""
    episode: Episode


@runtime_checkable
class Resting(Protocol):
    """What a player has that keeps a process between games."""

    def rest(self) -> None:
        """Lets the process take nothing from the games of others."""
        ...


@dataclass(frozen=True, slots=True)
class AgentCard:
    """What the harness must know of an agent before it plays."""

    agent: str
    """Canonical AGENT text."""
    digest: str | None
    """SHA-256 of its weights."""
    max_batch: int | None
    """Most games a chunk may have with it."""
    layers: tuple[str, ...] = ()
    """What contains it, empty for players that are trusted."""


def inspect_agent(job: tuple[str, str, float], report: Report) -> AgentCard | str:
    """Makes an agent and prepares it for an env, so that a mistake is known before the first game.

    Args:
        job: AGENT text, env id, seconds it may take.
        report: the executor's.

    Returns:
        Its card, or the user's mistake in words.
    """
    agent, env, seconds = job
    report(seconds)
    try:
        player = player_of(agent)
        spec = env_registry.spec(env)
        player.reset(spec, np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64))
    except AgentError as error:
        return str(error)
    layers = tuple(getattr(player, "layers", ()))
    return AgentCard(agent_registry.canonical(agent), player.digest, player.max_batch, layers)


def play_chunk(chunk: Chunk, report: Report) -> bytes:
    """Plays a chunk and gives its episodes, see `decode`."""
    if not chunk.games:
        return b"[]"
    if chunk.suspended:
        return _encode(_unplayed(chunk))
    lost = len(_settled(chunk)) == len(chunk.games)
    places = range(0 if lost else len(chunk.agents))
    players = [_loaded(chunk, place, report) for place in places]
    numbers = range(len(chunk.games))
    if chunk.one_by_one:
        played = [p for game in numbers for p in _tries(chunk, game, players, report)]
    else:
        episodes = match.play(
            _vector(chunk.env, len(chunk.games)),
            players,
            *_arrays(chunk.games),
            clock=chunk.clock,
            watch=lambda player, rows, seconds, history: report(seconds),
        )
        played = [Played(game, 0, episodes[game]) for game in numbers]
        if chunk.on_fault == "retry":
            for game in [game for game in numbers if episodes[game].blame is not None]:
                played += _tries(chunk, game, players, report, begin=1)
    for player in players:
        if isinstance(player, Resting):
            player.rest()
    return _encode(sorted(played, key=lambda p: p[:2]))


def _encode(played: list[Played]) -> bytes:
    rows = [
        [
            *(game, tried, e.players, e.actions, e.returns, e.digests),
            *(e.termination, e.blame, e.detail, e.search and b85encode(e.search).decode()),
        ]
        for game, tried, e in played
    ]
    return json.dumps(rows, separators=(",", ":")).encode()


def decode(data: bytes) -> list[Played]:
    """Gives the episodes that `play_chunk` wrote."""
    return [_decoded(*row) for row in json.loads(data)]


def _decoded(game: int, attempt: int, *about: Any) -> Played:
    players, actions, returns, digests, termination, blame, detail, search = about
    lists = tuple(players), tuple(actions), tuple(returns), tuple(digests)
    thoughts = search and b85decode(search)
    return Played(game, attempt, Episode(*lists, termination, blame, detail, thoughts))


def retry(chunk: Chunk, outcome: Outcome) -> Chunk | None:
    """Gives the chunk to play after one that died or was late; None when nobody is to blame."""
    if not chunk.one_by_one:
        return replace(chunk, one_by_one=True)
    if not outcome.note:
        borne = chunk.crashes < _CRASHES_BORNE
        return replace(chunk, crashes=chunk.crashes + 1) if borne else None
    header, _, actions = outcome.note.partition(b"\n")
    place, game, attempt = json.loads(header)
    known = _settled(chunk)
    hit = [game] if game is not None else [g for g in range(len(chunk.games)) if g not in known]
    faults = tuple(
        Fault(
            game=g,
            seat=chunk.games[g].seats.index(place),
            reason=outcome.status,
            detail=outcome.value,
            actions=tuple(actions),
            attempt=attempt,
        )
        for g in hit
    )
    return replace(chunk, faults=chunk.faults + faults)


def _settled(chunk: Chunk) -> set[int]:
    """Gives the games that need no player any longer."""
    once = chunk.on_fault != "retry"
    return {fault.game for fault in chunk.faults if once or fault.attempt is None}


def _unplayed(chunk: Chunk) -> list[Played]:
    """Gives the games as forfeits of the first suspended agent."""
    env, place = _vector(chunk.env, 1), chunk.suspended[0]
    played = []
    for number, game in enumerate(chunk.games):
        fault = Fault(number, game.seats.index(place), SUSPENDED, "", ())
        played.append(Played(number, 0, _forfeited(env, game, fault)))
    return played


def _loaded(chunk: Chunk, place: int, report: Report) -> Player:
    """Gives a player; says first whom to blame, should making it end the process."""
    report(chunk.clock.load_s, _note(place, None, None) if chunk.one_by_one else b"")
    return player_of(chunk.agents[place])


def _tries(
    chunk: Chunk, game: int, players: list[Player], report: Report, begin: int = 0
) -> list[Played]:
    """Plays a game, and again after a fault where the chunk asks for it."""
    tries: list[Played] = []
    for attempt in range(begin, _ATTEMPTS if chunk.on_fault == "retry" else 1):
        episode = _play_one(chunk, (game, attempt), players, report)
        tries.append(Played(game, attempt, episode))
        if episode.blame is None:
            break
    return tries


def _play_one(
    chunk: Chunk, try_: tuple[int, int], players: list[Player], report: Report
) -> Episode:
    env = _vector(chunk.env, 1)
    game, attempt = try_
    for fault in chunk.faults:
        if fault.game == game and fault.attempt in (attempt, None):
            return _forfeited(env, chunk.games[game], fault)

    actions = bytearray()

    def watch(player: int, rows: Any, seconds: float, history: list[NDArray[np.int64]]) -> None:
        actions.extend(int(column[0]) for column in history[len(actions) :])
        report(seconds, _note(player, game, attempt) + actions)

    arrays = _arrays(chunk.games[game : game + 1])
    return match.play(env, players, *arrays, clock=chunk.clock, watch=watch)[0]


def _note(place: int, game: int | None, attempt: int | None) -> bytes:
    """Gives a note for whoever finds this process dead; the actions so far follow, a byte each."""
    return json.dumps([place, game, attempt]).encode() + b"\n"


def _forfeited(env: VectorEnv, game: Game, fault: Fault) -> Episode:
    returns, digests = np.zeros(env.spec.num_players), []
    env.reset(np.zeros(1, dtype=np.int64), np.array([game.seed]), [game.opening])
    for number, action in enumerate(fault.actions, 1):
        returns += env.step(np.array([action])).rewards[0]
        if number % match.DIGEST_EVERY == 0:
            digests.append(int(env.digest()[0]))
    return Episode(
        players=game.seats,
        actions=fault.actions,
        returns=tuple(returns.tolist()),
        digests=(*digests, int(env.digest()[0])),
        termination=fault.reason,
        blame=fault.seat,
        detail=fault.detail,
    )


def _arrays(games: tuple[Game, ...]) -> tuple[NDArray[np.int64], list[Any], NDArray[np.int64]]:
    seats = np.array([game.seats for game in games], dtype=np.int64)
    seeds = np.array([game.seed for game in games], dtype=np.int64)
    return seats, [game.opening for game in games], seeds


@lru_cache(maxsize=32)
def player_of(agent: str) -> Player:
    """Gives the player of a canonical AGENT text, kept from job to job of a process."""
    return agent_registry.make(agent)


@lru_cache(maxsize=8)
def _vector(env: str, rows: int) -> VectorEnv:
    return env_registry.make_recorded(env, rows)
